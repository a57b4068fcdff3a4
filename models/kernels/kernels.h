/* kernels.h - the maths of a transformer, forward above backward.
 *
 * Letters: B samples, T positions, C hidden width, V vocabulary, n = B T rows.
 * Matrices are row-major; weights are (in, out) as in Hugging Face's GPT-2.
 * Gradients are d + name. A backward kernel adds to parameter gradients (to
 * blank ones as to zeros: tensor.h) and writes input gradients unless it says
 * otherwise.
 *
 * Tensors are REAL, BF16 or FP16 in any mixture, unless a comment says which:
 * arithmetic is in reals, and what a kernel leaves in 16 bits it rounds once. */
#ifndef MODELS_KERNELS_KERNELS_H
#define MODELS_KERNELS_KERNELS_H
#include "models/kernels/kinds.h"
#include "models/machine/tensor.h"

/* y (n, out) = x (n, in) W (in, out) + b (out). A bias without elements is none. */
void linear_forward(Tensor x, Tensor W, Tensor b, Tensor y, int64_t n, int64_t in, int64_t out);
/* y (n, out) += b (out); db += column sums of dy */
void bias_forward(Tensor y, Tensor b, int64_t n, int64_t out);
/* The same where y is open (tensor.h). */
void bias_open(Tensor y, Tensor b, int64_t n, int64_t out, Tensor wide_y);
void bias_backward(Tensor dy, Tensor db, int64_t n, int64_t out);
/* dx = dy W^T */
void linear_backward_input(Tensor dy, Tensor W, Tensor dx, int64_t n, int64_t in, int64_t out);
/* dW += x^T dy, db += column sums of dy */
void linear_backward_weight(Tensor x, Tensor dy, Tensor dW, Tensor db, int64_t n, int64_t in, int64_t out);

/* y += x, what went past a branch; dx += dbranch, its gradient through the branch, unless `summed`: norm_backward()
 * has added it on its way, as no accelerator's kernel does. */
void residual_forward(Tensor y, Tensor x);
void residual_backward(Tensor dx, Tensor dbranch, bool summed);

/* norm.c. Rows as long as the gain, C. Backward adds to dx, which is no part of its report, and computes the rows'
 * statistics again from x.
 * LayerNorm (Ba et al. 1607.06450): y = (x - mean) / sqrt(variance + 1e-5) * gain + bias, row by row.
 * RMSNorm (Zhang & Sennrich 1910.07467): y = x / sqrt(mean(x^2) + 1e-5) * gain; it leaves the biases alone. */
void norm_forward(NormKind kind, Tensor x, Tensor gain, Tensor bias, Tensor y);
void norm_backward(NormKind kind, Tensor dy, Tensor x, Tensor gain, Tensor dx, Tensor dgain, Tensor dbias);

/* activation.c, swiglu.c. In the first three dy may be dx.
 * GELU in its tanh form and SiLU, x / (1 + e^-x) (Hendrycks & Gimpel 1606.08415) */
void gelu_forward(Tensor x, Tensor y);
void gelu_backward(Tensor x, Tensor dy, Tensor dx);
void relu_forward(Tensor x, Tensor y);
void relu_backward(Tensor x, Tensor dy, Tensor dx);
void silu_forward(Tensor x, Tensor y);
void silu_backward(Tensor x, Tensor dy, Tensor dx);
/* SwiGLU (Shazeer 2002.05202): y (n, F) = silu(gate) * up, with x (n, 2F) a row of gates, then one of ups */
void swiglu_forward(Tensor x, Tensor y, int64_t n, int64_t F);
void swiglu_backward(Tensor x, Tensor dy, Tensor dx, int64_t n, int64_t F);
/* The same where only backward reads x again: forward leaves in x, unless it is of 16 bits, what backward multiplies dy by,
 * which saves it the exponentials. */
void gelu_forward_slope(Tensor x, Tensor y);
void gelu_backward_slope(Tensor slope, Tensor dy, Tensor dx);
void silu_forward_slope(Tensor x, Tensor y);
void silu_backward_slope(Tensor slope, Tensor dy, Tensor dx);
void swiglu_forward_slope(Tensor x, Tensor y, int64_t n, int64_t F);
void swiglu_backward_slope(Tensor slopes, Tensor dy, Tensor dx, int64_t n, int64_t F);

/* Of each row of a matrix `columns` columns, from from_first on, into those of another from to_first on; both of
 * one type and as many rows. */
void columns_copy(Tensor to, int64_t to_columns, int64_t to_first, Tensor from, int64_t from_columns,
                  int64_t from_first, int64_t columns);

/* tokens: (B, T + 1), of which the first T of each sample are embedded. wte
 * (rows, C) holds the rows of the vocabulary from `first` on; y (B, T, C) is
 * zero where a token has no row here. */
void embedding_forward(Tensor tokens, Tensor wte, int64_t first, Tensor y, int64_t B, int64_t T, int64_t C);
void embedding_backward(Tensor tokens, Tensor dy, Tensor dwte, int64_t first, int64_t B, int64_t T,
                        int64_t C);

/* position.c. y (B, T, C) += wpe's rows first..first+T-1 */
void position_forward(Tensor wpe, int64_t first, Tensor y, int64_t B, int64_t T, int64_t C);
void position_backward(Tensor dy, Tensor dwpe, int64_t first, int64_t B, int64_t T, int64_t C);
/* y = sqrt(C) y + sines and cosines (Vaswani et al. 1706.03762, sections 3.4 and 3.5: without the factor an
 * embedding drawn small drowns in them); dy *= sqrt(C), in place. RoPE turns queries and keys instead, see
 * attention.h. */
void sinusoidal_forward(int64_t first, Tensor y, int64_t B, int64_t T, int64_t C);
void sinusoidal_backward(Tensor dy, int64_t C);

/* Of a vocabulary in `parts` slices of V columns this is slice `part`, of which only `used` columns are tokens
 * (the rest is padding). */
typedef struct VocabularySlice {
    int parts, part;
    int64_t V, used;
} VocabularySlice;

/* cross_entropy.c, over such slices. Statistics are REAL.
 * Forward, first half: logits (B, T, V) become exp(logit - most) in place, and
 * statistics (B T, 3) get most, their sum, and the next token's logit if it is
 * in this slice. Second half: from all slices' statistics (parts, B T, 3) the
 * numbers become probabilities; returns the sum over all positions of
 * -log p(next token), 0 on a dry device. */
void cross_entropy_statistics(Tensor logits, Tensor tokens, Tensor statistics, VocabularySlice slice,
                              int64_t B, int64_t T);
double cross_entropy_forward(Tensor logits, Tensor all_statistics, VocabularySlice slice, int64_t n);
/* probabilities -> scale * d loss / d logits, in place: as values of type `as`, rounded if that is narrower, which begin
 * where each row did. */
void cross_entropy_backward(Tensor probabilities, Tensor tokens, double scale, VocabularySlice slice,
                            int64_t B, int64_t T, DType as);
#endif
