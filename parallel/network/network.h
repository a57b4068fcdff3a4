/* network.h - a cluster's links, and what a message or a collective takes of them.
 *
 * A rank has a port out and a port in inside its node, and one of each to the other nodes: its part of the node's
 * cards (parallel/wire/port.h keeps them). A collective takes its bytes over the bandwidth of each port that it goes
 * through, at every member alike. Of g members in a node of d devices a ring has g/d of the cards: so the data-parallel
 * rings of eight tensor slices share what one ring over all eight devices has alone.
 *
 * All of it is a function of sizes and of where ranks lie, so that it is the same whoever asks, and whenever. */
#ifndef PARALLEL_NETWORK_NETWORK_H
#define PARALLEL_NETWORK_NETWORK_H
#include "parallel/network/link.h"
#include "parallel/network/node.h"
#include "parallel/network/place.h"

typedef enum { ROUTE_INSIDE, ROUTE_ACROSS, ROUTES } Route;
extern const char *const route_name[ROUTES];

/* All zero: all ranks in one node whose links are free and at once. */
typedef struct Network {
    Placement placement;
    Link message[ROUTES]; /* between two ranks */
    Link ring[ROUTES];    /* a device's links inside; all the cards of a node together */
    double pair_share;    /* of a device's links, those that lead to one other */
    int cards;
    double switch_seconds_per_byte; /* 0: the switch does not add */
    bool any_card, sender_waits;
    Carrier carrier;
    AllReduce all_reduce;
    AllToAllWay all_to_all;
    double launch, simple, taken; /* a node's, in seconds */
} Network;

/* One link between any two ranks. */
Network network_flat(Link link);
/* `placement` without its devices, which are the node's. */
Network network_of(const NetworkNode *node, Placement placement, AllReduce all_reduce);
/* Whether an all-reduce goes first inside nodes, then across, then inside: only where there is both. */
bool network_is_hierarchical(const Network *network, const Spread *spread);
/* Whether an all-reduce of so many bytes goes over trees, where `ring` says what the ring would be. */
bool network_takes_trees(const Network *network, const RingSize *ring, size_t bytes);
Route network_route(const Network *network, int from, int to);

/* What a collective takes of each member. */
typedef struct NetworkTime {
    double busy[ROUTES], latency;
    double fullest; /* seconds of the busiest port of any member, where not all are as this one; else 0 */
} NetworkTime;
NetworkTime network_ring(const Network *network, const RingSize *ring);
/* Alone: the longest that it keeps a port busy, and its latencies. */
double network_alone(const NetworkTime *time);
#endif
