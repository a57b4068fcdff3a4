/* attention.h - causal attention over packed queries, keys and values (attention_shape.h). */
#ifndef MODELS_KERNELS_ATTENTION_H
#define MODELS_KERNELS_ATTENTION_H
#include "models/kernels/attention_shape.h"
#include "models/kernels/dropout.h"
#include "models/machine/tensor.h"

/* What rotary positions turn: of rows (B, T, width) that begin with so many heads of hd numbers each the last `turned`
 * of a head, an even number. Their pairs are j and j + turned/2, as Hugging Face's Llama has them, or, interleaved, as
 * its DeepSeek, 2j and 2j + 1. */
typedef struct RotaryShape {
    int64_t B, T, width, heads, hd, turned;
    bool interleaved;
} RotaryShape;
/* All of queries and keys. */
static inline RotaryShape attention_rotary(AttentionShape s)
{
    return (RotaryShape){s.B, s.T, attention_width(s), s.heads + s.kv_heads, s.hd, s.hd, false};
}
/* Rotary positions (Su et al. 2104.09864), in place: the rows of a sample stand at first..first+T-1. Backward turns
 * back. */
void rope_forward(RotaryShape s, Tensor x, int64_t first, double base);
void rope_backward(RotaryShape s, Tensor dx, int64_t first, double base);

/* Dropout on the probabilities; of all_heads heads, first_head.. are here. */
typedef struct AttentionDropout {
    Dropout dropout;
    int64_t first_head, all_heads;
} AttentionDropout;

/* The row of the whole (samples, all_heads, T, T) that query t of sample b and head h, here, has. */
static inline int64_t attention_dropout_row(const AttentionDropout *d, int64_t T, int64_t b, int64_t h,
                                            int64_t t)
{
    return ((d->dropout.first_sample + b) * d->all_heads + d->first_head + h) * T + t;
}

/* What forward leaves for backward, each (B, heads, T, T) and zero above the diagonal. */
typedef struct AttentionSaved {
    Tensor probabilities;
    Tensor mask, dropped; /* with dropout only: UINT8; mask * probabilities / (1 - rate) */
} AttentionSaved;

/* y (B, T, heads hd_v) = softmax(q k^T / sqrt(hd)) v, head by head (Vaswani et al. 1706.03762, eq. 1). dropout may be
 * NULL here and below. */
void attention_forward(AttentionShape s, Tensor qkv, const AttentionDropout *dropout, AttentionSaved saved,
                       Tensor y);
/* What is saved alone, the same bits: for a backward that has not kept it. */
void attention_probabilities(AttentionShape s, Tensor qkv, const AttentionDropout *dropout,
                             AttentionSaved saved);
void attention_backward(AttentionShape s, Tensor dy, Tensor qkv, const AttentionDropout *dropout,
                        AttentionSaved saved, Tensor dqkv);

/* The same to rounding without any (T, T) (FlashAttention: Dao et al. 2205.14135, 2307.08691): of the
 * probabilities only log(sum(exp(score))) of each row is kept, lse (B, heads, T) in REAL; backward computes
 * them again, tile by tile, and draws the same dropout again. */
void flash_forward(AttentionShape s, Tensor qkv, const AttentionDropout *dropout, Tensor lse, Tensor y);
void flash_backward(AttentionShape s, Tensor dy, Tensor qkv, const AttentionDropout *dropout, Tensor lse,
                    Tensor y, Tensor dqkv);
#endif
