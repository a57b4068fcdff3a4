/* all_to_all.h - what an all-to-all takes of each member's ports.
 *
 * A rank's port is busy with the bytes that it sends, or gets, over that route: inside a node at a device's links, of which
 * only those between two go from one to the other; across at its part of the node's cards. It takes as long
 * as the fullest port of any member, and a latency for each message: n - 1 steps (Thakur et al. 2005), each of link_us or
 * card_us. NCCL has 8 at once under way to and 8 from other ranks (2.18, NCCL_MAX_WORK_ELEMENTS_P2P), which is a step of
 * its protocol's: LL or Simple, whichever takes less. */
#ifndef PARALLEL_NETWORK_ALL_TO_ALL_H
#define PARALLEL_NETWORK_ALL_TO_ALL_H
#include "parallel/network/network.h"

typedef struct AllToAllSize {
    int messages[ROUTES];   /* that a member sends, or gets, at most */
    double bytes[ROUTES];   /* that this member sends, or gets, whichever are more, */
    double fullest[ROUTES]; /* and the same of that member with most */
    double pair;            /* inside a node, at most from one device to one other */
} AllToAllSize;

NetworkTime network_all_to_all(const Network *network, const AllToAllSize *size);
#endif
