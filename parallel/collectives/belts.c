/* belts.c - messages up and down the trees of an all-reduce (double_tree.c draws them). */
#include <stdlib.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/double_tree.h"
#include "parallel/collectives/moves.h"

/* Open MPI sends what is below 64 KiB with its own header at once over TCP, and asks first for more. */
enum { MESSAGE_BYTES = 60 << 10 };

/* What goes one way along one tree: a message at a time comes from some, and goes on to others. */
typedef struct Belt {
    const int *from, *to;
    int froms, tos;
    enum { IDLE, RECEIVING, SENDING } state;
    int part; /* the message under way: of that part's block, so many elements on */
    int64_t at;
    int64_t passed; /* messages before it */
    Request in[TREE_BELOW], out[TREE_BELOW];
} Belt;

typedef struct Tree {
    TreePlace place;
    int tag;
    Tensor incoming; /* a message's room for each below */
    Belt up, down;
} Tree;

/* ---- messages ---- */

static Tensor block_of(const Collective *c, int part, int tree)
{
    int trees = tree_count(c->group);
    Tensor t = c->part[part];
    return tensor_view(t, block_offset(t.count, trees, tree), block_count(t.count, trees, tree));
}

static int64_t message_most(const Collective *c)
{
    return MESSAGE_BYTES / (int64_t)dtype_bytes(c->part->dtype);
}

static int64_t messages_of(const Collective *c, Tensor block)
{
    int64_t most = message_most(c);
    return (block.count + most - 1) / most;
}

/* The longest of a tree. */
static int64_t message_room(const Collective *c, int tree)
{
    int64_t longest = 0, most = message_most(c);
    for (int i = 0; i < c->parts; i++) {
        int64_t count = block_of(c, i, tree).count;
        if (count > longest) longest = count;
    }
    return longest < most ? longest : most;
}

/* The message that is next on the belt; false: there are no more. */
static bool message_at(const Collective *c, int tree, Belt *b, Tensor *piece)
{
    for (; b->part < c->parts; b->part++, b->at = 0) {
        Tensor block = block_of(c, b->part, tree);
        int64_t rest = block.count - b->at, most = message_most(c);
        *piece = tensor_view(block, b->at, rest < most ? rest : most);
        if (rest > 0) return true;
    }
    return false;
}

static Tensor room_for(const Tree *t, int below, int64_t count)
{
    int64_t each = t->incoming.count / t->place.downs;
    return tensor_view(t->incoming, below * each, count);
}

/* ---- moving ---- */

void trees_prepare(Collective *c)
{
    int64_t room = 0;
    c->trees = tree_count(c->group);
    c->tree = allocate_zeroed((size_t)c->trees, sizeof *c->tree);
    for (int i = 0; i < c->trees; i++) {
        c->tree[i].place = tree_place(c->group, i);
        room += c->tree[i].place.downs * message_room(c, i);
    }
    c->incoming = tensor_new(c->part->device, MEM_COMMUNICATION, c->part->dtype, room);
}

void trees_start(Collective *c)
{
    int64_t at = 0;
    for (int i = 0; i < c->trees; i++) {
        Tree *t = &c->tree[i];
        const TreePlace *p = &t->place;
        int64_t room = p->downs * message_room(c, i);
        t->tag = i == 0 ? c->tag : group_tag(c->group); /* messages of two trees may meet in any order */
        t->incoming = tensor_view(c->incoming, at, room);
        t->up = (Belt){.from = p->down, .froms = p->downs, .to = &p->up, .tos = p->up >= 0};
        t->down = (Belt){.from = &p->up, .froms = p->up >= 0, .to = p->down, .tos = p->downs};
        at += room;
    }
    trees_move(c, false);
}

void trees_end(Collective *c)
{
    free(c->tree);
}

static bool all_done(Request *request, int count)
{
    bool all = true;
    for (int i = 0; i < count; i++) all &= comm_test(&request[i]);
    return all;
}

static void receive_from_all(Collective *c, Tree *t, Belt *b, Tensor piece)
{
    for (int k = 0; k < b->froms; k++) {
        Tensor to = b == &t->up ? room_for(t, k, piece.count) : piece;
        comm_receive(c->group, b->from[k], t->tag, c->purpose, to.data, tensor_bytes(to), &b->in[k]);
    }
}

static void send_to_all(Collective *c, Tree *t, Belt *b, Tensor piece)
{
    for (int k = 0; k < b->froms; k++) {
        if (b->in[k].stamp.sent > c->start) c->start = b->in[k].stamp.sent;
        if (b == &t->up) tensor_add(piece, room_for(t, k, piece.count), WORK_REDUCE);
    }
    Payload payload = {piece.data, tensor_bytes(piece), c->number};
    for (int k = 0; k < b->tos; k++)
        comm_send_stamped(c->group, b->to[k], t->tag, c->purpose, payload, c->start, &b->out[k]);
}

/* Down goes what went up before. Returns whether it has moved. */
static bool belt_moves(Collective *c, Tree *t, Belt *b)
{
    int tree = (int)(t - c->tree);
    Tensor piece;
    bool moved = false;
    if (!message_at(c, tree, b, &piece)) return false;
    if (b->state == IDLE) {
        if (b == &t->down && b->passed == t->up.passed) return false;
        receive_from_all(c, t, b, piece);
        b->state = RECEIVING;
        moved = true;
    }
    if (b->state == RECEIVING && all_done(b->in, b->froms)) {
        send_to_all(c, t, b, piece);
        b->state = SENDING;
        moved = true;
    }
    if (b->state == SENDING && all_done(b->out, b->tos)) {
        b->at += piece.count;
        b->passed++;
        b->state = IDLE;
        moved = true;
    }
    return moved;
}

/* One that had not moved: for the first of its messages that is not there, or not away; all may be by now. */
static bool belt_waits(Collective *c, Tree *t, Belt *b)
{
    Tensor piece;
    if (!message_at(c, (int)(t - c->tree), b, &piece) || b->state == IDLE) return false;
    Request *request = b->state == RECEIVING ? b->in : b->out;
    int count = b->state == RECEIVING ? b->froms : b->tos, i = 0;
    while (i < count && comm_test(&request[i])) i++;
    if (i < count) comm_finish(&request[i]);
    return true;
}

/* For the first tree that is not done, on its way up before down: as all ranks do, so that nobody waits for one that
 * waits for it. */
static void wait_for_one(Collective *c)
{
    for (int i = 0; i < c->trees; i++)
        if (belt_waits(c, &c->tree[i], &c->tree[i].up) || belt_waits(c, &c->tree[i], &c->tree[i].down))
            return;
}

static bool all_passed(Collective *c)
{
    Tensor piece;
    bool all = true;
    for (int i = 0; i < c->trees; i++) all = all && !message_at(c, i, &c->tree[i].down, &piece);
    return all;
}

void trees_move(Collective *c, bool to_the_end)
{
    c->busy = true;
    for (;;) {
        bool moved = false;
        for (int i = 0; i < c->trees; i++) {
            moved |= belt_moves(c, &c->tree[i], &c->tree[i].up);
            moved |= belt_moves(c, &c->tree[i], &c->tree[i].down);
        }
        c->done = all_passed(c);
        if (c->done || (!moved && !to_the_end)) break;
        if (!moved) wait_for_one(c);
    }
    c->busy = false;
}

/* ---- sizes ---- */

/* Of a rank's neighbours in a tree, those in other nodes. */
static uint64_t strangers(const Group *g, const TreePlace *p)
{
    uint64_t count =
        p->up >= 0 && network_route(&g->comm->network, g->comm->rank, g->members[p->up]) == ROUTE_ACROSS;
    for (int k = 0; k < p->downs; k++)
        count += network_route(&g->comm->network, g->comm->rank, g->members[p->down[k]]) == ROUTE_ACROSS;
    return count;
}

RingShape trees_shape(Collective *c)
{
    const Spread s = group_spread(c->group);
    const size_t width = dtype_bytes(c->part->dtype);
    int64_t all = 0;
    RingShape shape = {.purpose = c->purpose};
    for (int i = 0; i < c->parts; i++) all += c->part[i].count;
    for (int t = 0; t < tree_count(c->group); t++) {
        TreePlace place = tree_place(c->group, t);
        uint64_t sends = (uint64_t)(place.up >= 0) + (uint64_t)place.downs,
                 out = s.nodes > 1 ? strangers(c->group, &place) * group_stands_for(c->group) : 0;
        for (int i = 0; i < c->parts; i++) {
            Tensor block = block_of(c, i, t);
            shape.messages += sends * (uint64_t)messages_of(c, block);
            shape.bytes += sends * tensor_bytes(block);
            shape.across += out * tensor_bytes(block);
        }
    }
    const RingSize size = trees_size(&s, (size_t)all * width);
    comm_ring_leg(&shape, network_ring(&c->group->comm->network, &size));
    return shape;
}

int64_t trees_messages(Collective *c, int to)
{
    int64_t messages = 0;
    for (int t = 0; t < c->trees; t++) {
        const TreePlace *place = &c->tree[t].place;
        int64_t ways = place->up == to;
        for (int k = 0; k < place->downs; k++) ways += place->down[k] == to;
        for (int i = 0; i < c->parts; i++) messages += ways * messages_of(c, block_of(c, i, t));
    }
    return messages;
}

void trees_report(const Collective *c)
{
    for (int t = 0; t < c->trees; t++)
        for (int i = 0; i < c->parts; i++) {
            Tensor block = block_of(c, i, t);
            Work work = tensor_sum_work(block, block, WORK_REDUCE);
            for (int k = 0; k < c->tree[t].place.downs && block.count > 0; k++)
                device_kernels(block.device, work, (int)messages_of(c, block));
        }
}
