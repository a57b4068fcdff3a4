/* test_work.c - the work of a step, summed over its ranks, beside the forms that papers quote, and what they leave
 * out by kind. All numbers are whole: they are equal to the last operation, or not. */
#include "models/layers/gpt_count.h"
#include "sim/theory/theory.h"
#include "tests/support/case.h"
#include "tests/support/check.h"

#define GPT                                                                                       \
    "model.layers=4 model.hidden=24 model.heads=4 model.ffn=96 model.vocab=48 model.sequence=12 " \
    "train.global_batch=8 train.microbatch=2 "
#define LLAMA                                                                                            \
    GPT "model.norm=rmsnorm model.activation=swiglu model.position=rope model.bias=no model.kv_heads=2 " \
        "model.tie_embeddings=no "

#define LATENTS                                                                                             \
    GPT "model.norm=rmsnorm model.activation=swiglu model.position=rope model.bias=no "                     \
        "model.attention_kind=mla model.kv_lora_rank=10 model.qk_nope_head_dim=5 model.qk_rope_head_dim=4 " \
        "model.v_head_dim=7 "

/* A step, and what its ranks did of it. */
typedef struct Walked {
    const char *words;
    int ranks;
    GptShape shape;
    Recompute recompute;
    int64_t B, microbatches, t, dp, padded; /* samples; of all replicas; ranks a tensor group; rows of wte */
    bool sequence, shards;                  /* the optimizer */
    WorkDone done[WORK_KINDS];
    double stepped,
        joined; /* on all ranks: values the optimizer updates, and that join shards of gradients */
    double value, gradient; /* bytes of each */
} Walked;

static void add_rank(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Walked *w = context;
    const Config *c = t->config;
    w->shape = t->gpt->shape;
    w->recompute = t->gpt->recompute;
    w->t = t->gpt->region.size;
    w->sequence = t->gpt->region.sequence;
    w->padded = w->t * t->gpt->vocab_cut;
    w->B = c->train.global_batch;
    w->microbatches = w->B / c->train.microbatch;
    w->dp = t->data_parallel->group->size;
    w->shards = t->data_parallel->shard_optimizer;
    for (int k = 0; k < WORK_KINDS; k++) work_join(&w->done[k], &t->device.done[k], 1);
    for (int u = 0; u < t->gpt->units; u++) {
        if (t->gpt->unit[u].held)
            w->stepped += (double)t->gpt->unit[u].count / (double)(w->shards ? w->dp : 1);
        if (t->data_parallel->shard_gradients)
            w->joined += (double)(t->data_parallel->unit[u].padded * t->microbatches) / (double)w->dp;
    }
    w->value = (double)dtype_bytes(t->gpt->dtype);
    w->gradient = (double)dtype_bytes(t->data_parallel->gradient_dtype);
}

static void walk(Walked *w)
{
    Case c = case_of_words(1, "%s", w->words);
    c.dry = true;
    c.look = add_rank;
    c.context = w;
    if (!case_virtual(&c, w->ranks)) fail_msg("%s on %d ranks: %s", w->words, w->ranks, c.refused);
    case_free(&c);
}

static void equal(const Walked *w, const char *what, double counted, double formula)
{
    if (counted != formula)
        fail_msg("%s on %d ranks: %.0f of %s, not %.0f", w->words, w->ranks, counted, what, formula);
}

static bool is_flash(const Walked *w)
{
    return w->shape.attention == ATTENTION_FLASH;
}

/* Numbers of all heads' keys, and of their values. */
static int64_t keys_of(const GptShape *s)
{
    return s->heads * key_width(s);
}

static int64_t values_of(const GptShape *s)
{
    return s->heads * value_width(s);
}

/* Of attention's latents: down to them, which is done on each rank outside the region, and up. */
static int64_t latent_matrices(const GptShape *s, int64_t downs)
{
    int64_t h = s->hidden, q = s->q_lora_rank, kv = s->kv_lora_rank;
    return downs * h * (q + kv + s->qk_rope_head_dim) + (q ? q : h) * keys_of(s) +
           kv * (s->heads * s->qk_nope_head_dim + values_of(s)) + values_of(s) * h;
}

/* Values of matrices that a token is multiplied by in the blocks, on all ranks of a tensor group; or of what several do
 * alike once. */
static double block_matrices(const Walked *w, bool shared_apart)
{
    const GptShape *s = &w->shape;
    if (is_latent(s))
        return (double)(s->layers * (latent_matrices(s, shared_apart || w->sequence ? 1 : w->t) +
                                     s->hidden * (inner_width(s) + s->ffn)));
    int64_t kv = s->hidden / s->heads * (shared_apart ? s->kv_heads : kv_held(s, w->t));
    return (double)(s->layers * s->hidden * (2 * s->hidden + 2 * kv + inner_width(s) + s->ffn));
}

/* ---- the products ---- */

static double tokens(const Walked *w)
{
    return (double)(w->B * w->shape.sequence);
}

/* B s (6 N + 12 L h s), 2 h being all heads' keys and values: N counts the matrices a token is multiplied by, which are all of a model's parameters but
 * norms, biases, positions, and an embedding that is not the head too (Chowdhery et al. 2204.02311, appendix B). */
static double by_parameters(const Walked *w)
{
    const GptShape *s = &w->shape;
    int64_t norms = (2 * s->layers + 1) * s->hidden * (s->norm == NORM_LAYERNORM ? 2 : 1) +
                    s->layers * (s->q_lora_rank + s->kv_lora_rank);
    int64_t kv = s->hidden / s->heads * s->kv_heads;
    int64_t biases = s->bias ? s->layers * (3 * s->hidden + 2 * kv + inner_width(s)) : 0;
    int64_t positions = s->position == POSITION_LEARNED ? s->sequence * s->hidden : 0;
    int64_t N =
        gpt_parameter_count(s) - norms - biases - positions - (s->tie_embeddings ? 0 : s->vocab * s->hidden);
    return tokens(w) * (double)(6 * N + 6 * s->layers * (keys_of(s) + values_of(s)) * s->sequence);
}

/* 72 B L s h^2 (1 + s/6h + V/12hL) (Korthikanti et al. 2205.05198, eq. 7): of a model with MLPs of 4 h and as many
 * keys as queries. */
static double by_korthikanti(const Walked *w)
{
    double B = (double)w->B, L = (double)w->shape.layers, s = (double)w->shape.sequence,
           h = (double)w->shape.hidden, V = (double)w->shape.vocab;
    return 72 * B * L * s * h * h + 12 * B * L * s * s * h + 6 * B * s * h * V;
}

/* What it computes again (section 5): all of the blocks; or the attention between its linear layers, of which here
 * the scores are enough, as what they weigh was kept: half of what the paper's 4 B s^2 h a layer are. */
static double again(const Walked *w)
{
    double cells = 2 * tokens(w) * (double)(w->shape.layers * w->shape.sequence),
           scores = cells * (double)keys_of(&w->shape), weighed = cells * (double)values_of(&w->shape);
    if (w->recompute == RECOMPUTE_FULL) return 2 * tokens(w) * block_matrices(w, false) + scores + weighed;
    return w->recompute == RECOMPUTE_SELECTIVE ? scores : 0;
}

static void products_of(const Walked *w)
{
    const WorkDone *matmul = &w->done[WORK_MATMUL], *attention = &w->done[WORK_ATTENTION],
                   *flash = &w->done[WORK_FLASH];
    const WorkDone all = work_sum(w->done);
    const double rows = tokens(w) * (double)(w->shape.sequence * w->shape.layers);
    /* what no form counts: the vocabulary's padding; keys and values that several ranks hold, and latents; and the
     * scores that flash attention's backward makes again */
    const double padding = 6 * tokens(w) * (double)((w->padded - w->shape.vocab) * w->shape.hidden),
                 shared = 6 * tokens(w) * (block_matrices(w, false) - block_matrices(w, true)),
                 remade = is_flash(w) ? 2 * rows * (double)keys_of(&w->shape) : 0;
    equal(w, "what is computed again", all.again, again(w));
    const double counted = all.products - all.again - padding - shared - remade;
    equal(w, "6 N + 12 L h s a token", counted, by_parameters(w));
    equal(w, "the same by the theory", theory_flops_parameters(&w->shape, (double)w->B), by_parameters(w));
    if (w->shape.ffn == 4 * w->shape.hidden && w->shape.kv_heads == w->shape.heads && !is_gated(&w->shape) &&
        !is_latent(&w->shape))
        equal(w, "72 B L s h^2 (1 + s/6h + V/12hL)", counted, by_korthikanti(w));
    /* causality needs half of attention's, nothing less of the others */
    equal(w, "matmul", matmul->flops, matmul->products);
    equal(w, "attention", attention->flops, attention->products / 2);
    const double softmax = is_flash(w) ? 6 * (double)w->shape.heads * rows : 0;
    equal(w, "flash", flash->flops, flash->products / 2 + softmax * (w->recompute == RECOMPUTE_FULL ? 3 : 2));
}

/* ---- the rest ---- */

typedef struct Each {
    double forward, backward; /* operations a value */
} Each;

/* What the step does of a kind that is no product; -1: not said here. Forward in a block is done again under full
 * recomputation. Outside the regions of tensor parallelism every rank does the same, unless each has its rows. */
static double rest(const Walked *w, WorkKind kind)
{
    static const Each norm[] = {[NORM_LAYERNORM] = {8, 15}, [NORM_RMSNORM] = {4, 11}},
                      activation[] = {[ACTIVATION_GELU] = {10, 16},
                                      [ACTIVATION_RELU] = {1, 1},
                                      [ACTIVATION_SILU] = {4, 8},
                                      [ACTIVATION_SWIGLU] = {5, 11}};
    const GptShape *s = &w->shape;
    const double n = tokens(w), t = (double)w->t, outside = w->sequence ? 1 : t, L = (double)s->layers,
                 h = (double)s->hidden, forwards = w->recompute == RECOMPUTE_FULL ? 2 : 1,
                 qkv = t * (double)qkv_width(s, w->t), kv = (qkv - h) / 2,
                 latents = (double)(s->q_lora_rank + s->kv_lora_rank), rotary = (double)s->qk_rope_head_dim,
                 turned = is_latent(s) ? (double)s->heads * rotary + rotary * outside : h + kv;
    const bool selective = w->recompute == RECOMPUTE_SELECTIVE, rope = s->position == POSITION_ROPE;
    switch (kind) {
    case WORK_SOFTMAX:
        return is_flash(w) ? 0 : 6 * n * L * (double)(s->heads * s->sequence) * (forwards + selective + 1);
    case WORK_NORM:
        return n * h * outside *
                   (norm[s->norm].forward * (2 * L * forwards + 1) + norm[s->norm].backward * (2 * L + 1)) +
               n * latents * outside * L *
                   (norm[NORM_RMSNORM].forward * forwards + norm[NORM_RMSNORM].backward);
    case WORK_ACTIVATION: {
        Each a = activation[s->activation];
        return n * L * (double)s->ffn * (a.forward * forwards + a.backward);
    }
    case WORK_DROPOUT:
        if (s->dropout == 0) return 0;
        return n * h * outside * (2 * L * (forwards + 1) + 2) +
               (is_flash(w) ? 0 : n * L * (double)(s->heads * s->sequence) * (forwards + selective + 1));
    case WORK_RESIDUAL: return n * h * outside * 2 * L * (forwards + 1);
    case WORK_BIAS:
        return s->bias ? n * L * (qkv + (double)inner_width(s) + 2 * h * outside) * (forwards + 1) : 0;
    case WORK_POSITION: return rope ? 3 * n * L * turned * (forwards + 1) : 2 * n * h * outside;
    case WORK_EMBEDDING: return n * h * t;
    case WORK_CROSS_ENTROPY: return (6 + 1 + 2) * n * (double)w->padded;
    case WORK_ACCUMULATE: /* the norms' gradients */
        return (double)w->microbatches * t *
                   ((2 * L + 1) * h * (s->norm == NORM_LAYERNORM ? 2 : 1) + L * latents) +
               w->joined;
    case WORK_SQUARES: {
        double padding = (double)((w->padded - s->vocab) * s->hidden) * (s->tie_embeddings ? 1 : 2);
        return 2 * ((double)gpt_parameter_count(s) + padding) * (double)(w->shards ? 1 : w->dp);
    }
    case WORK_OPTIMIZER: return 14 * w->stepped;
    case WORK_REDUCE: return w->ranks == 1 ? 0 : -1; /* collectives': as many as were sent */
    default: return 0;                               /* no operations, or none of the kind */
    }
}

static void rest_of(const Walked *w)
{
    for (int k = WORK_SOFTMAX; k < WORK_KINDS; k++) {
        double formula = rest(w, (WorkKind)k);
        if (formula >= 0) equal(w, work_kind[k].name, w->done[k].flops, formula);
        if (k < WORK_REDUCE) assert_int_equal(work_kind[k].payer, PAID_BY_COMPUTE);
        assert_true(w->done[k].products == 0);
    }
}

static void a_step_does_what_the_forms_say(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
    } steps[] = {
        {GPT "train.recompute=none", 1},
        {GPT "train.recompute=selective", 1},
        {GPT "train.recompute=full", 1},
        {GPT "model.attention=flash", 1},
        {GPT "model.attention=flash train.recompute=full", 1},
        {GPT "model.tie_embeddings=no model.activation=silu", 1},
        {GPT "model.post_norm=yes model.activation=relu train.precision=bf16", 1},
        {GPT "parallel.tp=2", 2},
        {GPT "parallel.tp=4 parallel.sequence_parallel=yes train.recompute=selective", 4},
        {GPT "parallel.tp=4 parallel.sequence_parallel=yes model.attention=flash train.recompute=full", 4},
        {GPT "model.vocab=50 parallel.tp=4", 4},
        {GPT "parallel.pp=2 parallel.schedule=1f1b train.recompute=full", 2},
        {GPT "parallel.pp=4 parallel.schedule=zb-h1 parallel.tp=2", 8},
        {GPT "parallel.pp=2 parallel.schedule=interleaved parallel.virtual_stages=2 parallel.data=zero1 "
             "train.recompute=selective",
         4},
        {GPT "model.dropout=0.1 parallel.tp=2 parallel.sequence_parallel=yes train.recompute=selective", 2},
        {GPT "model.dropout=0.1 model.attention=flash", 1},
        {GPT "parallel.data=ddp", 4},
        {GPT "parallel.data=zero2 parallel.tp=2", 4},
        {GPT "parallel.data=zero3 train.microbatch=1", 4},
        {LLAMA "train.recompute=none", 1},
        {LLAMA "train.recompute=full model.attention=flash", 1},
        {LLAMA "parallel.tp=2 parallel.pp=2 parallel.data=zero1 parallel.sequence_parallel=yes", 8},
        {LLAMA "parallel.tp=4 train.recompute=full", 4},
        {LLAMA "parallel.tp=4 train.recompute=selective parallel.sequence_parallel=yes", 4},
        {LATENTS "train.recompute=none", 1},
        {LATENTS "model.q_lora_rank=6 train.recompute=full", 1},
        {LATENTS "model.q_lora_rank=6 model.attention=flash", 1},
        {LATENTS "model.q_lora_rank=6 parallel.tp=2 train.recompute=full", 2},
        {LATENTS "model.q_lora_rank=6 parallel.tp=4 train.recompute=selective parallel.sequence_parallel=yes",
         4},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        Walked w = {.words = steps[i].words, .ranks = steps[i].ranks};
        walk(&w);
        products_of(&w);
        rest_of(&w);
    }
}

/* Of those that a token goes to, of the shared ones and of the router, and no more on the ranks that share them. */
static void products_of_experts(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
    } steps[] = {{GPT "moe.experts=4 moe.top_k=2 moe.ffn=20", 1},
                 {LLAMA "moe.experts=4 moe.top_k=3 moe.ffn=20 moe.shared_experts=2 moe.first_dense=1", 1},
                 {LLAMA "moe.experts=8 moe.top_k=2 moe.ffn=20 moe.every=2 parallel.ep=2", 4}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        Walked w = {.words = steps[i].words, .ranks = steps[i].ranks};
        walk(&w);
        equal(&w, "6 N + 12 L h s a token", work_sum(w.done).products,
              theory_flops_parameters(&w.shape, (double)w.B));
    }
}

/* ---- bytes ---- */

/* Of (rows, in) by (in, out), its input gradient and its weights', which adds to what is there: `result` bytes a
 * value of what it makes. */
static double linear_bytes(const Walked *w, double rows, double in, double out, double result)
{
    double x = rows * in * w->value, y = rows * out * result, W = in * out * w->value;
    return 3 * x + 3 * y + 2 * W + 2 * in * out * w->gradient;
}

/* Of one microbatch of a GPT-2 on one rank; what a step does once comes beside. */
static double bytes(const Walked *w, WorkKind kind)
{
    const GptShape *s = &w->shape;
    const double v = w->value, g = w->gradient, r = (double)sizeof(real), L = (double)s->layers,
                 h = (double)s->hidden, f = (double)s->ffn, V = (double)s->vocab, T = (double)s->sequence,
                 n = tokens(w) / (double)w->microbatches, cells = n * T * (double)s->heads,
                 biases = 3 * h + h + f + h, vectors = s->norm == NORM_LAYERNORM ? 2 : 1;
    switch (kind) {
    case WORK_MATMUL:
        return L * (linear_bytes(w, n, h, 3 * h, v) + linear_bytes(w, n, h, h, v) +
                    linear_bytes(w, n, h, f, v) + linear_bytes(w, n, f, h, v)) +
               linear_bytes(w, n, h, V, v) +
               (r - v) * n * V; /* the logits are in fp32, their gradient is not */
    case WORK_ATTENTION: return L * 6 * v * (cells + 2 * n * h);
    case WORK_SOFTMAX: return L * (2 + 3) * v * cells;
    case WORK_NORM: return (2 * L + 1) * (v * ((2 + 3) * n * h + (vectors + 1) * h) + r * 2 * vectors * h);
    case WORK_ACTIVATION: return L * (2 + 3) * v * n * f;
    case WORK_RESIDUAL: return L * 2 * (3 + 3) * v * n * h;
    case WORK_BIAS: return L * biases * (3 * v * n + v + 2 * g);
    case WORK_POSITION: return v * (3 * n * h + T * h) + 2 * g * T * h;
    case WORK_EMBEDDING: return 3 * v * n * h + 2 * g * n * h;
    case WORK_CROSS_ENTROPY: return r * ((3 + 2 + 2) * n * V + 2 * 3 * n);
    case WORK_ACCUMULATE: return (2 * L + 1) * vectors * h * (2 * g + r);
    default: return 0;
    }
}

/* Each operand in the type it is stored in, read or written once. */
static void bytes_are_those_of_the_operands(void **state)
{
    (void)state;
    static const char *const steps[] = {GPT, GPT "model.norm=rmsnorm",
                                        GPT "train.precision=bf16 train.gradients=same",
                                        GPT "train.precision=bf16 train.gradients=fp32"};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        Walked w = {.words = steps[i], .ranks = 1};
        walk(&w);
        const double r = (double)sizeof(real), N = (double)gpt_parameter_count(&w.shape);
        for (int k = 0; k < WORK_CONVERT; k++)
            equal(&w, work_kind[k].name, w.done[k].bytes, (double)w.microbatches * bytes(&w, (WorkKind)k));
        /* AdamW's moments and what they update, and where that is a master the parameters */
        equal(&w, "squares", w.done[WORK_SQUARES].bytes, N * w.gradient);
        equal(&w, "optimizer", w.done[WORK_OPTIMIZER].bytes,
              N * (6 * r + w.gradient + (w.value < r ? w.value : 0)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_does_what_the_forms_say),
        cmocka_unit_test(products_of_experts),
        cmocka_unit_test(bytes_are_those_of_the_operands),
    };
    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
