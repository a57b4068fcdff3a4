/* place.c - slots, nodes, and groups over them. */
#include "parallel/network/place.h"

int place_slot(const Placement *placement, int rank)
{
    int slot = 0, rest = rank;
    if (placement->axis[0].ranks == 0) return rank;
    for (int a = 0; a < PLACE_AXES; a++) {
        slot += rest % placement->axis[a].ranks * placement->axis[a].apart;
        rest /= placement->axis[a].ranks;
    }
    return slot;
}

int place_node(const Placement *placement, int rank)
{
    return placement->devices > 0 ? place_slot(placement, rank) / placement->devices : 0;
}

Spread place_spread(const Placement *placement, const int *members, int size)
{
    Spread s = {.size = size, .least = size, .apart = true, .strangers = (int64_t)size * size};
    for (int first = 0, end; first < size; first = end) {
        int node = place_node(placement, members[first]);
        for (end = first + 1; end < size && place_node(placement, members[end]) == node; end++)
            if (place_slot(placement, members[end]) == place_slot(placement, members[end - 1]) + 1)
                s.apart = false;
        s.nodes++;
        s.strangers -= (int64_t)(end - first) * (end - first);
        if (end - first > s.most) s.most = end - first;
        if (end - first < s.least) s.least = end - first;
    }
    s.even = s.most == s.least;
    s.apart = s.apart && s.most > 1;
    return s;
}

void place_runs(const Placement *placement, const int *members, int size, int *first)
{
    for (int i = 0; i < size; i++)
        if (i == 0 || place_node(placement, members[i]) != place_node(placement, members[i - 1]))
            *first++ = i;
    *first = size;
}

bool place_alike(const Spread *a, const Spread *b)
{
    return a->size == b->size && a->nodes == b->nodes && a->most == b->most && a->least == b->least &&
           a->even == b->even && a->apart == b->apart && a->strangers == b->strangers;
}

int place_borders(const Spread *spread)
{
    return spread->nodes > 1 ? spread->nodes : 0;
}
