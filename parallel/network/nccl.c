/* nccl.c - the tables of NCCL 2.18, src/graph/tuning.cc, but for one number. */
#include "parallel/network/nccl.h"
#include <math.h>

/* microseconds: once, and for each step over NVLink and over the network (baseLat, hwLat) */
static const double once_us[NCCL_PROTOCOLS] = {6.6, 14.0, 8.4, 25.0};
static const double inside_us[NCCL_PROTOCOLS] = {0.6, 1.9, 3.4, 0};
static const double across_us[NCCL_PROTOCOLS] = {2.7, 4.0, 14.0, 0};
/* GB/s that LL reaches at most, on 1, 2, and more nodes (llMaxBws) */
static const double ll_most[CARRIERS][3] = {
    [CARRIED_BY_NCCL_VOLTA] = {39.0, 39.0, 20.4},
    [CARRIED_BY_NCCL_AMPERE] = {87.7, 22.5, 19.0},
    [CARRIED_BY_NCCL_HOPPER] = {141.0, 45.0, 35.0},
};
/* Of the bandwidth. For LL128 NCCL has 0.92; a sweep over 8 A100 changes to Simple between 8 and 16 MB, as 0.86 does. */
static const double share[NCCL_PROTOCOLS] = {0.25, 0.86, 1, 1};

Link nccl_link(Carrier carrier, NcclProtocol protocol, const RingSize *ring, double seconds_per_byte)
{
    int nodes = ring->spread.nodes, across = ring_crossings(ring), inside = ring->steps - across;
    double us = once_us[protocol] + inside * inside_us[protocol] + across * across_us[protocol];
    Link link = {us * 1e-6, seconds_per_byte / share[protocol]};
    if (protocol == NCCL_LL)
        link.seconds_per_byte =
            fmax(link.seconds_per_byte, 1e-9 / ll_most[carrier][nodes > 2 ? 2 : nodes - 1]);
    return link;
}
