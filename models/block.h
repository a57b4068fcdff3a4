/* block.h - one transformer block: attention and MLP, each behind a LayerNorm
 * and beside a residual (GPT-2's order: Radford et al. 2019, section 2.3). */
#ifndef MODELS_BLOCK_H
#define MODELS_BLOCK_H
#include "models/gpt_shape.h"
#include "models/region.h"
#include "models/tensor.h"

/* A block's tensors, in the order they lie in its flat range. With t ranks in
 * a tensor-parallel region QKV and FC are cut by columns (by heads), PROJ and
 * OUT by rows; the rest is the same on all. */
typedef enum {
    LN_1_GAIN,
    LN_1_BIAS,
    QKV_WEIGHT, /* (C, 3C/t): q, k, v */
    QKV_BIAS,
    PROJ_WEIGHT, /* (C/t, C) */
    PROJ_BIAS,
    LN_2_GAIN,
    LN_2_BIAS,
    FC_WEIGHT, /* (C, ffn/t) */
    FC_BIAS,
    OUT_WEIGHT, /* (ffn/t, C) */
    OUT_BIAS,
    BLOCK_TENSORS
} BlockTensor;
typedef struct BlockParameters {
    Tensor tensor[BLOCK_TENSORS]; /* views */
} BlockParameters;

/* What forward keeps for backward. Forward takes x over. T' is T, or T/t with sequence parallelism. */
typedef struct BlockSaved {
    Tensor x, norm1;      /* (B, T', C) */
    Tensor qkv;           /* (B, T, 3C/t) */
    Tensor probabilities; /* (B, heads/t, T, T) */
    Tensor attention;     /* (B, T, C/t) */
    Tensor x2, norm2;     /* (B, T', C) */
    Tensor inner, gelu;   /* (B, T, ffn/t) */
    /* and what backward's first half keeps for its second, beside norm1, attention, norm2 and gelu */
    Tensor dy, dx2; /* (B, T', C) */
    Tensor dinner;  /* (B, T, ffn/t) */
    Tensor dqkv;    /* (B, T, 3C/t) */
    Tensor dnorms;  /* (4, C): of LN_1_GAIN, LN_1_BIAS, LN_2_GAIN, LN_2_BIAS */
} BlockSaved;

/* How tensor `which` of the whole block is cut over the ranks of a region. */
typedef enum { CUT_NONE, CUT_ROWS, CUT_COLUMNS, CUT_QKV /* columns, of each of the three */ } Cut;
/* The whole size: rows x columns, or columns alone (rows = 0) for a vector. */
void block_tensor_shape(const GptShape *shape, BlockTensor which, int64_t *rows, int64_t *columns, Cut *cut);
/* Views of this rank's tensors in its flat range. */
BlockParameters block_parameters(const GptShape *shape, int ranks, Tensor flat);

/* What backward computes again instead of forward keeping it (Korthikanti et al. 2205.05198, section 5):
 * nothing; the attention's probabilities; or all but the block's input (Chen et al. 1604.06174). */
typedef enum { RECOMPUTE_NONE, RECOMPUTE_SELECTIVE, RECOMPUTE_FULL } Recompute;

/* x (B, T', C) -> a new y (B, T', C) of category `output`. x belongs to saved afterwards. */
Tensor block_forward(const GptShape *shape, const Region *region, Recompute recompute, MemoryCategory output,
                     int64_t B, const BlockParameters *p, Tensor x, BlockSaved *saved);

/* Backward in two halves (zero bubble: Qi et al. 2401.10241, section 2). The input's half turns dy (B, T', C)
 * into dx in place and frees what the other does not need. The activations first only fall, then only rise. */
void block_backward_input(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                          const BlockParameters *p, BlockSaved *saved, Tensor dy);
/* The weights' half adds to the gradients d and frees saved. With sequence parallelism the gradients of what is
 * not cut are this rank's part of a sum. It reads no parameters. */
void block_backward_weight(const GptShape *shape, const Region *region, int64_t B, const BlockParameters *d,
                           BlockSaved *saved);
/* Both at once, the same bits: each weight's part where its operands are at hand, so that dy is neither copied
 * nor gathered twice. */
void block_backward(const GptShape *shape, const Region *region, Recompute recompute, int64_t B,
                    const BlockParameters *p, const BlockParameters *d, BlockSaved *saved, Tensor dy);
#endif
