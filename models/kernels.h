/* kernels.h - the maths of a transformer, forward above backward.
 *
 * Letters: B samples, T positions, C hidden width, V vocabulary, n = B T rows.
 * Matrices are row-major; weights are (in, out) as in Hugging Face's GPT-2.
 * Gradients are d + name. A backward kernel adds to parameter gradients and
 * writes input gradients unless it says otherwise.
 *
 * Tensors are REAL, BF16 or FP16 in any mixture, unless a comment says which:
 * arithmetic is in reals, and what a kernel leaves in 16 bits it rounds once. */
#ifndef MODELS_KERNELS_H
#define MODELS_KERNELS_H
#include "models/tensor.h"

/* y (n, out) = x (n, in) W (in, out) + b (out) */
void linear_forward(Tensor x, Tensor W, Tensor b, Tensor y, int64_t n, int64_t in, int64_t out);
/* y (n, out) += b (out); db += column sums of dy */
void bias_forward(Tensor y, Tensor b, int64_t n, int64_t out);
void bias_backward(Tensor dy, Tensor db, int64_t n, int64_t out);
/* dx = dy W^T */
void linear_backward_input(Tensor dy, Tensor W, Tensor dx, int64_t n, int64_t in, int64_t out);
/* dW += x^T dy, db += column sums of dy */
void linear_backward_weight(Tensor x, Tensor dy, Tensor dW, Tensor db, int64_t n, int64_t in, int64_t out);

/* y = (x - mean) / sqrt(variance + 1e-5) * gain + bias, row by row (Ba et al. 1607.06450).
 * Backward computes mean and variance again from x, and adds to dx. */
void layernorm_forward(Tensor x, Tensor gain, Tensor bias, Tensor y, int64_t n, int64_t C);
void layernorm_backward(Tensor dy, Tensor x, Tensor gain, Tensor dx, Tensor dgain, Tensor dbias, int64_t n,
                        int64_t C);

/* GELU in its tanh form (Hendrycks & Gimpel 1606.08415); dy may be dx. */
void gelu_forward(Tensor x, Tensor y);
void gelu_backward(Tensor x, Tensor dy, Tensor dx);

/* tokens: (B, T + 1), of which the first T of each sample are embedded. wte
 * holds the rows first..first+rows-1 of the vocabulary; y (B, T, C) is zero
 * where a token has no row here. */
void embedding_forward(Tensor tokens, Tensor wte, int64_t first, int64_t rows, Tensor y, int64_t B, int64_t T,
                       int64_t C);
void embedding_backward(Tensor tokens, Tensor dy, Tensor dwte, int64_t first, int64_t rows, int64_t B,
                        int64_t T, int64_t C);
/* y (B, T, C) += wpe's rows first..first+T-1 */
void position_forward(Tensor wpe, int64_t first, Tensor y, int64_t B, int64_t T, int64_t C);
void position_backward(Tensor dy, Tensor dwpe, int64_t first, int64_t B, int64_t T, int64_t C);

/* Cross-entropy over a vocabulary in `parts` slices of V columns, of which this
 * is slice `part` and only `used` columns are tokens (the rest is padding).
 * Statistics are REAL.
 * Forward, first half: logits (B, T, V) become exp(logit - most) in place, and
 * statistics (B T, 3) get most, their sum, and the next token's logit if it is
 * in this slice. Second half: from all slices' statistics (parts, B T, 3) the
 * numbers become probabilities; returns the sum over all positions of
 * -log p(next token), 0 on a dry device. */
void cross_entropy_statistics(Tensor logits, Tensor tokens, Tensor statistics, int part, int64_t used,
                              int64_t B, int64_t T, int64_t V);
double cross_entropy_forward(Tensor logits, Tensor all_statistics, int parts, int part, int64_t n, int64_t V);
/* probabilities -> scale * d loss / d logits, in place. */
void cross_entropy_backward(Tensor probabilities, Tensor tokens, double scale, int part, int64_t B, int64_t T,
                            int64_t V);

/* Causal multi-head attention (Vaswani et al. 1706.03762, eq. 1). qkv (B, T, 3C)
 * packed q, k, v; probabilities (B, heads, T, T), zero above the diagonal;
 * y (B, T, C). */
void attention_forward(Tensor qkv, Tensor probabilities, Tensor y, int64_t B, int64_t T, int64_t C,
                       int64_t heads);
/* The probabilities alone, the same bits: for a backward that has not kept them. */
void attention_probabilities(Tensor qkv, Tensor probabilities, int64_t B, int64_t T, int64_t C,
                             int64_t heads);
void attention_backward(Tensor dy, Tensor qkv, Tensor probabilities, Tensor dqkv, int64_t B, int64_t T,
                        int64_t C, int64_t heads);
#endif
