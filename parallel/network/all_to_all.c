/* all_to_all.c - the fullest port, and the latencies. */
#include "parallel/network/all_to_all.h"
#include <math.h>
#include "parallel/network/nccl.h"

/* Seconds of a byte through a device's port. */
static void ports(const Network *n, double byte[ROUTES])
{
    byte[ROUTE_INSIDE] = n->ring[ROUTE_INSIDE].seconds_per_byte;
    byte[ROUTE_ACROSS] = n->ring[ROUTE_ACROSS].seconds_per_byte * n->placement.devices;
}

static double fullest(const Network *n, const AllToAllSize *size, const double byte[ROUTES])
{
    double most = n->pair_share > 0 ? size->pair * byte[ROUTE_INSIDE] / n->pair_share : 0;
    for (Route r = 0; r < ROUTES; r++) most = fmax(most, size->fullest[r] * byte[r]);
    return most;
}

static double latencies(const Network *n, const AllToAllSize *size)
{
    double latency = 0;
    for (Route r = 0; r < ROUTES; r++) latency += size->messages[r] * n->ring[r].latency;
    return latency;
}

/* Bytes are `share` times as long on their way; returns the latency. */
static double fastest(const Network *n, const AllToAllSize *size, double seconds, double *share)
{
    static const NcclProtocol protocol[] = {NCCL_LL, NCCL_SIMPLE};
    double least = INFINITY, latency = 0;
    for (int i = 0; i < 2; i++) {
        Link link = nccl_messages(protocol[i], size->messages[ROUTE_INSIDE], size->messages[ROUTE_ACROSS]);
        double takes = link.latency + seconds * link.seconds_per_byte;
        if (!(takes < least)) continue;
        least = takes;
        latency = link.latency + n->launch + (protocol[i] == NCCL_SIMPLE ? n->simple : 0);
        *share = link.seconds_per_byte;
    }
    return latency;
}

NetworkTime network_all_to_all(const Network *n, const AllToAllSize *size)
{
    double byte[ROUTES], share = 1;
    ports(n, byte);
    NetworkTime time = {.fullest = fullest(n, size, byte)};
    if (size->messages[ROUTE_INSIDE] + size->messages[ROUTE_ACROSS] == 0) return (NetworkTime){0};
    time.latency =
        n->carrier == CARRIED_IDEALLY ? latencies(n, size) : fastest(n, size, time.fullest, &share);
    time.fullest *= share;
    for (Route r = 0; r < ROUTES; r++) time.busy[r] = size->bytes[r] * byte[r] * share;
    return time;
}
