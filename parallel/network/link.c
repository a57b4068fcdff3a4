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

double ring_bytes(const RingSize *ring)
{
    return (double)ring->steps * (double)ring->step_bytes;
}

int ring_crossings(const RingSize *ring)
{
    const Spread *s = &ring->spread;
    int rounds = s->size > 1 ? ring->steps / (s->size - 1) : 0, all = s->nodes > 1 ? rounds * s->nodes : 0;
    return all < ring->steps ? all : ring->steps; /* no block takes the last hop of its round */
}
