/* gpt_shape.h - the numbers and choices that fix a model, in the letters of the papers. */
#ifndef MODELS_LAYERS_GPT_SHAPE_H
#define MODELS_LAYERS_GPT_SHAPE_H
#include <stdbool.h>
#include <stdint.h>
#include "models/kernels/kinds.h"

typedef struct GptShape {
    int64_t layers;   /* L */
    int64_t hidden;   /* h (C in kernels) */
    int64_t heads;    /* a */
    int64_t ffn;      /* f, inner width of the MLP, 4 h in GPT-2; of either half where it is gated */
    int64_t vocab;    /* V */
    int64_t sequence; /* s (T in kernels) */
    bool tie_embeddings;
    bool bias;        /* linear layers and LayerNorm have one */
    int64_t kv_heads; /* 1 to a, of which it is a divisor: grouped queries */
    int norm;         /* NormKind */
    bool post_norm;   /* after the residual's sum, not before the branch */
    int activation;   /* ActivationKind */
    int position;     /* PositionKind */
    double rope_base; /* of RoPE's wavelengths */
    int attention;    /* AttentionKind */
    double dropout;   /* rate, of embedding, probabilities and both branches' results */
} GptShape;

static inline bool is_gated(const GptShape *shape)
{
    return shape->activation == ACTIVATION_SWIGLU;
}
/* Heads of keys and values on t ranks that cut them, all ranks' together: each has one at least. */
static inline int64_t kv_held(const GptShape *shape, int64_t t)
{
    return t > shape->kv_heads ? t : shape->kv_heads;
}
/* How many of them hold the same. */
static inline int64_t kv_sharing(const GptShape *shape, int64_t t)
{
    return kv_held(shape, t) / shape->kv_heads;
}
/* Of queries, keys and values together, on one of t ranks; and of what the activation takes, on all. */
static inline int64_t qkv_width(const GptShape *shape, int64_t t)
{
    return shape->hidden / shape->heads * (shape->heads + 2 * kv_held(shape, t)) / t;
}
static inline int64_t inner_width(const GptShape *shape)
{
    return is_gated(shape) ? 2 * shape->ffn : shape->ffn;
}
#endif
