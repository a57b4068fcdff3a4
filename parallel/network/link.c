/* link.c - bytes over bandwidth. */
#include "parallel/network/link.h"

double link_busy(const Link *link, size_t bytes)
{
    return (double)bytes * link->seconds_per_byte;
}

double link_seconds(const Link *link, size_t bytes)
{
    return bytes ? link->latency + link_busy(link, bytes) : 0;
}

/* Of the binary tree over so many nodes. */
static int tree_depth(int nodes)
{
    int depth = 0;
    while (1 << depth < nodes) depth++;
    return depth;
}

RingSize trees_size(const Spread *spread, size_t bytes)
{
    return (RingSize){.spread = *spread,
                      .steps = 2 * (spread->most - 1 + tree_depth(spread->nodes)),
                      .step_bytes = bytes,
                      .sums = true,
                      .trees = true};
}

double ring_bytes(const RingSize *ring)
{
    return (ring->trees ? 2 : (double)ring->steps) * (double)ring->step_bytes;
}

int ring_crossings(const RingSize *ring)
{
    const Spread *s = &ring->spread;
    if (ring->trees) return 2 * tree_depth(s->nodes);
    int rounds = s->size > 1 ? ring->steps / (s->size - 1) : 0, all = s->nodes > 1 ? rounds * s->nodes : 0;
    return all < ring->steps ? all : ring->steps; /* no block takes the last hop of its round */
}
