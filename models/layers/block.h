/* block.h - one transformer block: its branches beside a residual, one after the other, all alike but for what a branch
 * does by itself (branch.h):
 *
 *     norm -> the branch's own part -> dropout -> + residual
 *
 * GPT-2 (Radford et al. 2019, section 2.3) and Llama (Touvron et al. 2302.13971) norm before a branch; with
 * post_norm it is the sum that is normed (Vaswani et al. 1706.03762). */
#ifndef MODELS_LAYERS_BLOCK_H
#define MODELS_LAYERS_BLOCK_H
#include "models/layers/block_parameters.h"

typedef struct BlockSaved {
    BranchSaved branch[BLOCK_BRANCHES];
    Tensor dnorms; /* (2 branches, C) REAL: of each branch's NORM_GAIN and NORM_BIAS */
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
