/* branch.h - a branch beside the residual: how it is run, what a rank of the region holds of it, and what forward
 * keeps of it for backward. */
#ifndef MODELS_LAYERS_BRANCH_H
#define MODELS_LAYERS_BRANCH_H
#include "models/kernels/attention.h"
#include "models/layers/block_parameters.h"
#include "models/layers/region.h"

/* What backward computes again instead of forward keeping it (Korthikanti et al. 2205.05198, section 5):
 * nothing; the attention's probabilities; or all but the block's input (Chen et al. 1604.06174). */
typedef enum { RECOMPUTE_NONE, RECOMPUTE_SELECTIVE, RECOMPUTE_FULL } Recompute;

/* How a block is run. */
typedef struct BlockRun {
    const GptShape *shape;
    const Region *region;
    Recompute recompute;
    int64_t B;
    Dropout dropout; /* place is filled in here */
} BlockRun;

/* What forward keeps of a branch for backward. T' is T, or T/t with sequence parallelism. */
typedef struct BranchSaved {
    Tensor x;              /* (B, T', C): the branch's input */
    Tensor norm;           /* (B, T', C): x normed; with post_norm the sum before its norm */
    Tensor inner;          /* (B, T, (qkv or inner width)/t) */
    AttentionSaved scores; /* (B, heads/t, T, T), without flash attention */
    Tensor lse;            /* (B, heads/t, T), with it */
    Tensor outer;          /* (B, T, (C or ffn)/t): what the core made */
    Tensor mask;           /* (B, T', C), with dropout */
    /* what backward's first half keeps for its second, beside the linear layers' inputs: their outputs' gradients */
    Tensor dinner, dresult; /* like inner; (B, T', C) */
} BranchSaved;

/* What a rank of the region holds of a branch: n rows of `in` values before the core and `out` after it. */
typedef struct BranchSizes {
    int64_t n, C, in, out;
} BranchSizes;
BranchSizes branch_sizes(const BlockRun *run, Branch branch);
#endif
