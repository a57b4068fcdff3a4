/* block.h - one transformer block: two branches beside a residual, attention and
 * MLP, built alike:
 *
 *     norm -> into the region by columns -> core -> out of it by rows -> dropout -> + residual
 *
 * with attention or an activation as the core. GPT-2 (Radford et al. 2019,
 * section 2.3) and Llama (Touvron et al. 2302.13971) norm before a branch; with
 * post_norm it is the sum that is normed (Vaswani et al. 1706.03762). */
#ifndef MODELS_LAYERS_BLOCK_H
#define MODELS_LAYERS_BLOCK_H
#include "models/kernels/attention.h"
#include "models/layers/gpt_shape.h"
#include "models/layers/region.h"
#include "models/machine/tensor.h"

/* A block's tensors, in the order they lie in its flat range, a branch after the other. With t ranks in a
 * tensor-parallel region IN is cut by columns (attention by heads), OUT by rows; the rest is the same on all. A
 * shape without biases has those with no elements. */
typedef enum { NORM_GAIN, NORM_BIAS, IN_WEIGHT, IN_BIAS, OUT_WEIGHT, OUT_BIAS, BRANCH_TENSORS } BranchTensor;
typedef enum { BRANCH_ATTENTION, BRANCH_MLP, BRANCHES } Branch;
enum { BLOCK_TENSORS = BRANCHES * BRANCH_TENSORS };
typedef struct BlockParameters {
    Tensor branch[BRANCHES][BRANCH_TENSORS]; /* views */
} BlockParameters;

/* How a tensor of the whole block is cut over the ranks of a region. */
typedef enum { CUT_NONE, CUT_ROWS, CUT_COLUMNS } Cut;
enum { CUT_PARTS = 3 };
typedef struct BlockTensorShape {
    int64_t rows, columns;   /* of the whole; rows 0: a vector; columns 0: there is none */
    int64_t part[CUT_PARTS]; /* the columns' consecutive parts (q, k, v; gate, up), each cut by itself */
    int64_t sharing;         /* so many ranks in a row hold the same of all parts but the first (k, v) */
    Cut cut;
} BlockTensorShape;
BlockTensorShape block_tensor_shape(const GptShape *shape, int ranks, Branch branch, BranchTensor which);
/* Values of it that one of the ranks holds, where they divide. */
int64_t block_tensor_count(const BlockTensorShape *s, int ranks);
/* Views of this rank's tensors in its flat range. */
BlockParameters block_parameters(const GptShape *shape, int ranks, Tensor flat);

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
typedef struct BlockSaved {
    BranchSaved branch[BRANCHES];
    Tensor dnorms; /* (4, C) REAL: of both branches' NORM_GAIN and NORM_BIAS */
} BlockSaved;

/* x (B, T', C) -> a new y (B, T', C) of category `output`. x belongs to saved afterwards. */
Tensor block_forward(const BlockRun *run, MemoryCategory output, const BlockParameters *p, Tensor x,
                     BlockSaved *saved);

/* Backward in two halves (zero bubble: Qi et al. 2401.10241, section 2). The input's half turns dy (B, T', C)
 * into dx in place and frees what the other does not need. The activations first only fall, then only rise. */
void block_backward_input(const BlockRun *run, const BlockParameters *p, BlockSaved *saved, Tensor dy);
/* The weights' half adds to the gradients d and frees saved. With sequence parallelism the gradients of what is
 * not cut are this rank's part of a sum. It reads no parameters. */
void block_backward_weight(const BlockRun *run, const BlockParameters *d, BlockSaved *saved);
/* Both at once, the same bits: each weight's part where its operands are at hand, so that dy is neither copied
 * nor gathered twice. */
void block_backward(const BlockRun *run, const BlockParameters *p, const BlockParameters *d,
                    BlockSaved *saved, Tensor dy);
#endif
