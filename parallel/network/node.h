/* node.h - a node of a cluster in a few numbers: how its devices reach each other, and what leads out of it.
 *
 * Inside, each device has links of its own (NVLink; with an NVSwitch between, all of a device's links reach any other
 * device). Out of the node lead cards (InfiniBand), fewer gigabytes a second than the links, shared by all its devices.
 * That is why groups that talk most are put inside a node. */
#ifndef PARALLEL_NETWORK_NODE_H
#define PARALLEL_NETWORK_NODE_H
#include <stdbool.h>
#include <stdint.h>

/* How a collective's bytes are carried. */
typedef enum {
    CARRIED_IDEALLY,       /* a step takes a link's latency and its bytes over the bandwidth */
    CARRIED_BY_NCCL_VOLTA, /* by the faster of its protocols, with its latencies for these chips (nccl.h) */
    CARRIED_BY_NCCL_AMPERE,
    CARRIED_BY_NCCL_HOPPER,
    CARRIERS
} Carrier;

/* How an all-reduce goes over a group (parallel/collectives draws each). */
typedef enum {
    ALL_REDUCE_RING,
    ALL_REDUCE_HIERARCHICAL, /* where it has as many members, several, in each of several nodes; else a ring */
    ALL_REDUCE_TREE,         /* a pair of binary trees over the nodes, a chain inside each */
    ALL_REDUCE_AUTO,         /* over several nodes trees, if they take less alone; else a ring */
    ALL_REDUCES
} AllReduce;

/* How an all-to-all goes (likewise). */
typedef enum {
    ALL_TO_ALL_STRAIGHT,
    ALL_TO_ALL_HIERARCHICAL, /* in two hops, where a group has as many members, several, in each of several nodes */
    ALL_TO_ALL_AUTO,         /* there, whichever takes less alone */
    ALL_TO_ALLS
} AllToAllWay;

/* As its section of a config has it. */
enum { NODE_HOST = 192 };
typedef struct NetworkNode {
    /* the machine it was measured on, by name and processor; empty: none that runs sim */
    char host[NODE_HOST];
    int64_t devices;   /* 0: one node has all ranks, and no cards are needed */
    double link_gb;    /* GB (1e9 bytes) a second of a device's links together, in each direction */
    double link_share; /* of it that a collective reaches */
    double pair_share; /* of a device's links, those that lead to one other; 1: a switch is between */
    double link_us;    /* before a message's first byte */
    int64_t cards;     /* 0: there is one node */
    double card_gb, card_share, card_us; /* likewise, of one card */
    double message_share; /* of its part of the cards that a message between two devices reaches */
    double message_us;    /* of the software, before a message's first byte */
    bool sender_waits;    /* a message keeps its sender waiting until it has arrived */
    bool any_card; /* a device reaches any card of its node as fast as the one beside it (NCCL's PXN) */
    double
        switch_gb; /* GB a second at which the switch itself adds an all-reduce (NVLink SHARP); 0: it does not */
    int carrier;                     /* Carrier */
    double collective_us, simple_us; /* to launch a collective; more where it is carried by NCCL's Simple */
    double taken; /* share of a device's computing that collectives under way beside it take */
} NetworkNode;
#endif
