/* rings.c - rings.
 *
 * The ring, n = 4, blocks 0..3 of every rank; "b:23" is block b with the
 * contributions of ranks 2 and 3. Each step a rank sends one block to its
 * right and takes one from its left.
 *
 * reduce-scatter: at step s rank r sends block r-s-1 and adds to block r-s-2
 *
 *          rank 0              rank 1              rank 2              rank 3
 *   s = 0  sends 3, adds 2:03  sends 0, adds 3:01  sends 1, adds 0:12  sends 2, adds 1:23
 *   s = 1  sends 2, adds 1:023 sends 3, adds 2:013 ...                 ...
 *   s = 2  sends 1, adds 0:all ...                 ...                 adds 3:all
 *
 *   Block b sums its ranks in the order b+1, b+2, ..., b: fixed, so repeatable;
 *   and the same for every way the parts are grouped, so DDP and ZeRO agree.
 *
 * all-gather: at step s rank r sends block r-s and takes block r-s-1
 *
 *   s = 0  sends 0, takes 3    sends 1, takes 0    sends 2, takes 1    sends 3, takes 2
 *   s = 1  sends 3, takes 2    ...
 *
 * exchange: at step s rank r sends block r+s+1 to the rank of that number, and takes block r of rank r-s-1
 *
 * hierarchical all-reduce, two nodes of two: three legs, each a ring
 *
 *                                       rank 0     rank 1  |  rank 2     rank 3
 *   1  reduce-scatter inside a node     block 0:01 1:01    |  block 0:23 1:23
 *   2  all-reduce across, each block    0 <----------------------> 0
 *      between ranks of the same place             1 <----------------------> 1
 *   3  all-gather inside                0:all, 1:all ...
 *
 *   A value's sum is that of its nodes' sums, each in the order of its ring: fixed too, but another than one ring's.
 */
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"
#include "parallel/collectives/moves.h"

int64_t block_offset(int64_t total, int n, int block)
{
    int64_t each = total / n, longer = total % n;
    return block * each + (block < longer ? block : longer);
}

int64_t block_count(int64_t total, int n, int block)
{
    return total / n + (block < total % n);
}

static Tensor block_of(Tensor part, int n, int block)
{
    return tensor_view(part, block_offset(part.count, n, block), block_count(part.count, n, block));
}

static const Leg *leg_of(const Collective *c)
{
    return &c->leg[c->at];
}

Tensor ring_block(const Collective *c, int i, int block)
{
    Tensor part = c->part[i];
    if (c->apart == 0) return block_of(part, leg_of(c)->size, block);
    if (part.data) part.data = (char *)part.data + (size_t)(block * c->apart) * dtype_bytes(part.dtype);
    part.count /= leg_of(c)->size;
    return part;
}

/* Ranks of the leg go round; returns the group's. */
static int peer(const Collective *c, int rank)
{
    const Leg *l = leg_of(c);
    return l->first + (rank + l->size) % l->size * l->apart;
}

int64_t ring_blocks(const Collective *c, int block)
{
    int64_t count = 0;
    for (int i = 0; i < c->parts; i++) count += block_count(c->part[i].count, leg_of(c)->size, block);
    return count;
}

/* visits block `block` of every part beside its place in a packed buffer */
static void each_piece(const Collective *c, int block, Tensor packed,
                       void (*visit)(Tensor piece, Tensor in_packed))
{
    int64_t at = 0;
    for (int i = 0; i < c->parts; i++) {
        Tensor piece = ring_block(c, i, block);
        visit(piece, tensor_view(packed, at, piece.count));
        at += piece.count;
    }
}

static void pack(Tensor piece, Tensor in_packed)
{
    tensor_copy(in_packed, piece);
}

static void unpack(Tensor piece, Tensor in_packed)
{
    tensor_copy(piece, in_packed);
}

static void sum(Tensor piece, Tensor in_packed)
{
    tensor_add(piece, in_packed, WORK_REDUCE);
}

static bool exchanging(const Collective *c)
{
    return c->arrived && c->step < c->reduce_steps;
}

/* Which block leaves and which arrives at c->step; of an exchange, the rank it goes to and the one it comes
 * from. */
static void blocks_at(const Collective *c, int *leaves, int *arrives)
{
    int r = leg_of(c)->rank, n = leg_of(c)->size;
    bool reducing = c->step < c->reduce_steps;
    int s = reducing ? c->step + 1 : c->step - c->reduce_steps;
    *leaves = (exchanging(c) ? r + s : r - s + n) % n;
    *arrives = (exchanging(c) ? r - s + n : r - s - 1 + n) % n;
}

static void step_begin(Collective *c)
{
    int leaves, arrives, n = leg_of(c)->size, r = leg_of(c)->rank;
    int hop = exchanging(c) ? c->step + 1 : 1;
    c->busy = true;
    blocks_at(c, &leaves, &arrives);
    Tensor out, in;
    if (c->parts == 1) { /* one part: a block lies in one piece, and is sent and gathered where it lies */
        out = ring_block(c, 0, leaves);
        in = exchanging(c)               ? block_of(c->incoming, n, arrives)
             : c->step < c->reduce_steps ? tensor_view(c->incoming, 0, ring_blocks(c, arrives))
                                         : ring_block(c, 0, arrives);
    } else {
        out = tensor_view(c->outgoing, 0, ring_blocks(c, leaves));
        in = tensor_view(c->incoming, 0, ring_blocks(c, arrives));
        each_piece(c, leaves, out, pack);
    }
    comm_receive(c->group, peer(c, r - hop), c->tag, c->purpose, in.data, tensor_bytes(in), &c->receive);
    comm_send_stamped(c->group, peer(c, r + hop), c->tag, c->purpose,
                      (Payload){out.data, tensor_bytes(out), c->number}, c->start, &c->send);
    c->moving = true;
    c->busy = false;
}

static void leg_begin(Collective *c, int at)
{
    const Leg *leg = &c->leg[at];
    int rounds = leg->size - 1;
    c->at = at;
    c->step = 0;
    c->reduce_steps = leg->reduces ? rounds : 0;
    c->steps = c->reduce_steps + (leg->gathers ? rounds : 0);
    for (int i = 0; i < c->parts; i++)
        c->part[i] = leg->narrow ? block_of(c->whole[i], leg[-1].size, leg[-1].rank) : c->whole[i];
}

static void step_end(Collective *c)
{
    int leaves, arrives;
    c->busy = true;
    if (c->receive.stamp.sent > c->start) c->start = c->receive.stamp.sent;
    blocks_at(c, &leaves, &arrives);
    if (exchanging(c)) {
        if (c->step == c->reduce_steps - 1) c->arrived(c->context);
    } else if (c->step < c->reduce_steps)
        each_piece(c, arrives, c->incoming, sum);
    else if (c->parts > 1)
        each_piece(c, arrives, c->incoming, unpack);
    c->moving = false;
    if (++c->step == c->steps && c->at + 1 < c->legs) leg_begin(c, c->at + 1);
    c->done = c->step == c->steps;
    c->busy = false;
}

/* In place it is in the ledger alone: nothing is ever in it. */
static Tensor room_for(const Collective *c, int64_t count)
{
    Tensor t = {
        .device = c->part->device, .count = count, .dtype = c->part->dtype, .category = MEM_COMMUNICATION};
    if (c->way != IN_PLACE) return tensor_new(t.device, t.category, t.dtype, count);
    device_book(t.device, t.category, tensor_bytes(t));
    return t;
}

void ring_prepare(Collective *c)
{
    leg_begin(c, 0);
    const int64_t most = ring_blocks(c, 0);
    if (c->parts > 1) c->outgoing = room_for(c, most);
    if (c->parts > 1 || c->reduce_steps > 0) c->incoming = room_for(c, c->arrived ? c->part->count : most);
}

/* Empty ones are not sent. */
int64_t ring_messages(Collective *c, int to)
{
    int64_t messages = 0;
    for (int at = 0, leaves, arrives; at < c->legs; at++) {
        leg_begin(c, at);
        for (; c->step < c->steps; c->step++) {
            blocks_at(c, &leaves, &arrives);
            int hop = exchanging(c) ? c->step + 1 : 1;
            messages += peer(c, leg_of(c)->rank + hop) == to && ring_blocks(c, leaves) > 0;
        }
    }
    leg_begin(c, 0);
    return messages;
}

void ring_start(Collective *c)
{
    step_begin(c);
}

bool ring_ready(Collective *c)
{
    const bool received = comm_test(&c->receive), sent = comm_test(&c->send);
    return !c->moving || (received && sent);
}

void ring_move(Collective *c, bool to_the_end)
{
    while (!c->done) {
        if (!c->moving) step_begin(c);
        if (to_the_end) {
            comm_finish(&c->receive);
            comm_finish(&c->send);
        }
        if (!ring_ready(c)) break;
        step_end(c);
    }
}

/* ---- sizes alone ---- */

/* All blocks but one of a leg's, of all parts, as a tensor to report work of. */
static Tensor all_but(const Collective *c, const Leg *leg, int block)
{
    Tensor t = {.device = c->whole->device, .dtype = c->whole->dtype};
    for (int i = 0; i < c->parts; i++) {
        int64_t count = c->whole[i].count;
        if (leg->narrow) count = block_count(count, leg[-1].size, leg[-1].rank);
        t.count += count - block_count(count, leg->size, (block + leg->size) % leg->size);
    }
    return t;
}

/* What the kernels of a leg's steps would say: what is packed and unpacked where there are several parts, and what is
 * added. */
static void report_leg(const Collective *c, const Leg *leg)
{
    const int r = leg->rank, each = c->parts * (leg->size - 1);
    Device *device = c->whole->device;
    const Tensor added = all_but(c, leg, r - 1);
    if (leg->reduces && !c->arrived) device_kernels(device, tensor_sum_work(added, added, WORK_REDUCE), each);
    if (c->parts == 1) return;
    const Tensor own = all_but(c, leg, r), rights = all_but(c, leg, r + 1);
    if (leg->reduces) device_kernels(device, tensor_copy_work(own), each);
    if (leg->gathers) device_kernels(device, tensor_copy_work(rights), each);
    if (leg->gathers) device_kernels(device, tensor_copy_work(own), each);
}

void ring_report(const Collective *c)
{
    for (const Leg *leg = c->leg; leg < c->leg + c->legs; leg++) report_leg(c, leg);
    if (c->arrived) c->arrived(c->context);
}
