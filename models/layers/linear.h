/* linear.h - linear layers of a branch whose weights a region's ranks share: into the region by columns, out of it
 * by rows (Shoeybi et al. 1909.08053, section 3); and what crosses its borders beside their products.
 *
 * Where the region overlaps, the products of the layer into it go on in backward beside what it sends (Korthikanti et
 * al. 2205.05198, section 4.2.2). Where it is pipelined, what else enters or leaves does so by pieces, as Megatron-Core
 * with Transformer Engine has it (--tp-comm-overlap): of what enters a rank multiplies its own rows first, then each
 * piece of the others' when it is there; of what leaves a piece goes when its rows are multiplied. Rows of a product may
 * then be rounded otherwise than in one. */
#ifndef MODELS_LAYERS_LINEAR_H
#define MODELS_LAYERS_LINEAR_H
#include "models/layers/branch.h"

/* x (B, T', in), inside the region n rows of it; W (in, out/t): a new y (n, out/t) = enter(x) W + b, with W and b one after
 * the other. Sizes are the tensors'. */
Tensor column_forward(const BlockRun *run, Tensor x, const Tensor *w, MemoryCategory category);
/* A new dx = enter_backward(dy W^T). With d, where the region overlaps, column_backward_weight() at once, each product
 * beside what the other waits for: the same bits. */
Tensor column_backward(const BlockRun *run, Tensor *x, Tensor *dy, Tensor W, const Tensor *d);
/* What is added to the gradients of W, d[0], and b, d[1], which frees what it read; nothing, where that was done. x was
 * kept as it lies outside the region and is gathered once more. */
void column_backward_weight(const BlockRun *run, Tensor *x, Tensor *dy, const Tensor *d);

/* x (n, in/t), W (in/t, out): a new y (B, T', out) = leave(x W) + b */
Tensor row_forward(const BlockRun *run, Tensor x, const Tensor *w, MemoryCategory category);
/* A new dx. With d also what is added to the gradients of W, d[0], and b, d[1]. */
Tensor row_backward(const BlockRun *run, Tensor dy, Tensor x, Tensor W, const Tensor *d);
/* That alone, which frees what it read; nothing, where x is gone. dy is gathered once more. */
void row_backward_weight(const BlockRun *run, Tensor *dy, Tensor *x, const Tensor *d);
#endif
