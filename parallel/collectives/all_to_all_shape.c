/* all_to_all_shape.c - messages and bytes, of this rank and of the one with most. */
#include "parallel/collectives/all_to_all_shape.h"
#include <math.h>
#include "models/machine/error.h"
#include "parallel/network/all_to_all.h"

/* Of one rank, by route: what it sends, and what it gets. */
typedef struct Traffic {
    int64_t messages[ROUTES], rows[ROUTES];
} Traffic;

static Route route_between(const Group *group, int from, int to)
{
    return network_route(&group->comm->network, group->members[from], group->members[to]);
}

static void pass(Traffic *t, Route route, int64_t rows)
{
    t->messages[route] += rows > 0;
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

static Traffic even_size(const AllToAll *a, double row_bytes, AllToAllSize *size)
{
    Group *group = a->group;
    const Spread s = group_spread(group);
    const int beside = members_beside(group);
    const int64_t each = a->counts.each;
    Traffic own = even_traffic(each, beside, s.size - 1 - beside),
            most = even_traffic(each, s.most - 1, s.size - s.least);
    more(size, &most, row_bytes, false);
    more(size, &own, row_bytes, true);
    size->pair = s.most > 1 ? (double)each * row_bytes : 0;
    return own;
}

/* Returns what this rank sends; `full`: whether each has rows for each other. */
static Traffic uneven_size(const AllToAll *a, double row_bytes, AllToAllSize *size, bool *full)
{
    const Group *group = a->group;
    const int n = group->size;
    Traffic sent = {{0}, {0}};
    *full = true;
    for (int i = 0; i < n; i++) {
        Traffic out = {{0}, {0}}, in = {{0}, {0}};
        for (int j = 0; j < n; j++) {
            if (j == i) continue;
            const Route route = route_between(group, i, j);
            const int64_t there = rows_between(&a->counts, n, i, j);
            pass(&out, route, there);
            pass(&in, route, rows_between(&a->counts, n, j, i));
            if (route == ROUTE_INSIDE) size->pair = fmax(size->pair, (double)there * row_bytes);
            *full = *full && there > 0;
        }
        more(size, &out, row_bytes, i == group->rank);
        more(size, &in, row_bytes, i == group->rank);
        if (i == group->rank) sent = out;
    }
    return sent;
}

bool all_to_all_shape(AllToAll *a)
{
    Group *group = a->group;
    const size_t row_bytes = (size_t)a->width * dtype_bytes(a->out.dtype);
    bool full = a->counts.each > 0;
    AllToAllSize size = {{0}};
    a->shape = (RingShape){.purpose = a->purpose};
    if (group->size == 1) return true;
    if (group->walked && a->counts.rows)
        fail("rank %d cannot stand for %d ranks that send more or less than it; try --all-ranks",
             group->comm->rank, group->size);
    Traffic sent = a->counts.rows ? uneven_size(a, (double)row_bytes, &size, &full)
                                  : even_size(a, (double)row_bytes, &size);
    if (size.messages[ROUTE_INSIDE] + size.messages[ROUTE_ACROSS] == 0) return true;
    a->shape.leg[a->shape.legs++] = network_all_to_all(&group->comm->network, &size);
    for (Route r = 0; r < ROUTES; r++) {
        a->shape.messages += (uint64_t)sent.messages[r];
        a->shape.bytes += (uint64_t)sent.rows[r] * row_bytes;
    }
    /* of one that is walked for its group, of all members */
    uint64_t across = group->walked ? (uint64_t)(group_spread(group).strangers * a->counts.each)
                                    : (uint64_t)sent.rows[ROUTE_ACROSS];
    a->shape.across = across * row_bytes * group_stands_for(group);
    return full;
}
