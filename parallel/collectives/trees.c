/* trees.c - the collectives that run to their end: trees, and straight lines.
 *
 * Ranks are counted from the root; a rank's parent is itself without its lowest
 * set bit. A broadcast comes down, highest bit first; a reduction goes up,
 * lowest bit first. n = 6:
 *
 *                0
 *             /  |  \         broadcast  0>4   0>2 4>5   0>1 2>3
 *            4   2   1        reduce     1>0 3>2 5>4   2>0   4>0
 *            |   |
 *            5   3
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"

static void send(Group *group, int to, int tag, Purpose purpose, const void *data, size_t bytes)
{
    Request request;
    comm_send(group, to, tag, purpose, data, bytes, &request);
    comm_wait(&request);
}

static void receive(Group *group, int from, int tag, Purpose purpose, void *data, size_t bytes)
{
    Request request;
    comm_receive(group, from, tag, purpose, data, bytes, &request);
    comm_wait(&request);
}

/* Where not all are walked, and the purpose is of no axis: the root tells those that are, and each counts what it
 * would have sent. */
static void tell(Group *group, int tag, Purpose purpose, void *data, size_t bytes, int root)
{
    assert(purpose_row[purpose].axis == AXIS_NONE);
    if (group->rank != root) receive(group, root, tag, purpose, data, bytes);
    for (int i = 0; i < group->walks && group->rank == root; i++)
        if (group->walked[i] != root) comm_tell(group, group->walked[i], tag, data, bytes);
}

void tree_broadcast(Group *group, Purpose purpose, void *data, size_t bytes, int root)
{
    int n = group->size, me = group_round(group, group->rank - root), tag = group_tag(group), bit = 1;
    while (bit < n && !(me & bit)) bit <<= 1; /* my lowest set bit; the root runs past n */
    if (group->walked) tell(group, tag, purpose, data, bytes, root);
    if (me && !group->walked) receive(group, group_round(group, me - bit + root), tag, purpose, data, bytes);
    for (bit >>= 1; bit; bit >>= 1)
        if (me + bit < n && group->walked)
            comm_count(group->comm, purpose, bytes > 0, bytes);
        else if (me + bit < n)
            send(group, group_round(group, me + bit + root), tag, purpose, data, bytes);
}

void tree_reduce(Group *group, Purpose purpose, Tensor t, int root)
{
    int n = group->size, me = group_round(group, group->rank - root), tag = group_tag(group);
    Tensor incoming = {0};
    lanes_pause(group->comm->lanes); /* its additions too */
    if (!(me & 1) && me + 1 < n) incoming = tensor_new(t.device, MEM_COMMUNICATION, t.dtype, t.count);
    for (int bit = 1; bit < n; bit <<= 1) {
        if (me & bit) {
            send(group, group_round(group, me - bit + root), tag, purpose, t.data, tensor_bytes(t));
            break;
        }
        if (me + bit < n) {
            receive(group, group_round(group, me + bit + root), tag, purpose, incoming.data, tensor_bytes(t));
            tensor_add(t, incoming, WORK_REDUCE);
        }
    }
    tensor_free(&incoming);
    lanes_resume(group->comm->lanes);
}

/* ---- straight lines ---- */

static char *piece(const void *all, int rank, size_t bytes)
{
    return all ? (char *)all + (size_t)rank * bytes : NULL;
}

static void copy(void *to, const void *from, size_t bytes)
{
    if (to && from && bytes) memmove(to, from, bytes);
}

/* By each of the others. */
static void count_gathered(Group *group, size_t bytes)
{
    group->gathered += bytes;
    group->gathers += bytes > 0;
}

void gather_each(Group *group, Purpose purpose, const void *mine, size_t bytes, VisitPiece *visit,
                 void *context, int root)
{
    int tag = group_tag(group);
    if (group->rank != root) {
        send(group, root, tag, purpose, mine, bytes);
        return;
    }
    void *other = allocate(bytes);
    count_gathered(group, bytes);
    for (int i = 0; i < group_walks(group); i++) {
        int from = group_walked(group, i);
        if (from != root) receive(group, from, tag, purpose, other, bytes);
        visit(context, i, from == root ? mine : other);
    }
    free(other);
}

void gather_lent(Group *group, Purpose purpose, const void *mine, size_t bytes, VisitPiece *visit,
                 void *context, int root)
{
    const int tag = group_tag(group);
    char visited = 0;
    assert(purpose_row[purpose].axis == AXIS_NONE);
    if (group->rank != root) {
        comm_count(group->comm, purpose, bytes > 0, bytes);
        comm_tell(group, root, tag, &mine, sizeof mine);
        receive(group, root, tag, purpose, &visited, sizeof visited);
        return;
    }
    count_gathered(group, bytes);
    for (int i = 0; i < group_walks(group); i++) {
        const int from = group_walked(group, i);
        const void *other = mine;
        if (from != root) receive(group, from, tag, purpose, &other, sizeof other);
        visit(context, i, other);
        if (from != root) comm_tell(group, from, tag, &visited, sizeof visited);
    }
}

typedef struct Pieces {
    void *all;
    size_t bytes;
} Pieces;

static void keep_piece(void *context, int i, const void *one)
{
    const Pieces *p = context;
    copy(piece(p->all, i, p->bytes), one, p->bytes);
}

void gather(Group *group, Purpose purpose, const void *mine, size_t bytes, void *all, int root)
{
    Pieces pieces = {all, bytes};
    gather_each(group, purpose, mine, bytes, keep_piece, &pieces, root);
}

void scatter(Group *group, Purpose purpose, const void *all, size_t bytes, void *mine, int root)
{
    int tag = group_tag(group);
    if (group->rank != root) {
        receive(group, root, tag, purpose, mine, bytes);
        return;
    }
    for (int to = 0; to < group->size; to++) {
        if (to == root) {
            copy(mine, piece(all, root, bytes), bytes);
            continue;
        }
        send(group, to, tag, purpose, piece(all, to, bytes), bytes);
    }
}

double sum_in_rank_order(Group *group, Purpose purpose, Device *device, double mine)
{
    int n = group->size;
    size_t bytes = (size_t)n * sizeof(double);
    double sum = 0, *each = device->dry ? NULL : allocate(bytes);
    Collective ring;
    Tensor all = {.device = device, .data = each, .count = (int64_t)bytes, .dtype = UINT8};
    if (each) each[group->rank] = mine;
    ring_all_gather_begin(&ring, group, purpose, &all, 1);
    ring_end(&ring);
    for (int r = 0; each && r < n; r++) sum += each[r];
    free(each);
    return sum;
}
