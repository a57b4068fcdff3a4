/* attention_shape.h - how queries, keys and values of causal attention are packed.
 *
 * Letters: B samples, T positions, hd numbers a query or key, hd_v a value. A row of
 * qkv (B, T, (heads + kv_heads) hd + kv_heads hd_v) has all heads' queries, then keys,
 * then values; one of what comes out has heads hd_v. With fewer kv_heads than heads (Ainslie et al. 2305.13245: grouped
 * queries; with one of them, multi-query), heads / kv_heads heads in a row read
 * the same keys and values. */
#ifndef MODELS_KERNELS_ATTENTION_SHAPE_H
#define MODELS_KERNELS_ATTENTION_SHAPE_H
#include <stdint.h>

typedef struct AttentionShape {
    int64_t B, T, heads, kv_heads, hd, hd_v; /* kv_heads divides heads */
} AttentionShape;

static inline int64_t attention_width(AttentionShape s)
{
    return (s.heads + s.kv_heads) * s.hd + s.kv_heads * s.hd_v;
}

/* Where head h of sample b has its first query, key and value in qkv; the next of each is a row on. */
typedef struct AttentionHead {
    int64_t q, k, v;
} AttentionHead;
static inline AttentionHead attention_head(AttentionShape s, int64_t b, int64_t h)
{
    int64_t row = b * s.T * attention_width(s), shared = h / (s.heads / s.kv_heads);
    return (AttentionHead){.q = row + h * s.hd,
                           .k = row + (s.heads + shared) * s.hd,
                           .v = row + (s.heads + s.kv_heads) * s.hd + shared * s.hd_v};
}
/* Of all heads together: their scores. */
static inline int64_t attention_cells(AttentionShape s)
{
    return s.B * s.heads * s.T * s.T;
}
static inline int64_t smaller_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
#endif
