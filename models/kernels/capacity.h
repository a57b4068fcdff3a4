/* capacity.h - how many tokens an expert takes, and which of those that chose it.
 *
 * Of the tokens of a scope (a sequence, a microbatch, a global batch: all ranks') an expert takes
 *
 *     ceil(factor tokens k / E)
 *
 * at most, factor times what it gets under an even load (GShard, Lepikhin et al. 2006.16668, section 2.2; Switch, Fedus
 * et al. 2101.03961, eq. 3), and drops the rest: those tokens miss its part of their result, and pass by in the
 * residual.
 *
 * By position those that come first are taken: all tokens' best choices, then all tokens' second ones, and so on
 * (GShard, algorithm 1). By probability those of the largest gates, of equal ones those that come first. */
#ifndef MODELS_KERNELS_CAPACITY_H
#define MODELS_KERNELS_CAPACITY_H
#include "models/kernels/kinds.h"
#include "models/machine/tensor.h"

typedef struct Capacity {
    int64_t experts, top_k;
    int64_t tokens; /* of a scope */
    double factor;  /* > 0 */
    DropPolicy policy;
} Capacity;

/* Choices that an expert takes of a scope. */
int64_t capacity_taken(const Capacity *c);

/* kept (n, k), UINT8, is 1 where a choice is taken. experts (n, k), INT32, the best first (router.h), and gates (n, k),
 * REAL, BF16 or FP16, are those of n tokens in order of their places, which whole scopes follow one another in: where
 * ranks share a scope, of all their tokens. Gates are read by probability alone. */
void capacity_keep(const Capacity *c, Tensor experts, Tensor gates, Tensor kept);
#endif
