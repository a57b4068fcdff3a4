/* plain_model.h - a GPT of any family in plain loops and in double, from the
 * papers: what the kernels and the blocks are held against. Of the program it
 * takes where tensors lie and which elements dropout drops. */
#ifndef TESTS_SUPPORT_PLAIN_MODEL_H
#define TESTS_SUPPORT_PLAIN_MODEL_H
#include "models/layers/gpt.h"

/* The sum of -log p of the targets of tokens (B, T + 1); probabilities (B, T, V) are filled. `units`: the weights
 * by unit; `buffers`: biases of experts' scores; T and V are at most 64. */
double plain_gpt(const Gpt *gpt, const Tensor *units, const Tensor *buffers, const int32_t *tokens, int64_t B,
                 Dropout d, double *probabilities);
#endif
