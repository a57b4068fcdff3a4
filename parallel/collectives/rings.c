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
 */
#include "parallel/collectives/collectives.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "parallel/wire/tape.h"

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

static int64_t blocks_count(const Collective *c, int block)
{
    int64_t count = 0;
    for (int i = 0; i < c->parts; i++) count += block_count(c->part[i].count, c->group->size, block);
    return count;
}

/* visits block `block` of every part beside its place in a packed buffer */
static void each_piece(const Collective *c, int block, Tensor packed,
                       void (*visit)(Tensor piece, Tensor in_packed))
{
    int64_t at = 0;
    for (int i = 0; i < c->parts; i++) {
        Tensor piece = block_of(c->part[i], c->group->size, block);
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
    int r = c->group->rank;
    bool reducing = c->step < c->reduce_steps;
    int s = reducing ? c->step + 1 : c->step - c->reduce_steps;
    *leaves = group_round(c->group, exchanging(c) ? r + s : r - s);
    *arrives = group_round(c->group, exchanging(c) ? r - s : r - s - 1);
}

static void step_begin(Collective *c)
{
    int leaves, arrives, n = c->group->size, r = c->group->rank;
    int hop = exchanging(c) ? c->step + 1 : 1;
    c->busy = true;
    blocks_at(c, &leaves, &arrives);
    Tensor out, in;
    if (c->parts == 1) { /* one part: a block lies in one piece, and is sent and gathered where it lies */
        out = block_of(c->part[0], n, leaves);
        in = exchanging(c)               ? block_of(c->incoming, n, arrives)
             : c->step < c->reduce_steps ? tensor_view(c->incoming, 0, blocks_count(c, arrives))
                                         : block_of(c->part[0], n, arrives);
    } else {
        out = tensor_view(c->outgoing, 0, blocks_count(c, leaves));
        in = tensor_view(c->incoming, 0, blocks_count(c, arrives));
        each_piece(c, leaves, out, pack);
    }
    comm_receive(c->group, group_round(c->group, r - hop), c->tag, c->purpose, in.data, tensor_bytes(in),
                 &c->receive);
    comm_send_stamped(c->group, group_round(c->group, r + hop), c->tag, c->purpose,
                      (Payload){out.data, tensor_bytes(out)}, c->start, &c->send);
    c->moving = true;
    c->busy = false;
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
    c->step++;
    c->busy = false;
}

/* ---- sizes alone ---- */

/* A dry ring carries nothing but the latest beginning, and its bytes are known: so its members only meet. Where a
 * block is empty its step sends no message, and not all learn of all beginnings: then they take the steps. */
static bool can_meet(const Collective *c)
{
    return c->part->device->dry && c->group->comm->backend->come && blocks_count(c, c->group->size - 1) > 0;
}

/* Of either half all blocks leave but one: the own, and the right one's. */
static RingShape shape_of(const Collective *c)
{
    RingShape shape = {.purpose = c->purpose, .steps = c->steps, .step_bytes = c->step_bytes};
    int64_t left = 0, all = 0;
    for (int i = 0; i < c->parts; i++) all += c->part[i].count;
    if (c->reduce_steps > 0) left += all - blocks_count(c, c->group->rank);
    if (c->steps > c->reduce_steps) left += all - blocks_count(c, group_round(c->group, c->group->rank + 1));
    shape.messages = (uint64_t)c->steps;
    shape.bytes = (uint64_t)left * dtype_bytes(c->part->dtype);
    return shape;
}

/* Of a part all blocks but one, as a tensor to report work of. */
static Tensor all_but(const Collective *c, int part, int block)
{
    Tensor t = c->part[part];
    return tensor_view(t, 0, t.count - block_count(t.count, c->group->size, group_round(c->group, block)));
}

/* What the steps' kernels would say: what is packed and unpacked where there are several parts, and what is added. */
static void report(const Collective *c)
{
    int r = c->group->rank, reduces = c->reduce_steps, gathers = c->steps - reduces;
    Device *device = c->part->device;
    for (int i = 0; i < c->parts; i++) {
        Tensor added = all_but(c, i, r - 1), own = all_but(c, i, r), rights = all_but(c, i, r + 1);
        if (reduces && !c->arrived)
            device_kernels(device, tensor_sum_work(added, added, WORK_REDUCE), reduces);
        if (c->parts == 1) continue;
        if (reduces) device_kernels(device, tensor_copy_work(own), reduces);
        if (gathers) device_kernels(device, tensor_copy_work(rights), gathers);
        if (gathers) device_kernels(device, tensor_copy_work(own), gathers);
    }
    if (c->arrived) c->arrived(c->context);
}

static void come(Collective *c)
{
    if (c->group->walked && blocks_count(c, 0) != blocks_count(c, c->group->size - 1))
        fail("rank %d cannot stand for %d ranks whose blocks differ; try --all-ranks", c->group->comm->rank,
             c->group->size);
    comm_ring_begin(c->group, c->tag, shape_of(c), c->start);
    report(c);
    c->meets = true;
    c->step = c->steps;
}

/* ---- begun, progressed, ended ---- */

/* `how`: the group, the purpose, how many parts; and an exchange's arrival. */
static void begin(Collective *c, Collective how, const Tensor *part, bool reduces, bool gathers)
{
    Group *group = how.group;
    int rounds = group->size - 1;
    *c = how;
    c->tag = group_tag(group);
    if (rounds > 0) lanes_launch(group->comm->lanes);
    lanes_pause(group->comm->lanes);
    c->start = comm_now(group->comm);
    c->reduce_steps = reduces ? rounds : 0;
    c->steps = c->reduce_steps + (gathers ? rounds : 0);
    c->part = allocate((size_t)c->parts * sizeof *c->part);
    memcpy(c->part, part, (size_t)c->parts * sizeof *c->part);
    if (c->steps > 0) {
        int64_t most = blocks_count(c, 0);
        DType dtype = c->part->dtype;
        c->step_bytes = (size_t)most * dtype_bytes(dtype);
        if (c->parts > 1) c->outgoing = tensor_new(c->part->device, MEM_COMMUNICATION, dtype, most);
        if (c->parts > 1 || reduces)
            c->incoming =
                tensor_new(c->part->device, MEM_COMMUNICATION, dtype, c->arrived ? c->part->count : most);
        if (can_meet(c))
            come(c);
        else
            step_begin(c);
    }
    if (group->comm->tape) {
        c->tape = group->comm->tapes;
        c->on_tape = tape_ring_begin(group->comm->tape, group, shape_of(c));
    }
    lanes_resume(group->comm->lanes);
}

void ring_reduce_scatter_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts)
{
    begin(c, (Collective){.group = group, .purpose = purpose, .parts = parts}, part, true, false);
}

void ring_all_gather_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts)
{
    begin(c, (Collective){.group = group, .purpose = purpose, .parts = parts}, part, false, true);
}

void ring_all_reduce_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts)
{
    begin(c, (Collective){.group = group, .purpose = purpose, .parts = parts}, part, true, true);
}

void exchange_begin(Collective *c, Group *group, Purpose purpose, Tensor part, bool gathers,
                    void (*arrived)(void *context), void *context)
{
    assert(part.count % group->size == 0);
    Collective how = {.group = group, .purpose = purpose, .parts = 1};
    how.arrived = arrived;
    how.context = context;
    begin(c, how, &part, true, gathers);
}

/* As far as messages have arrived, or to the end. */
static void move_on(Collective *c, bool to_the_end)
{
    lanes_pause(c->group->comm->lanes);
    while (c->step < c->steps) {
        if (!c->moving) step_begin(c);
        if (to_the_end) {
            comm_finish(&c->receive);
            comm_finish(&c->send);
        }
        bool received = comm_test(&c->receive), sent = comm_test(&c->send);
        if (!received || !sent) break;
        step_end(c);
    }
    lanes_resume(c->group->comm->lanes);
}

bool ring_progress(Collective *c)
{
    if (c->busy) return false;
    if (c->group && c->step < c->steps) move_on(c, false);
    return !c->group || c->step == c->steps;
}

void ring_end(Collective *c)
{
    if (!c->group) return;
    Comm *comm = c->group->comm;
    if (comm->tape) tape_ring_end(comm->tape, c->tape == comm->tapes ? c->on_tape : -1);
    if (c->meets)
        c->start = comm_ring_meet(c->group, c->tag, c->start);
    else
        move_on(c, true);
    comm_ring_end(comm, (RingShape){.purpose = c->purpose, .steps = c->steps, .step_bytes = c->step_bytes},
                  c->start);
    tensor_free(&c->outgoing);
    tensor_free(&c->incoming);
    free(c->part);
    *c = (Collective){0};
}
