/* linear.h - the two linear layers of a branch, whose weights a region's ranks share: into the region by columns, out
 * of it by rows (Shoeybi et al. 1909.08053, section 3); and what crosses its borders beside their products.
 *
 * Where the region overlaps, the products of the layer into it go on in backward beside what it sends (Korthikanti et
 * al. 2205.05198, section 4.2.2). Where it is pipelined, what else enters or leaves does so by pieces, as Megatron-Core
 * with Transformer Engine has it (--tp-comm-overlap): of what enters a rank multiplies its own rows first, then each
 * piece of the others' when it is there; of what leaves a piece goes when its rows are multiplied. Rows of a product may
 * then be rounded otherwise than in one. */
#ifndef MODELS_LAYERS_LINEAR_H
#define MODELS_LAYERS_LINEAR_H
#include "models/layers/branch.h"

/* A new inner (n, in) = enter(input) W + b, with W and b one after the other. */
Tensor column_forward(const BlockRun *run, BranchSizes z, Tensor input, const Tensor *w,
                      MemoryCategory category);
/* Its halves. dinput = enter_backward(dinner W^T): */
void column_backward_input(const BlockRun *run, BranchSizes z, Tensor dinner, Tensor W, Tensor dinput);
/* and what is added to the gradients of W, d[0], and b, d[1], which frees what it read. The input was kept as it lies
 * outside the region and is gathered once more. */
void column_backward_weight(const BlockRun *run, BranchSizes z, Tensor *input, Tensor *dinner,
                            const Tensor *d);
/* Both, each product beside what the other waits for: the same bits. */
void column_backward(const BlockRun *run, BranchSizes z, Tensor *input, Tensor *dinner, Tensor W,
                     const Tensor *d, Tensor dinput);

/* result (B, T', C) = leave(outer W) */
void row_forward(const BlockRun *run, BranchSizes z, Tensor outer, Tensor W, Tensor result);
/* Of result = leave(outer W) + b, by halves, either of which may be NULL: with W douter, with d what is added to the
 * gradients of W, d[0], and b, d[1]. */
void row_backward(const BlockRun *run, BranchSizes z, Tensor dresult, Tensor outer, const Tensor *W,
                  Tensor douter, const Tensor *d);
#endif
