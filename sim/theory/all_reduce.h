/* all_reduce.h - what a rank sends when a group sums; inside the theory only. */
#ifndef SIM_THEORY_ALL_REDUCE_H
#define SIM_THEORY_ALL_REDUCE_H
#include "sim/theory/share.h"

/* Bytes; and of them what leaves its node, of rings as the mean of all members: one whose right neighbour is in its node
 * sends none out, the last of each node all. 0 where there are rings alone. */
typedef struct Sum {
    double sent, across;
} Sum;

/* Of activations at the borders of tensor-parallel regions, in a step of so many microbatches; and of the gradients of
 * what is not cut, in all units once: under sequence parallelism, and else of routers alone. */
Sum theory_sum_activations(const Config *config, const Share *share, double microbatches, double width);
Sum theory_sum_uncut(const Config *config, const Share *share, double width);
/* Of the gradients of keys' and values' heads that several ranks hold, in all blocks once. */
Sum theory_sum_shared(const Config *config, const Share *share, double width);
/* Of the loads of experts over the replicas, which go with their bias: once a step, in whole numbers of 32 bits. */
Sum theory_sum_loads(const Config *config, const Share *share);
/* Whether replicas sum gradients in ways that depend on their buckets' sizes; and then when they do so once,
 * unquantised. */
bool theory_sums_by_bucket(const Config *config, int ranks);
Sum theory_sum_buckets(const Config *config, const Plan *plan, const Share *share);
#endif
