/* branch_experts.h - an MLP that is many, the experts, of which each token goes to a few and takes the sum of what they
 * make, each times its gate; beside them, where there are, the shared ones, which all tokens go to (Shazeer et al.
 * 1701.06538; Dai et al. 2401.06066). Norm and router lie in the block's own unit, and the shared experts, as all tokens
 * have them alike; the experts in theirs.
 *
 *     x -> router -> rows by expert -> W1 -> activation -> W2 -> sum by gates -> y
 *       \-> shared W1 -> activation -> shared W2 --------------------------------^
 *
 * Experts may be others on each of several ranks, which have tokens of their own: then rows and results go between them
 * (expert_rows.h), where the dispatch overlaps beside the products of the shared experts and the gradients of the experts'
 * own second layers.
 *
 * In a region each rank has its own slice of every expert's inner width, and all see all tokens: a row's result is a
 * rank's part of a sum, and so is what gates do to it. Nothing of the region is overlapped or cut in pieces. */
#ifndef MODELS_LAYERS_BRANCH_EXPERTS_H
#define MODELS_LAYERS_BRANCH_EXPERTS_H
#include "models/layers/branch.h"
#include "models/layers/experts_kept.h"

enum {
    ROUTER_WEIGHT = NORM_TENSORS,
    SHARED_IN_WEIGHT,
    SHARED_OUT_WEIGHT,
    EXPERTS_IN_WEIGHT,
    EXPERTS_OUT_WEIGHT,
    EXPERTS_TENSORS
};

extern const Branch branch_experts;
#endif
