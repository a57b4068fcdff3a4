/* all_to_all_hops.c - the messages of an all-to-all.
 *
 * Straight: n - 1 messages from each rank, as all_to_all.h draws them.
 *
 * Hierarchical, N nodes of g members (Tutel's 2DH, Hwang et al. 2206.03382, section 3.3; DeepSpeed-MoE, Rajbhandari et al.
 * 2201.05596, section 5.1): first inside each node, to the member whose place is that of whom the rows are for, then
 * across, between members of the same place. g - 1 messages and N - 1 instead of g N - 1, and those that leave a node are
 * g times as long. Two nodes of two, rows named by who sends them and who gets them:
 *
 *             rank 0        rank 1      |  rank 2        rank 3
 *   out       00 01 02 03   10 11 12 13 |  20 21 22 23   30 31 32 33
 *   packed    00 02 01 03   10 12 11 13 |  20 22 21 23   30 32 31 33     by place, then node
 *   1 inside  00 02 10 12   01 03 11 13 |  20 22 30 32   21 23 31 33     to the place of whom they are for
 *   packed    00 10 02 12   01 11 03 13 |  20 30 22 32   21 31 23 33     by node, then who sent them
 *   2 across  00 10 20 30   01 11 21 31 |  02 12 22 32   03 13 23 33     = in
 *
 * Bytes a rank sends: in the first hop its rows for members of other places of its node and of all others; in the
 * second, what its node's members have for its place in other nodes. What leaves a node is the same either way. It takes
 * room for what it sends and what it passes on. The rows are moved and nothing else, so `in` is the same. */
#include "parallel/collectives/all_to_all_hops.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"

/* The rank of that place in that node. */
static int at(const AllToAll *a, int node, int place)
{
    return node * a->inside + place;
}

static int nodes(const AllToAll *a)
{
    return a->group->size / a->inside;
}

static int my_node(const AllToAll *a)
{
    return a->group->rank / a->inside;
}

static int my_place(const AllToAll *a)
{
    return a->group->rank % a->inside;
}

static int64_t between(const AllToAll *a, int from, int to)
{
    return rows_between(&a->counts, a->group->size, from, to);
}

int64_t hop_rows(const AllToAll *a, int hop, int from, int to)
{
    int64_t rows = 0;
    if (a->inside == 0) return between(a, from, to);
    const int g = a->inside, node = from / g, place = to % g;
    if (hop == 0 ? node != to / g : place != from % g) return 0;
    if (!a->counts.rows) return a->counts.each * (hop == 0 ? nodes(a) : g);
    if (hop == 0)
        for (int there = 0; there < nodes(a); there++) rows += between(a, from, at(a, there, place));
    else
        for (int p = 0; p < g; p++) rows += between(a, at(a, node, p), to);
    return rows;
}

static Tensor segment(const AllToAll *a, Tensor of, int64_t first, int64_t rows)
{
    return tensor_view(of, first * a->width, rows * a->width);
}

/* Of `out` what rank `to` gets, and of `in` what rank `from` sent. */
static Tensor segment_to(const AllToAll *a, int to)
{
    const int n = a->group->size, r = a->group->rank;
    return segment(a, a->out, rows_before_to(&a->counts, n, r, to), between(a, r, to));
}

static Tensor segment_from(const AllToAll *a, int from)
{
    const int n = a->group->size, r = a->group->rank;
    return segment(a, a->in, rows_before_from(&a->counts, n, from, r), between(a, from, r));
}

static void send(AllToAll *a, int to, Tensor t)
{
    comm_send_stamped(a->group, to, a->tag, a->purpose, (Payload){t.data, tensor_bytes(t), a->number},
                      a->start, &a->request[a->requests++]);
}

static void receive(AllToAll *a, int from, Tensor t)
{
    comm_receive(a->group, from, a->tag, a->purpose, t.data, tensor_bytes(t), &a->request[a->requests++]);
}

/* ---- straight ---- */

static void send_straight(AllToAll *a)
{
    Group *group = a->group;
    const int n = group->size, r = group->rank;
    for (int s = 1; s < n; s++) { /* the neighbours' first */
        const int from = group_round(group, r - s);
        receive(a, from, segment_from(a, from));
    }
    for (int s = 1; s < n; s++) {
        const int to = group_round(group, r + s);
        send(a, to, segment_to(a, to));
    }
}

/* ---- in two hops ---- */

/* In `incoming`, what members of this node have for this place, by who sent it: his lies from here. */
static int64_t before_place(const AllToAll *a, int place)
{
    int64_t rows = 0;
    for (int p = 0; p < place; p++) rows += hop_rows(a, 0, at(a, my_node(a), p), a->group->rank);
    return rows;
}

static int64_t move_piece(const AllToAll *a, Tensor to, int64_t to_row, Tensor from, int64_t from_row,
                          int64_t rows)
{
    const size_t row = (size_t)a->width * dtype_bytes(to.dtype);
    if (to.data && rows > 0)
        memcpy((char *)to.data + (size_t)to_row * row, (const char *)from.data + (size_t)from_row * row,
               (size_t)rows * row);
    return rows;
}

static Work copy_work(const AllToAll *a, int64_t rows)
{
    Tensor all = a->out;
    all.count = rows * a->width;
    return tensor_copy_work(all);
}

/* By place, then node; what is for this place goes where the node's members will send theirs. */
static void pack_for_places(const AllToAll *a)
{
    const int n = a->group->size, r = a->group->rank;
    int64_t packed = 0, own = before_place(a, my_place(a));
    if (!device_kernel(a->out.device, copy_work(a, rows_before_to(&a->counts, n, r, n)))) return;
    for (int place = 0; place < a->inside; place++)
        for (int node = 0; node < nodes(a); node++) {
            const int to = at(a, node, place);
            const int64_t from = rows_before_to(&a->counts, n, r, to), rows = between(a, r, to);
            if (place == my_place(a))
                own += move_piece(a, a->incoming, own, a->out, from, rows);
            else
                packed += move_piece(a, a->outgoing, packed, a->out, from, rows);
        }
}

/* By node, then who sent it; what is for this rank goes to its end. */
static void pack_for_nodes(const AllToAll *a)
{
    const int n = a->group->size, r = a->group->rank;
    int64_t packed = 0, *from = allocate((size_t)a->inside * sizeof *from);
    for (int place = 0; place < a->inside; place++) from[place] = before_place(a, place);
    if (device_kernel(a->out.device, copy_work(a, before_place(a, a->inside))))
        for (int node = 0; node < nodes(a); node++)
            for (int place = 0; place < a->inside; place++) {
                const int sender = at(a, my_node(a), place);
                const int64_t rows = between(a, sender, at(a, node, my_place(a)));
                if (node == my_node(a))
                    move_piece(a, a->in, rows_before_from(&a->counts, n, sender, r), a->incoming, from[place],
                               rows);
                else
                    packed += move_piece(a, a->passed_on, packed, a->incoming, from[place], rows);
                from[place] += rows;
            }
    free(from);
}

static void send_inside(AllToAll *a)
{
    const int g = a->inside, r = a->group->rank;
    int64_t packed = 0;
    for (int place = 0; place < g; place++) {
        const int from = at(a, my_node(a), place);
        if (from != r)
            receive(a, from, segment(a, a->incoming, before_place(a, place), hop_rows(a, 0, from, r)));
    }
    for (int place = 0; place < g; place++) {
        const int to = at(a, my_node(a), place);
        if (to == r) continue;
        const int64_t rows = hop_rows(a, 0, r, to);
        send(a, to, segment(a, a->outgoing, packed, rows));
        packed += rows;
    }
}

static void send_across(AllToAll *a)
{
    const int n = a->group->size, r = a->group->rank;
    int64_t packed = 0;
    for (int node = 0; node < nodes(a); node++) {
        const int from = at(a, node, my_place(a)), first = at(a, node, 0);
        if (from != r)
            receive(a, from,
                    segment(a, a->in, rows_before_from(&a->counts, n, first, r), hop_rows(a, 1, from, r)));
    }
    for (int node = 0; node < nodes(a); node++) {
        const int to = at(a, node, my_place(a));
        if (to == r) continue;
        const int64_t rows = hop_rows(a, 1, r, to);
        send(a, to, segment(a, a->passed_on, packed, rows));
        packed += rows;
    }
}

/* ---- both ---- */

void hops_prepare(AllToAll *a)
{
    const int n = a->group->size, r = a->group->rank;
    Device *device = a->out.device;
    const DType dtype = a->out.dtype;
    if (a->inside == 0) {
        Tensor own = segment_to(a, r);
        if (own.count > 0) tensor_copy(segment_from(a, r), own);
        return;
    }
    const int64_t passes = before_place(a, a->inside), own = hop_rows(a, 0, r, r),
                  kept = rows_before_from(&a->counts, n, at(a, my_node(a) + 1, 0), r) -
                         rows_before_from(&a->counts, n, at(a, my_node(a), 0), r);
    a->outgoing = tensor_new(device, MEM_COMMUNICATION, dtype, a->out.count - own * a->width);
    a->incoming = tensor_new(device, MEM_COMMUNICATION, dtype, passes * a->width);
    a->passed_on = tensor_new(device, MEM_COMMUNICATION, dtype, (passes - kept) * a->width);
    pack_for_places(a);
}

void hop_begin(AllToAll *a)
{
    if (!a->request) a->request = allocate(2 * (size_t)(a->group->size - 1) * sizeof *a->request);
    a->requests = a->at = 0;
    if (a->inside == 0)
        send_straight(a);
    else if (a->hop == 0)
        send_inside(a);
    else
        send_across(a);
}

void hop_end(AllToAll *a)
{
    if (a->inside > 0 && a->hop == 0) pack_for_nodes(a);
    a->hop++;
}
