/* gpt_shape.h - the numbers and choices that fix a model, in the letters of the papers. */
#ifndef MODELS_LAYERS_GPT_SHAPE_H
#define MODELS_LAYERS_GPT_SHAPE_H
#include <stdbool.h>
#include <stdint.h>
#include "models/kernels/kinds.h"

/* Layers whose MLP is many, the experts, of which each token goes to a few (router.h, capacity.h, balance.h). Neither
 * these nor the router have biases, whatever the other linear layers have. */
typedef struct ExpertsShape {
    int64_t count;  /* E; 0: there are none, and of the rest nothing is read */
    int64_t top_k;  /* that a token goes to */
    int64_t ffn;    /* f of each, of either half where it is gated */
    int64_t shared; /* as many more, as one MLP, that every token goes to (2401.06066, section 3.2) */
    /* layers: of those after the first so many each every-th, and the first of them */
    int64_t first_dense, every;
    int router;                     /* RouterKind */
    bool normalise;                 /* gates of a token to a sum of 1 */
    double scale;                   /* of them */
    int64_t groups, groups_limited; /* of experts; that a token's come from */
    double capacity;                /* factor of an even load that an expert takes; 0: all */
    int drop;                       /* DropPolicy */
    int scope;                      /* BalanceScope: what the load is of, for capacity and balance */
    int balance;                    /* BalanceKind */
    double bias_step;               /* gamma, with BALANCE_BIAS */
    /* coefficients of losses (balance.h), 0: there is none; a group is a device, and without a balance nothing reads
     * the first */
    double auxiliary, device, communication, z_loss;
} ExpertsShape;

typedef struct GptShape {
    int64_t layers;   /* L */
    int64_t hidden;   /* h (C in kernels) */
    int64_t heads;    /* a */
    int64_t ffn;      /* f, inner width of the MLP, 4 h in GPT-2; of either half where it is gated */
    int64_t vocab;    /* V */
    int64_t sequence; /* s (T in kernels) */
    bool tie_embeddings;
    bool bias;          /* linear layers and LayerNorm have one */
    int64_t kv_heads;   /* 1 to a, of which it is a divisor: grouped queries */
    int norm;           /* NormKind */
    bool post_norm;     /* after the residual's sum, not before the branch */
    int activation;     /* ActivationKind */
    int position;       /* PositionKind */
    double rope_base;   /* of RoPE's wavelengths */
    int attention;      /* AttentionCore */
    double dropout;     /* rate, of embedding, probabilities and both branches' results */
    int attention_kind; /* AttentionKind; the rest is of ATTENTION_MLA alone, for which kv_heads say nothing */
    int64_t q_lora_rank, kv_lora_rank; /* width of the latents of queries (0: none) and of keys and values */
    int64_t qk_nope_head_dim,
        qk_rope_head_dim; /* of a head's query and key: without a position, and with, even */
    int64_t v_head_dim;   /* of a head's value */
    ExpertsShape experts;
} GptShape;

static inline bool is_gated(const GptShape *shape)
{
    return shape->activation == ACTIVATION_SWIGLU;
}
static inline bool is_latent(const GptShape *shape)
{
    return shape->attention_kind == ATTENTION_MLA;
}
/* Heads of keys and values: of latents as many as of queries. */
static inline int64_t kv_heads(const GptShape *shape)
{
    return is_latent(shape) ? shape->heads : shape->kv_heads;
}
/* Heads of keys and values on t ranks that cut them, all ranks' together: each has one at least. */
static inline int64_t kv_held(const GptShape *shape, int64_t t)
{
    return t > kv_heads(shape) ? t : kv_heads(shape);
}
/* How many of them hold the same. */
static inline int64_t kv_sharing(const GptShape *shape, int64_t t)
{
    return kv_held(shape, t) / kv_heads(shape);
}
/* Numbers of a head's query, as of its key; and of its value. */
static inline int64_t key_width(const GptShape *shape)
{
    return is_latent(shape) ? shape->qk_nope_head_dim + shape->qk_rope_head_dim
                            : shape->hidden / shape->heads;
}
static inline int64_t value_width(const GptShape *shape)
{
    return is_latent(shape) ? shape->v_head_dim : shape->hidden / shape->heads;
}
/* Of all heads' values together, which the last linear layer takes. */
static inline int64_t heads_width(const GptShape *shape)
{
    return shape->heads * value_width(shape);
}
/* Of queries, keys and values together, on one of t ranks; and of what the activation takes, on all. */
static inline int64_t qkv_width(const GptShape *shape, int64_t t)
{
    int64_t kv = kv_held(shape, t);
    return (key_width(shape) * (shape->heads + kv) + value_width(shape) * kv) / t;
}
static inline int64_t inner_width(const GptShape *shape)
{
    return is_gated(shape) ? 2 * shape->ffn : shape->ffn;
}
/* The coefficient of the loss of single experts' loads; and whether there is that one, or another of groups'. */
static inline double expert_coefficient(const ExpertsShape *e)
{
    return e->balance == BALANCE_NONE ? 0 : e->auxiliary;
}
static inline bool has_group_loss(const ExpertsShape *e)
{
    return e->groups > 1 && (e->device > 0 || e->communication > 0);
}
static inline bool has_balance_loss(const ExpertsShape *e)
{
    return expert_coefficient(e) > 0 || has_group_loss(e);
}
/* How many scopes the tokens of B samples are of, where capacity and losses are of each by itself. */
static inline int64_t load_scopes(const GptShape *shape, int64_t B)
{
    return shape->experts.scope == SCOPE_SEQUENCE ? B : 1;
}
/* Whether there are losses of the load of a global batch (batch_load.h); and how many numbers of a layer's load they are
 * of: E, and where one is of what groups are sent as many as there are groups. */
static inline bool has_batch_load(const GptShape *shape)
{
    const ExpertsShape *e = &shape->experts;
    return e->count > 0 && e->scope == SCOPE_BATCH && has_balance_loss(e);
}
static inline int64_t batch_load_counts(const GptShape *shape)
{
    const ExpertsShape *e = &shape->experts;
    return e->count + (e->groups > 1 && e->communication > 0 ? e->groups : 0);
}
/* Whether each layer has a bias of its scores. */
static inline bool has_expert_bias(const GptShape *shape)
{
    return shape->experts.count > 0 && shape->experts.balance == BALANCE_BIAS;
}
static inline int64_t expert_inner_width(const GptShape *shape)
{
    return is_gated(shape) ? 2 * shape->experts.ffn : shape->experts.ffn;
}
/* Whether layer 1..L has experts; and how many of layers first..last have. */
static inline bool has_experts(const GptShape *shape, int64_t layer)
{
    const ExpertsShape *e = &shape->experts;
    return e->count > 0 && layer > e->first_dense && (layer - e->first_dense - 1) % e->every == 0;
}
static inline int64_t layers_with_experts(const GptShape *shape, int64_t first, int64_t last)
{
    int64_t layers = 0;
    for (int64_t layer = first; layer <= last && shape->experts.count; layer++)
        layers += has_experts(shape, layer);
    return layers;
}
#endif
