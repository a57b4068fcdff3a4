/* grouped.h - products of experts: of rows that stand by expert (permute.h), each expert's by its own weights.
 *
 * The weights of all E experts lie in one tensor, (E, in, out), each as a linear layer's (kernels.h). Experts have no
 * biases. An expert without rows is left out, and its weights are not read.
 *
 * On an accelerator this is one kernel (CUTLASS's grouped GEMM; a block-sparse product in MegaBlocks, Gale et al.
 * 2211.15841), whose tiles are of whatever expert's rows come next. It takes the time of as many products as there are
 * experts with rows, each of their mean number of rows; work is counted expert by expert.
 *
 * Rounded as linear layers are, and an expert's rows have the bits that they have in a product of their own. */
#ifndef MODELS_KERNELS_GROUPED_H
#define MODELS_KERNELS_GROUPED_H
#include "models/machine/tensor.h"

typedef struct Grouped {
    int64_t experts;     /* E */
    const int64_t *rows; /* (E): of each expert */
    int64_t in, out;
} Grouped;

/* y (rows, out) = x (rows, in) W */
void grouped_forward(const Grouped *g, Tensor x, Tensor W, Tensor y);
/* dx = dy W^T */
void grouped_backward_input(const Grouped *g, Tensor dy, Tensor W, Tensor dx);
/* dW += x^T dy */
void grouped_backward_weight(const Grouped *g, Tensor x, Tensor dy, Tensor dW);
#endif
