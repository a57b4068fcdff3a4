/* all_to_all_shape.c - choosing the way; messages and bytes, of this rank and of the one with most. */
#include "parallel/collectives/all_to_all_shape.h"
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/collectives/all_to_all_hops.h"
#include "parallel/network/all_to_all.h"

/* Of one rank, by route: what it sends, and what it gets. */
typedef struct Traffic {
    int64_t messages[ROUTES], rows[ROUTES];
} Traffic;

/* By member, the number of its node among the group's. */
static int *nodes_of(Group *group)
{
    const int *first = group_nodes(group);
    int *node = allocate((size_t)group->size * sizeof *node);
    for (int i = 0, k = 0; i < group->size; i++) node[i] = k += i == first[k + 1];
    return node;
}

static void pass(Traffic *t, Route route, int64_t rows)
{
    t->messages[route]++;
    t->rows[route] += rows;
}

/* Takes in a rank's traffic in one direction. */
static void more(AllToAllSize *size, const Traffic *t, double row_bytes, bool own)
{
    for (Route r = 0; r < ROUTES; r++) {
        const double bytes = (double)t->rows[r] * row_bytes;
        if (t->messages[r] > size->messages[r]) size->messages[r] = (int)t->messages[r];
        size->fullest[r] = fmax(size->fullest[r], bytes);
        if (own) size->bytes[r] = fmax(size->bytes[r], bytes);
    }
}

/* All pairs have as many: then a rank sends what it gets, and those have most that have most others there. */
static Traffic even_traffic(int64_t each, int inside, int across)
{
    Traffic t = {{0}, {0}};
    t.messages[ROUTE_INSIDE] = each > 0 ? inside : 0;
    t.messages[ROUTE_ACROSS] = each > 0 ? across : 0;
    t.rows[ROUTE_INSIDE] = each * inside;
    t.rows[ROUTE_ACROSS] = each * across;
    return t;
}

static int members_beside(Group *group)
{
    const int *first = group_nodes(group);
    int node = 0;
    while (first[node + 1] <= group->rank) node++;
    return first[node + 1] - first[node] - 1;
}

/* One hop of the way that a->inside says. */
typedef struct Hop {
    AllToAllSize size;
    Traffic sent; /* by this rank */
} Hop;

static Hop even_hop(const AllToAll *a, int hop, double row_bytes)
{
    Group *group = a->group;
    const Spread s = group_spread(group);
    const int beside = members_beside(group), g = a->inside;
    const int64_t each = a->counts.each;
    Hop h = {.sent = {.rows = {0}}};
    Traffic most = even_traffic(each, s.most - 1, s.size - s.least);
    h.sent = even_traffic(each, beside, s.size - 1 - beside);
    if (g > 0)
        most = h.sent =
            hop == 0 ? even_traffic(each * s.nodes, g - 1, 0) : even_traffic(each * g, 0, s.nodes - 1);
    more(&h.size, &most, row_bytes, false);
    more(&h.size, &h.sent, row_bytes, true);
    if (h.size.messages[ROUTE_INSIDE] > 0) h.size.pair = (double)(each * (g > 0 ? s.nodes : 1)) * row_bytes;
    return h;
}

static Hop uneven_hop(const AllToAll *a, int hop, double row_bytes)
{
    const Group *group = a->group;
    const int n = group->size;
    int *node = nodes_of(a->group);
    Traffic *out = allocate_zeroed(2 * (size_t)n, sizeof *out), *in = out + n;
    Hop h = {.sent = {.rows = {0}}};
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const int64_t rows = i == j ? 0 : hop_rows(a, hop, i, j);
            const Route route = node[i] == node[j] ? ROUTE_INSIDE : ROUTE_ACROSS;
            if (rows == 0) continue;
            pass(&out[i], route, rows);
            pass(&in[j], route, rows);
            if (route == ROUTE_INSIDE) h.size.pair = fmax(h.size.pair, (double)rows * row_bytes);
        }
    for (int i = 0; i < n; i++) {
        more(&h.size, &out[i], row_bytes, i == group->rank);
        more(&h.size, &in[i], row_bytes, i == group->rank);
    }
    h.sent = out[group->rank];
    free(out);
    free(node);
    return h;
}

/* Of all hops; without any where no member sends anything. */
static RingShape shape_of(const AllToAll *a)
{
    Group *group = a->group;
    const size_t row_bytes = (size_t)a->width * dtype_bytes(a->out.dtype);
    RingShape shape = {.purpose = a->purpose};
    for (int hop = 0; hop < (a->inside > 0 ? 2 : 1); hop++) {
        Hop h = a->counts.rows ? uneven_hop(a, hop, (double)row_bytes) : even_hop(a, hop, (double)row_bytes);
        comm_ring_leg(&shape, network_all_to_all(&group->comm->network, &h.size));
        for (Route r = 0; r < ROUTES; r++) {
            shape.messages += (uint64_t)h.sent.messages[r];
            shape.bytes += (uint64_t)h.sent.rows[r] * row_bytes;
        }
        shape.across += (uint64_t)h.sent.rows[ROUTE_ACROSS] * row_bytes * group_stands_for(group);
    }
    if (group->walked) /* of all members */
        shape.across =
            (uint64_t)(group_spread(group).strangers * a->counts.each) * row_bytes * group_stands_for(group);
    return shape;
}

/* Whether any has rows for another, and each for each. */
static void look(const AllToAll *a, bool *any, bool *full)
{
    const int n = a->group->size;
    *any = a->counts.each > 0;
    *full = a->counts.each > 0;
    if (!a->counts.rows) return;
    *any = false;
    *full = true;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (i == j) continue;
            const bool there = rows_between(&a->counts, n, i, j) > 0;
            *any = *any || there;
            *full = *full && there;
        }
}

bool all_to_all_shape(AllToAll *a)
{
    Group *group = a->group;
    const AllToAllWay way = group->comm->network.all_to_all;
    bool any, full;
    a->shape = (RingShape){.purpose = a->purpose};
    if (group->size == 1) return true;
    if (group->walked && a->counts.rows)
        fail("rank %d cannot stand for %d ranks that send more or less than it; try --all-ranks",
             group->comm->rank, group->size);
    look(a, &any, &full);
    if (!any) return true;
    const Spread s = group_spread(group);
    a->shape = shape_of(a);
    if (way == ALL_TO_ALL_STRAIGHT || !s.even || s.nodes == 1 || s.most == 1) return full;
    a->inside = s.most;
    RingShape hops = shape_of(a);
    if (way == ALL_TO_ALL_HIERARCHICAL || hops.alone < a->shape.alone)
        a->shape = hops;
    else
        a->inside = 0;
    return full;
}
