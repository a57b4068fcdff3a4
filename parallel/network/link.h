/* link.h - a link, and a ring of them. */
#ifndef PARALLEL_NETWORK_LINK_H
#define PARALLEL_NETWORK_LINK_H
#include <stddef.h>
#include "parallel/network/place.h"

/* All zero: free and at once. */
typedef struct Link {
    double latency, seconds_per_byte;
} Link;
/* How long so many bytes keep a port busy; and a message alone, from its sending to its arrival (an empty one is not
 * sent). */
double link_busy(const Link *link, size_t bytes);
double link_seconds(const Link *link, size_t bytes);

/* A collective over the ring of a group's members: n - 1 steps for a reduce-scatter or an all-gather, twice as many
 * for an all-reduce, each of at most step_bytes. */
typedef struct RingSize {
    Spread spread;
    int steps;
    size_t step_bytes;
    bool sums; /* an all-reduce of sums, which a switch can add */
} RingSize;
enum { RING_LEGS = 3 }; /* that a collective has at most, one after the other */
double ring_bytes(const RingSize *ring);
/* How many of the steps that a block takes leave a node. */
int ring_crossings(const RingSize *ring);
#endif
