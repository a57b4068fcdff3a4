/* attention.c - multi-head and latent attention, in numbers a token and in parameters. */
#include "sim/theory/attention.h"
#include "sim/theory/theory.h"

static double latent_enters_for_q(const GptShape *shape)
{
    return (double)(shape->q_lora_rank ? shape->q_lora_rank : shape->hidden);
}

AttentionWidths theory_attention_widths(const GptShape *shape, int64_t t)
{
    double qkv = (double)qkv_width(shape, t), heads = (double)heads_width(shape) / (double)t;
    if (!is_latent(shape)) {
        double h = (double)shape->hidden;
        return (AttentionWidths){
            .enters = {h}, .again = h, .inside = qkv + heads, .inside_halfway = qkv + heads};
    }
    /* a latent is kept as it comes down, and normed; then, for its gradient, normed alone. The key that is shared is a
     * part of qkv; then it is by itself */
    double q = (double)shape->q_lora_rank, kv = (double)shape->kv_lora_rank,
           rotary = (double)shape->qk_rope_head_dim, a = (double)shape->heads / (double)t;
    double ups = a * (double)(key_width(shape) + shape->qk_nope_head_dim + shape->v_head_dim);
    return (AttentionWidths){.enters = {latent_enters_for_q(shape), kv, rotary},
                             .again = latent_enters_for_q(shape) + kv,
                             .outside = 2 * (q + kv),
                             .inside = qkv + heads,
                             .outside_halfway = 2 * (q + kv) + rotary,
                             .inside_halfway = ups + heads};
}

double theory_attention_enters(const AttentionWidths *widths)
{
    double sum = 0;
    for (int i = 0; i < ATTENTION_ENTERS; i++) sum += widths->enters[i];
    return sum;
}

static void add(AttentionParameters *p, double values)
{
    p->uncut[p->uncuts++] = values;
    p->held += values;
    p->tensors++;
}

/* Columns over t ranks, with their biases. */
static void add_cut(AttentionParameters *p, double rows, double columns, bool bias)
{
    p->held += (rows + bias) * columns;
    p->matrices += rows * columns;
    p->tensors += 1 + bias;
}

AttentionParameters theory_attention_parameters(const GptShape *shape, int64_t t)
{
    AttentionParameters p = {0};
    double h = (double)shape->hidden, out = (double)heads_width(shape) / (double)t;
    bool bias = shape->bias;
    if (is_latent(shape)) {
        double q = (double)shape->q_lora_rank, kv = (double)shape->kv_lora_rank,
               both = kv + (double)shape->qk_rope_head_dim, a = (double)shape->heads / (double)t;
        p.matrices = h * (q + both);
        if (q > 0) {
            add(&p, h * q);
            if (bias) add(&p, q);
            add(&p, q);
        }
        add(&p, h * both);
        if (bias) add(&p, both);
        add(&p, kv);
        p.gains = q + kv;
        add_cut(&p, latent_enters_for_q(shape), a * (double)key_width(shape), bias);
        add_cut(&p, kv, a * (double)(shape->qk_nope_head_dim + shape->v_head_dim), bias);
    } else {
        add_cut(&p, h, (double)qkv_width(shape, t), bias);
    }
    add_cut(&p, out, h, false);
    if (bias) add(&p, h);
    return p;
}

int64_t theory_cached(const GptShape *shape, int64_t kv_heads)
{
    if (kv_heads == 0) return shape->kv_lora_rank + shape->qk_rope_head_dim;
    return kv_heads * (shape->qk_nope_head_dim + shape->v_head_dim);
}
