/* test_model.c - a whole GPT of every family: values against plain loops in
 * double, gradients against finite differences, the same bits however much is
 * recomputed; causality, and what dropout drops. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/layers/branch_attention.h"
#include "models/layers/gpt_count.h"
#include "models/layers/routing.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/holder.h"
#include "tests/support/plain_model.h"
#include "tests/support/probe.h"

#define SIZES(h, a, kv)                                                                             \
    .layers = HOLDER_LAYERS, .hidden = (h), .heads = (a), .kv_heads = (kv), .ffn = 10, .vocab = 11, \
    .sequence = 5, .rope_base = 30
#define UNTIED SIZES(8, 4, 4), .bias = true
#define GPT_2 UNTIED, .tie_embeddings = true
#define EXPERTS(k, n, factor, g, ...) \
    .experts = {.count = 4,           \
                .top_k = (k),         \
                .ffn = 6,             \
                .every = (n),         \
                .scale = (factor),    \
                .groups = (g),        \
                .groups_limited = 1,  \
                __VA_ARGS__}
#define LLAMA .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU, .position = POSITION_ROPE
/* three heads do not divide 8, and no two widths are the same */
#define LATENTS(q)                                                                                 \
    .attention_kind = ATTENTION_MLA, .q_lora_rank = (q), .kv_lora_rank = 7, .qk_nope_head_dim = 3, \
    .qk_rope_head_dim = 4, .v_head_dim = 5
static const struct {
    const char *name;
    GptShape shape;
} FAMILIES[] = {
    {"GPT-2", {GPT_2}},
    {"untied", {UNTIED}},
    {"without biases", {SIZES(8, 4, 4), .tie_embeddings = true}},
    {"RMSNorm", {GPT_2, .norm = NORM_RMSNORM}},
    {"post-norm", {GPT_2, .post_norm = true}},
    {"post-norm, RMSNorm", {GPT_2, .post_norm = true, .norm = NORM_RMSNORM}},
    {"ReLU", {GPT_2, .activation = ACTIVATION_RELU}},
    {"SiLU", {GPT_2, .activation = ACTIVATION_SILU}},
    {"SwiGLU", {GPT_2, .activation = ACTIVATION_SWIGLU}},
    {"sinusoidal", {GPT_2, .position = POSITION_SINUSOIDAL}},
    {"RoPE", {SIZES(8, 2, 2), .bias = true, .tie_embeddings = true, .position = POSITION_ROPE}},
    {"grouped queries", {SIZES(8, 4, 2), .bias = true, .tie_embeddings = true}},
    {"multi-query", {SIZES(8, 4, 1), .bias = true, .tie_embeddings = true}},
    {"flash", {GPT_2, .attention = ATTENTION_FLASH}},
    {"dropout", {GPT_2, .dropout = 0.25}},
    {"dropout, flash", {GPT_2, .dropout = 0.25, .attention = ATTENTION_FLASH}},
    {"of 2017",
     {GPT_2, .post_norm = true, .activation = ACTIVATION_RELU, .position = POSITION_SINUSOIDAL,
      .dropout = 0.1}},
    {"Llama", {SIZES(16, 4, 2), LLAMA}},
    {"Llama, flash, dropout", {SIZES(16, 4, 2), LLAMA, .attention = ATTENTION_FLASH, .dropout = 0.1}},
    {"latents", {SIZES(8, 3, 3), LLAMA, LATENTS(6)}},
    {"latents, none of queries, with biases",
     {SIZES(8, 3, 3), .bias = true, .position = POSITION_ROPE, .tie_embeddings = true, LATENTS(0)}},
    {"latents, post-norm, flash, dropout",
     {SIZES(8, 3, 3), LLAMA, .post_norm = true, LATENTS(6), .attention = ATTENTION_FLASH, .dropout = 0.2}},
    {"multi-query, post-norm, flash, dropout",
     {SIZES(16, 4, 1), LLAMA, .post_norm = true, .attention = ATTENTION_FLASH, .dropout = 0.2}},
    {"latents, experts", {SIZES(8, 3, 3), LLAMA, LATENTS(6), EXPERTS(2, 1, 1, 1, .shared = 1)}},
    {"experts, as Switch has them",
     {GPT_2, EXPERTS(1, 1, 1, 1, .balance = BALANCE_AUXILIARY, .auxiliary = 0.3, .capacity = 1,
                     .scope = SCOPE_MICROBATCH)}},
    {"experts, as Mixtral has them",
     {SIZES(16, 4, 2), LLAMA,
      EXPERTS(2, 1, 1, 1, .normalise = true, .balance = BALANCE_AUXILIARY, .auxiliary = 0.1)}},
    {"experts, as DeepSeek-V2 has them",
     {SIZES(8, 3, 3), LLAMA, LATENTS(6),
      EXPERTS(2, 1, 3, 2, .shared = 2, .first_dense = 1, .balance = BALANCE_AUXILIARY, .auxiliary = 0.2,
              .device = 0.5, .communication = 0.3, .scope = SCOPE_SEQUENCE)}},
    {"experts, as DeepSeek-V3 has them",
     {SIZES(8, 3, 3), LLAMA, LATENTS(6),
      EXPERTS(2, 1, 2.5, 2, .shared = 1, .router = ROUTER_SIGMOID, .normalise = true, .balance = BALANCE_BIAS,
              .auxiliary = 0.2, .scope = SCOPE_SEQUENCE)}},
    {"experts, a bias of a softmax, drops",
     {GPT_2, EXPERTS(2, 2, 1, 1, .balance = BALANCE_BIAS, .capacity = 0.8)}},
    {"experts, z-loss, drops, post-norm, dropout",
     {GPT_2, .post_norm = true, .dropout = 0.2,
      EXPERTS(2, 2, 1, 1, .z_loss = 0.1, .capacity = 0.8, .drop = DROP_BY_PROBABILITY)}},
};
enum { FAMILY_COUNT = sizeof FAMILIES / sizeof *FAMILIES };

/* ---- every family ---- */

/* Of attention alone, with the result's bias. */
static int64_t attention_count(const GptShape *s)
{
    int64_t C = s->hidden, in = qkv_width(s, 1), bias = s->bias, q = s->q_lora_rank, kv = s->kv_lora_rank;
    if (!is_latent(s)) return (C + bias) * in + (C + bias) * C;
    int64_t rotary = s->qk_rope_head_dim, own = s->qk_nope_head_dim, value = s->v_head_dim;
    return (q ? (C + bias) * q + q : 0) + ((q ? q : C) + bias) * s->heads * (own + rotary) +
           (C + bias) * (kv + rotary) + kv + (kv + bias) * s->heads * (own + value) +
           (s->heads * value + bias) * C;
}

static int64_t expected_count(const GptShape *s)
{
    int64_t C = s->hidden, norm = s->norm ? C : 2 * C, inner = inner_width(s);
    int64_t block = attention_count(s) + 2 * norm + C * (inner + s->ffn) + (s->bias ? inner + C : 0);
    const ExpertsShape *e = &s->experts;
    int64_t sparse = layers_with_experts(s, 1, s->layers), gates = is_gated(s) ? 3 : 2,
            mlp = C * (inner + s->ffn) + (s->bias ? inner + C : 0),
            experts = C * (e->count + gates * e->ffn * (e->count + e->shared));
    return s->vocab * C * (s->tie_embeddings ? 1 : 2) + (s->position ? 0 : s->sequence * C) +
           s->layers * block + sparse * (experts - mlp) + norm;
}

static void assert_values(Holder *h, const char *name)
{
    const GptShape *s = &h->gpt->shape;
    double *probabilities = doubles(HOLDER_BATCH * s->sequence * s->vocab);
    Dropout d = {.rate = s->dropout, .seed = HOLDER_SEED, .step = h->step, .first_sample = h->first_sample};
    double expected =
        plain_gpt(h->gpt, h->weights, h->buffers, ints(h->tokens), HOLDER_BATCH, d, probabilities);
    GptSaved saved;
    double loss = holder_forward(h, &saved);
    if (!(fabs(loss / expected - 1) <= 10 * VALUE_TOLERANCE)) print_error("%s: ", name);
    assert_below(fabs(loss / expected - 1), 10 * VALUE_TOLERANCE);
    assert_below(distance(saved.head.probabilities, probabilities), 20 * VALUE_TOLERANCE);
    holder_backward(h, &saved, 1);
    assert_true(h->device.current[MEM_ACTIVATIONS] == tensor_bytes(h->tokens));
    assert_true(h->device.current[MEM_WORKSPACE] == 0);
    free(probabilities);
}

/* Whether it is an expert's that no token went to: then there is no gradient. */
static bool is_idle(const Holder *h, const Parameter *p)
{
    int layer, expert;
    if (sscanf(p->name, "h.%d.mlp.experts.%d.", &layer, &expert) != 2) return false;
    if (h->routing[layer * routing_width(&h->gpt->shape.experts) + ROUTING_LOAD + expert] > 0) return false;
    for (int64_t i = 0; i < parameter_count(p); i++)
        assert_true(reals(h->gradients[p->unit])[p->offset + i] == 1);
    return true;
}

static void assert_gradients(Holder *h, const char *name)
{
    for (int i = 0; i < h->gpt->parameters; i++) {
        const Parameter *p = &h->gpt->parameter[i];
        if (is_idle(h, p)) continue;
        Tensor x = tensor_view(h->weights[p->unit], p->offset, parameter_count(p));
        double error =
            gradient_error(holder_loss, h, x, tensor_view(h->gradients[p->unit], p->offset, x.count), 1);
        if (!(error <= GRADIENT_TOLERANCE)) print_error("%s, %s: ", name, p->name);
        assert_below(error, GRADIENT_TOLERANCE);
    }
}

/* Another microbatch at scale -1 takes away what the first added. */
static void assert_adds(Holder *h)
{
    GptSaved saved;
    holder_forward(h, &saved);
    holder_backward(h, &saved, -1);
    for (int u = 0; u < h->units; u++)
        for (int64_t i = 0; i < h->gradients[u].count; i++)
            assert_below(fabs((double)reals(h->gradients[u])[i] - 1), 100 * VALUE_TOLERANCE);
}

static void families(void **state)
{
    (void)state;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        Holder *h = holder_new(&FAMILIES[f].shape);
        bool tied = h->gpt->shape.tie_embeddings;
        assert_int_equal(gpt_parameter_count(&h->gpt->shape), expected_count(&h->gpt->shape));
        assert_values(h, FAMILIES[f].name);
        for (int u = 0; u < h->units; u++) {
            assert_int_equal(h->begun[u], 1); /* a gradient begins and is complete once a microbatch */
            assert_int_equal(h->ready[u], 1);
            bool positions = u == h->gpt->layer[0].unit[EMBEDDING_POSITIONS];
            assert_true(h->prefetched[u] > 0 || positions || (u == UNIT_WTE && !tied));
        }
        if (sizeof(real) == sizeof(double))
            assert_gradients(h, FAMILIES[f].name); /* single is too coarse to tell much */
        assert_adds(h);
        holder_free(h);
    }
}

/* As many layers as a config takes are counted at once, without a table of them. */
static void counts_any_number_of_layers(void **state)
{
    (void)state;
    clock_t began = clock();
    for (int f = 0; f < FAMILY_COUNT; f++) {
        GptShape shape = FAMILIES[f].shape;
        shape.layers = 1000000;
        assert_int_equal(gpt_parameter_count(&shape), expected_count(&shape));
    }
    assert_below((double)(clock() - began) / CLOCKS_PER_SEC, 1);
}

/* What is recomputed has the bits it had, dropout and all. */
static void recomputation(void **state)
{
    (void)state;
    static const Recompute modes[] = {RECOMPUTE_NONE, RECOMPUTE_SELECTIVE, RECOMPUTE_FULL};
    for (int f = 0; f < FAMILY_COUNT; f++) {
        Holder *h[3];
        double loss[3];
        for (int m = 0; m < 3; m++) {
            GptSaved saved;
            h[m] = holder_of(
                (GptOptions){.shape = &FAMILIES[f].shape, .seed = HOLDER_SEED, .recompute = modes[m]});
            loss[m] = holder_forward(h[m], &saved);
            holder_backward(h[m], &saved, 1);
            assert_true(loss[m] == loss[0]);
            for (int u = 0; u < h[m]->units; u++)
                assert_memory_equal(h[m]->gradients[u].data, h[0]->gradients[u].data,
                                    tensor_bytes(h[0]->gradients[u]));
        }
        for (int m = 0; m < 3; m++) holder_free(h[m]);
    }
}

/* Bit for bit; of experts, whose products have more rows or fewer by where other tokens go, but for rounding. */
static void assert_same(const Holder *h, const real *a, const real *b, int64_t count)
{
    if (h->gpt->shape.experts.count == 0) assert_memory_equal(a, b, (size_t)count * sizeof *a);
    for (int64_t i = 0; i < count; i++) assert_below(fabs((double)(a[i] - b[i])), 10 * VALUE_TOLERANCE);
}

/* Token t of a sample changes what is predicted from position t on, and not a bit before it. */
static void is_causal(void **state)
{
    (void)state;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        if (FAMILIES[f].shape.experts.capacity > 0) continue; /* who is dropped depends on who comes later */
        Holder *h = holder_new(&FAMILIES[f].shape);
        int64_t T = h->gpt->shape.sequence, V = h->gpt->shape.vocab;
        for (int64_t t = 0; t <= T; t++) {
            GptSaved a, b;
            holder_forward(h, &a);
            ints(h->tokens)[t] = (int32_t)((ints(h->tokens)[t] + 1) % V);
            holder_forward(h, &b);
            const real *was = reals(a.head.probabilities), *is = reals(b.head.probabilities);
            assert_same(h, is, was, t * V);
            if (t < T) assert_memory_not_equal(is + t * V, was + t * V, (size_t)V * sizeof *is);
            assert_same(h, is + T * V, was + T * V, T * V); /* the other sample */
            holder_backward(h, &a, 1);
            holder_backward(h, &b, 1);
        }
        holder_free(h);
    }
}

/* ---- dropout ---- */

typedef struct Drawn {
    Tensor mask[2 + 3 * HOLDER_LAYERS]; /* of the embedding, both branches and the probabilities */
    int count;
    GptSaved saved;
} Drawn;

/* Every mask of one forward; they are saved's. */
static Drawn draw(Holder *h)
{
    Drawn d = {.count = 0};
    holder_forward(h, &d.saved);
    d.mask[d.count++] = d.saved.embedding.mask;
    for (int l = 1; l <= HOLDER_LAYERS; l++) {
        const BranchSaved *branch = d.saved.block[l].branch;
        for (int b = 0; b < BLOCK_BRANCHES; b++) d.mask[d.count++] = branch[b].mask;
        d.mask[d.count++] = branch[0].kept[ATTENTION_MASK];
    }
    return d;
}

static bool same(Tensor a, Tensor b)
{
    return a.count == b.count && memcmp(a.data, b.data, tensor_bytes(a)) == 0;
}

static Tensor half(Tensor t, int which)
{
    return tensor_view(t, which * t.count / 2, t.count / 2);
}

static const GptShape DROPPING = {GPT_2, .dropout = 0.25};

static void drops_by_place(void **state)
{
    (void)state;
    Holder *h = holder_new(&DROPPING);
    Holder *seeded = holder_of((GptOptions){.shape = &DROPPING, .seed = HOLDER_SEED + 1});
    Drawn first = draw(h), again = draw(h), later, next, other;
    h->first_sample++;
    later = draw(h);
    seeded->first_sample++;
    other = draw(seeded);
    h->step++;
    next = draw(h);
    for (int i = 0; i < first.count; i++) {
        assert_true(same(first.mask[i], again.mask[i]));
        assert_false(same(later.mask[i], next.mask[i]) || same(later.mask[i], other.mask[i]));
        assert_false(same(half(first.mask[i], 0), half(first.mask[i], 1)));
        assert_true(same(half(first.mask[i], 1), half(later.mask[i], 0))); /* one sample, in two batches */
        for (int j = 0; j < i; j++) assert_false(same(first.mask[i], first.mask[j])); /* layers and places */
    }
    Drawn *all[] = {&first, &again, &later, &next};
    for (int i = 0; i < 4; i++) holder_backward(h, &all[i]->saved, 1);
    holder_backward(seeded, &other.saved, 1);
    holder_free(h);
    holder_free(seeded);
}

/* Within five standard deviations of the rate, and divided by what is kept. */
static void drops_the_share(void **state)
{
    (void)state;
    GptShape wide = DROPPING;
    wide.hidden = 64, wide.sequence = 32, wide.dropout = 0.1;
    Holder *h = holder_new(&wide);
    Drawn d = draw(h);
    for (int i = 0; i < d.count; i++) {
        double kept = 0, of = 0;
        int64_t T = wide.sequence;
        bool scores = i && i % 3 == 0;
        for (int64_t j = 0; j < d.mask[i].count; j++) {
            if (scores && j % T > j / T % T) continue; /* above the diagonal */
            kept += masks(d.mask[i])[j];
            of++;
        }
        assert_below(fabs(kept / of - 0.9), 5 * sqrt(0.1 * 0.9 / of));
    }
    const Tensor *kept = d.saved.block[1].branch[0].kept;
    for (int64_t j = 0; j < kept[ATTENTION_DROPPED].count; j++) {
        double probability = (double)reals(kept[ATTENTION_PROBABILITIES])[j];
        double expected = masks(kept[ATTENTION_MASK])[j] * probability / (1 - 6554. / 65536);
        assert_below(fabs((double)reals(kept[ATTENTION_DROPPED])[j] - expected), VALUE_TOLERANCE);
    }
    holder_backward(h, &d.saved, 1);
    holder_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families),        cmocka_unit_test(recomputation),
        cmocka_unit_test(is_causal),       cmocka_unit_test(drops_by_place),
        cmocka_unit_test(drops_the_share), cmocka_unit_test(counts_any_number_of_layers),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
