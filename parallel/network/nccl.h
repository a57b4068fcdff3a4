/* nccl.h - NCCL's own model of what a collective takes, by which it chooses.
 *
 * NCCL carries a collective by one of three protocols: LL sends a flag with every 4 bytes and so needs no other
 * synchronisation, LL128 a flag with every 120, Simple none; in that order latencies rise and so does the share of
 * the bandwidth. A fourth leaves sums to the switch (NVLS). Its tuning tables (NCCL 2.18, src/graph/tuning.cc) say
 * what each takes: a base latency, one for each step over NVLink or over the network, and the bytes over the bandwidth
 * that is left. The least wins. An all-reduce goes over a ring or over a pair of trees, which have tables of their own:
 * fewer steps over many nodes, less of the bandwidth. */
#ifndef PARALLEL_NETWORK_NCCL_H
#define PARALLEL_NETWORK_NCCL_H
#include "parallel/network/link.h"
#include "parallel/network/node.h"

typedef enum { NCCL_LL, NCCL_LL128, NCCL_SIMPLE, NCCL_SWITCH, NCCL_PROTOCOLS } NcclProtocol;

/* The latencies of all steps, and the seconds of a byte where the slowest link has seconds_per_byte. Trees have no
 * NCCL_SWITCH. */
Link nccl_link(Carrier carrier, NcclProtocol protocol, const RingSize *ring, double seconds_per_byte);
/* Of messages between one rank and so many others inside its node and across, sent in groups, by LL or Simple; and how
 * many times as long a byte takes as over the link. */
Link nccl_messages(NcclProtocol protocol, int inside, int across);
#endif
