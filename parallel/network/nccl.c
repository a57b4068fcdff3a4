/* nccl.c - the tables of NCCL 2.18, src/graph/tuning.cc, but for one number. */
#include "parallel/network/nccl.h"
#include <math.h>

/* microseconds: once, and for each step over NVLink and over the network (baseLat, hwLat); 2.18 has 0 once for Simple on
 * trees, later ones 8.4 */
typedef struct Latencies {
    double once, inside, across;
} Latencies;
static const Latencies ring_us[NCCL_PROTOCOLS] = {
    {6.6, 0.6, 2.7}, {14.0, 1.9, 4.0}, {8.4, 3.4, 14.0}, {25.0, 0, 0}};
static const Latencies tree_us[NCCL_PROTOCOLS] = {{6.8, 0.6, 5.0}, {14.0, 1.25, 8.5}, {8.4, 4.0, 14.0}};
/* GB/s that LL reaches at most, on 1, 2, and more nodes (llMaxBws) */
static const double ll_most[CARRIERS][3] = {
    [CARRIED_BY_NCCL_VOLTA] = {39.0, 39.0, 20.4},
    [CARRIED_BY_NCCL_AMPERE] = {87.7, 22.5, 19.0},
    [CARRIED_BY_NCCL_HOPPER] = {141.0, 45.0, 35.0},
};
/* Of the bandwidth. For LL128 NCCL has 0.92; a sweep over 8 A100 changes to Simple between 8 and 16 MB, as 0.86 does. */
static const double ring_share[NCCL_PROTOCOLS] = {0.25, 0.86, 1, 1};
/* Trees reach 0.92 of it, and a protocol of that, inside one node and over several (ncclTopoTuneModel) */
static const double tree_share[NCCL_SWITCH][2] = {
    {0.92 / 3.8, 0.92 / 3.8}, {0.92 * 7 / 9, 0.92 * 120 / 128}, {0.92, 0.92}};
/* and of that where they are of middle size: of 64 bytes, of 128, and so on to 256 MB (treeCorrectionFactor) */
enum { SIZES = 23 };
static const double tree_correction[NCCL_SWITCH][SIZES] = {
    {1, 1, 1, 1, .9, .8, .7, .7, .7, .7, .6, .5, .4, .4, .5, .6, .7, .8, .9, 1, 1, 1, 1},
    {1, 1, 1, 1, 1, .9, .8, .8, .8, .7, .6, .6, .6, .6, .6, .6, .8, .9, .9, .9, .9, 1, 1},
    {.9, .9, .9, .9, .9, .9, .9, .8, .7, .6, .6, .5, .5, .5, .5, .6, .7, .8, .7, .7, .8, .9, .9}};

static double correction(NcclProtocol protocol, size_t bytes)
{
    int size = 0;
    for (size_t b = bytes >> 7; b > 0; b >>= 1) size++;
    return size < SIZES ? tree_correction[protocol][size] : 1;
}

/* Its depth is the whole part of log2, and a node's chain the mean. */
static double tree_latency_us(NcclProtocol protocol, const Spread *s)
{
    const Latencies *us = &tree_us[protocol];
    int depth = 0, chain = s->size / s->nodes - 1;
    while (2 << depth <= s->nodes) depth++;
    return us->once + 2 * (chain * us->inside + depth * us->across);
}

static double ring_latency_us(NcclProtocol protocol, const RingSize *ring)
{
    const Latencies *us = &ring_us[protocol];
    int across = ring_crossings(ring);
    return us->once + (ring->steps - across) * us->inside + across * us->across;
}

/* NCCL_MAX_WORK_ELEMENTS_P2P is 16: so many to send, and as many to receive, are one piece of work. */
enum { AT_ONCE = 8 };

Link nccl_messages(NcclProtocol protocol, int inside, int across)
{
    const Latencies *us = &ring_us[protocol];
    int steps_inside = (inside + AT_ONCE - 1) / AT_ONCE, steps_across = (across + AT_ONCE - 1) / AT_ONCE;
    double latency_us = us->once + steps_inside * us->inside + steps_across * us->across;
    return (Link){latency_us * 1e-6, 1 / ring_share[protocol]};
}

Link nccl_link(Carrier carrier, NcclProtocol protocol, const RingSize *ring, double seconds_per_byte)
{
    const Spread *s = &ring->spread;
    double us = ring->trees ? tree_latency_us(protocol, s) : ring_latency_us(protocol, ring);
    double share = ring->trees ? tree_share[protocol][s->nodes > 1] : ring_share[protocol];
    Link link = {us * 1e-6, seconds_per_byte / share};
    if (protocol == NCCL_LL)
        link.seconds_per_byte =
            fmax(link.seconds_per_byte, 1e-9 / ll_most[carrier][s->nodes > 2 ? 2 : s->nodes - 1]);
    if (ring->trees) link.seconds_per_byte /= correction(protocol, ring->step_bytes);
    return link;
}
