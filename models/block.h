/* block.h - one transformer block: attention and MLP, each behind a LayerNorm
 * and beside a residual (GPT-2's order: Radford et al. 2019, section 2.3). */
#ifndef MODELS_BLOCK_H
#define MODELS_BLOCK_H
#include "models/gpt_shape.h"
#include "models/tensor.h"

/* A block's tensors, in the order they lie in its flat range. */
typedef enum {
    LN_1_GAIN,
    LN_1_BIAS,
    QKV_WEIGHT, /* (C, 3C): q, k, v */
    QKV_BIAS,
    PROJ_WEIGHT, /* (C, C) */
    PROJ_BIAS,
    LN_2_GAIN,
    LN_2_BIAS,
    FC_WEIGHT, /* (C, ffn) */
    FC_BIAS,
    OUT_WEIGHT, /* (ffn, C) */
    OUT_BIAS,
    BLOCK_TENSORS
} BlockTensor;
typedef struct BlockParameters {
    Tensor tensor[BLOCK_TENSORS]; /* views */
} BlockParameters;

/* What forward keeps for backward: 8 C + 2 ffn values a position and
 * heads x T probabilities a position. Forward takes x over. */
typedef struct BlockSaved {
    Tensor x, norm1;      /* (B, T, C) */
    Tensor qkv;           /* (B, T, 3C) */
    Tensor probabilities; /* (B, heads, T, T) */
    Tensor attention;     /* (B, T, C) */
    Tensor x2, norm2;     /* (B, T, C) */
    Tensor inner, gelu;   /* (B, T, ffn) */
} BlockSaved;

/* The size of tensor `which`: rows x columns, or columns alone (rows = 0) for a vector. */
void block_tensor_shape(const GptShape *shape, BlockTensor which, int64_t *rows, int64_t *columns);
/* Views of the block's tensors in its flat range. */
BlockParameters block_parameters(const GptShape *shape, Tensor flat);

/* x (B, T, C) -> a new y (B, T, C). x belongs to saved afterwards. */
Tensor block_forward(const GptShape *shape, int64_t B, const BlockParameters *p, Tensor x, BlockSaved *saved);
/* Turns dy (B, T, C) into dx in place, adds to the gradients d, frees saved. */
void block_backward(const GptShape *shape, int64_t B, const BlockParameters *p, const BlockParameters *d,
                    BlockSaved *saved, Tensor dy);
#endif
