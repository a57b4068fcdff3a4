/* representatives.h - which ranks of a dry run are walked, when not all of them. */
#ifndef SIM_RUN_REPRESENTATIVES_H
#define SIM_RUN_REPRESENTATIVES_H
#include "parallel/wire/comm_virtual.h"
#include "sim/config/config.h"

/* Of a tensor group all do the same work on slices of the same size, and of the data replicas on batches of the same
 * size: the first of them is walked for all, on every stage. Where replicas differ each is: the main one of parallel.data =
 * dp has more to do; those that sum over trees across nodes send more or less; those that share experts get more rows or
 * fewer, where a microbatch's choices are no multiple of them or are not even, or have their rows `given`, of each its own;
 * and a ring's blocks are of different sizes where counts of choices, for moe.balance = bias or moe.balance_scope =
 * global_batch, are no multiple of the replicas. Where tensor ranks differ, as latents, or a bias of keys and values, may
 * be cut unevenly over them, or lie over a machine's nodes in different ways, every rank is; and so where faults name some. A rank stands for those after
 * it, up to the next that is walked. `rank` is the caller's to free. */
WalkedRanks representatives_of(const Config *config, int ranks, bool given);
#endif
