/* cluster.h - nodes for tests, of no make. */
#ifndef TESTS_SUPPORT_CLUSTER_H
#define TESTS_SUPPORT_CLUSTER_H
#include <stdbool.h>
#include <stdint.h>
#include "parallel/network/network.h"

/* Numbers that are easy in the head: devices a node, 100 GB/s and 1 us inside, as many cards of 25 GB/s and 4 us. */
NetworkNode cluster_plain(int devices);
/* A random one of these seeds; with NCCL's protocols every other time. */
NetworkNode cluster_random(uint64_t seed);
/* Of ranks 0, apart, 2 apart, ... */
Spread cluster_spread(const Network *network, int size, int apart);
#endif
