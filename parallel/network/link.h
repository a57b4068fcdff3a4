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
 * for an all-reduce, each of at most step_bytes. Or an all-reduce over trees, of step_bytes in all. */
typedef struct RingSize {
    Spread spread;
    int steps;
    size_t step_bytes;
    bool sums;  /* an all-reduce of sums, which a switch can add */
    bool trees; /* from the last of a leaf's chain to the root is half of the steps */
} RingSize;
enum { RING_LEGS = 3 }; /* that a collective has at most, one after the other */
/* S bytes all-reduced over trees: 2 (g - 1 + ceil(log2 N)) steps over N nodes of g members. Over ideal links it takes
 * these steps' latencies and 2 S over the bandwidth, as messages are short and follow each other. */
RingSize trees_size(const Spread *spread, size_t bytes);
/* That a member sends: over trees as NCCL counts them, 2 S: one that has a neighbour on either side sends S to each. */
double ring_bytes(const RingSize *ring);
/* How many of the steps that a block takes leave a node. */
int ring_crossings(const RingSize *ring);
#endif
