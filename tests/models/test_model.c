/* test_model.c - a whole GPT of every family: values against plain loops in
 * double, gradients against finite differences, the same bits however much is
 * recomputed; causality, and what dropout drops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt.h"
#include "models/kernels/matmul.h"
#include "tests/support/check.h"
#include "tests/support/plain_model.h"
#include "tests/support/probe.h"

enum { BATCH = 2, LAYERS = 2, UNITS = UNIT_BLOCKS + LAYERS + 1, FIRST_SAMPLE = 6, MICROBATCH = 5, SEED = 7 };

#define SIZES(h, a, kv)                                                                                     \
    .layers = LAYERS, .hidden = (h), .heads = (a), .kv_heads = (kv), .ffn = 10, .vocab = 11, .sequence = 5, \
    .rope_base = 30
#define UNTIED SIZES(8, 4, 4), .bias = true
#define GPT_2 UNTIED, .tie_embeddings = true
#define LLAMA .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU, .position = POSITION_ROPE
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
    {"multi-query, post-norm, flash, dropout",
     {SIZES(16, 4, 1), LLAMA, .post_norm = true, .attention = ATTENTION_FLASH, .dropout = 0.2}},
};
enum { FAMILY_COUNT = sizeof FAMILIES / sizeof *FAMILIES };

/* ---- a GPT, held by hooks that show a unit only between need and done ---- */

typedef struct Holder {
    Device device;
    Gpt *gpt;
    GptHooks hooks;
    Tensor weights[UNITS], gradients[UNITS], tokens;
    Tensor lent[UNITS], added[UNITS]; /* what the model sees of them; NaN when it should not look */
    int64_t first_sample, step;
    int needed[UNITS], prefetched[UNITS], begun[UNITS], ready[UNITS];
} Holder;

static void make_useless(Tensor t)
{
    if (t.count) memset(t.data, 0xff, tensor_bytes(t));
}

static Tensor need(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, MICROBATCH);
    assert_int_equal(h->needed[unit]++, 0);
    tensor_copy(h->lent[unit], h->weights[unit]);
    return h->lent[unit];
}

static void prefetch(void *context, int microbatch, int unit)
{
    assert_int_equal(microbatch, MICROBATCH);
    ((Holder *)context)->prefetched[unit]++;
}

static void done(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, MICROBATCH);
    h->needed[unit]--;
    make_useless(h->lent[unit]);
}

static Tensor gradient_begin(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, MICROBATCH);
    h->begun[unit]++;
    tensor_copy(h->added[unit], h->gradients[unit]);
    return h->added[unit];
}

static void gradient_ready(void *context, int microbatch, int unit)
{
    Holder *h = context;
    assert_int_equal(microbatch, MICROBATCH);
    h->ready[unit]++;
    tensor_copy(h->gradients[unit], h->added[unit]);
    make_useless(h->added[unit]);
}

/* To where a probe's step is small: embeddings are wide apart, norms scale by about one, and ReLU's inputs, half of
 * them below zero, stay away from its kink. */
static void smooth(Holder *h)
{
    for (int i = 0; i < h->gpt->parameters; i++) {
        const Parameter *p = &h->gpt->parameter[i];
        bool gain = p->init == INIT_ONE, kink = h->gpt->shape.activation == ACTIVATION_RELU;
        bool multiplied = h->gpt->shape.position == POSITION_SINUSOIDAL; /* by the model, when read */
        real *x = reals(h->weights[p->unit]) + p->offset;
        for (int64_t j = 0; j < parameter_count(p); j++) {
            if (gain) x[j] += 1;
            if (p->unit < UNIT_BLOCKS) x[j] *= multiplied ? 4 / (real)sqrt((double)h->gpt->shape.hidden) : 4;
            if (kink && strstr(p->name, "c_fc.bias")) x[j] = j % 2 ? 3 : -3;
        }
    }
}

/* A device of its own is filled in. */
static Holder *holder_of(GptOptions options)
{
    const GptShape *shape = options.shape;
    Holder *h = calloc(1, sizeof *h);
    options.device = &h->device;
    h->gpt = gpt_new(&options);
    h->hooks = (GptHooks){h, need, prefetch, done, gradient_begin, gradient_ready};
    h->first_sample = FIRST_SAMPLE;
    h->step = 3;
    for (int u = 0; u < UNITS; u++) {
        h->lent[u] = constant(&h->device, h->gpt->unit[u].count, NAN);
        h->added[u] = constant(&h->device, h->gpt->unit[u].count, NAN);
        h->weights[u] = noise(&h->device, h->gpt->unit[u].count, 10 + (uint64_t)u, 0.25);
        h->gradients[u] = constant(&h->device, h->gpt->unit[u].count, 1);
    }
    smooth(h);
    h->tokens = some_tokens(&h->device, BATCH * (shape->sequence + 1), 4, shape->vocab);
    return h;
}

static Holder *holder_new(const GptShape *shape)
{
    return holder_of((GptOptions){.shape = shape, .seed = SEED});
}

static void holder_free(Holder *h)
{
    for (int u = 0; u < UNITS; u++) {
        assert_int_equal(h->needed[u], 0); /* everything was given back */
        assert_int_equal(h->begun[u], h->ready[u]);
        tensor_free(&h->lent[u]);
        tensor_free(&h->added[u]);
        tensor_free(&h->weights[u]);
        tensor_free(&h->gradients[u]);
    }
    tensor_free(&h->tokens);
    assert_true(h->device.total == 0);
    gpt_free(h->gpt);
    free(h);
}

static double run_forward(Holder *h, GptSaved *saved)
{
    Tensor tokens = tensor_new(&h->device, MEM_ACTIVATIONS, INT32, h->tokens.count);
    memcpy(tokens.data, h->tokens.data, tensor_bytes(tokens)); /* forward takes them over */
    GptPass pass = {.hooks = &h->hooks,
                    .microbatch = MICROBATCH,
                    .step = h->step,
                    .first_sample = h->first_sample,
                    .B = BATCH};
    double loss;
    gpt_forward(h->gpt, &pass, tokens, (Tensor){0}, saved, &loss);
    return loss;
}

static void run_backward(Holder *h, GptSaved *saved, double scale)
{
    gpt_backward(h->gpt, saved, HALF_BOTH, scale, (Tensor){0});
}

/* Forward alone; backward is what frees, so its gradients go to a place of their own. */
static double gpt_loss(void *context)
{
    Holder *h = context;
    Tensor keep[UNITS];
    GptSaved saved;
    double loss = run_forward(h, &saved);
    memcpy(keep, h->gradients, sizeof keep);
    for (int u = 0; u < UNITS; u++) h->gradients[u] = constant(&h->device, keep[u].count, 0);
    run_backward(h, &saved, 0);
    give_back(h->gradients, UNITS);
    memcpy(h->gradients, keep, sizeof keep);
    return loss;
}

/* ---- every family ---- */

static int64_t expected_count(const GptShape *s)
{
    int64_t C = s->hidden, norm = s->norm ? C : 2 * C, in = qkv_width(s, 1), inner = inner_width(s);
    int64_t block = 2 * norm + C * (in + C + inner + s->ffn) + (s->bias ? in + C + inner + C : 0);
    return s->vocab * C * (s->tie_embeddings ? 1 : 2) + (s->position ? 0 : s->sequence * C) +
           s->layers * block + norm;
}

static void assert_values(Holder *h, const char *name)
{
    const GptShape *s = &h->gpt->shape;
    double *probabilities = doubles(BATCH * s->sequence * s->vocab);
    Dropout d = {.rate = s->dropout, .seed = SEED, .step = h->step, .first_sample = h->first_sample};
    double expected = plain_gpt(s, h->weights, ints(h->tokens), BATCH, d, probabilities);
    GptSaved saved;
    double loss = run_forward(h, &saved);
    if (!(fabs(loss / expected - 1) <= 10 * VALUE_TOLERANCE)) print_error("%s: ", name);
    assert_below(fabs(loss / expected - 1), 10 * VALUE_TOLERANCE);
    assert_below(distance(saved.head.probabilities, probabilities), 20 * VALUE_TOLERANCE);
    run_backward(h, &saved, 1);
    assert_true(h->device.current[MEM_ACTIVATIONS] == tensor_bytes(h->tokens));
    assert_true(h->device.current[MEM_WORKSPACE] == 0);
    free(probabilities);
}

static void assert_gradients(Holder *h, const char *name)
{
    for (int i = 0; i < h->gpt->parameters; i++) {
        const Parameter *p = &h->gpt->parameter[i];
        Tensor x = tensor_view(h->weights[p->unit], p->offset, parameter_count(p));
        double error =
            gradient_error(gpt_loss, h, x, tensor_view(h->gradients[p->unit], p->offset, x.count), 1);
        if (!(error <= GRADIENT_TOLERANCE)) print_error("%s, %s: ", name, p->name);
        assert_below(error, GRADIENT_TOLERANCE);
    }
}

/* Another microbatch at scale -1 takes away what the first added. */
static void assert_adds(Holder *h)
{
    GptSaved saved;
    run_forward(h, &saved);
    run_backward(h, &saved, -1);
    for (int u = 0; u < UNITS; u++)
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
        for (int u = 0; u < UNITS; u++) {
            assert_int_equal(h->begun[u], 1); /* a gradient begins and is complete once a microbatch */
            assert_int_equal(h->ready[u], 1);
            assert_true(h->prefetched[u] > 0 || u == UNIT_WPE || (u == UNIT_WTE && !tied));
        }
        assert_gradients(h, FAMILIES[f].name);
        assert_adds(h);
        holder_free(h);
    }
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
            h[m] = holder_of((GptOptions){.shape = &FAMILIES[f].shape, .seed = SEED, .recompute = modes[m]});
            loss[m] = run_forward(h[m], &saved);
            run_backward(h[m], &saved, 1);
            assert_true(loss[m] == loss[0]);
            for (int u = 0; u < UNITS; u++)
                assert_memory_equal(h[m]->gradients[u].data, h[0]->gradients[u].data,
                                    tensor_bytes(h[0]->gradients[u]));
        }
        for (int m = 0; m < 3; m++) holder_free(h[m]);
    }
}

/* Token t of a sample changes what is predicted from position t on, and not a bit before it. */
static void is_causal(void **state)
{
    (void)state;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        Holder *h = holder_new(&FAMILIES[f].shape);
        int64_t T = h->gpt->shape.sequence, V = h->gpt->shape.vocab;
        for (int64_t t = 0; t <= T; t++) {
            GptSaved a, b;
            run_forward(h, &a);
            ints(h->tokens)[t] = (int32_t)((ints(h->tokens)[t] + 1) % V);
            run_forward(h, &b);
            const real *was = reals(a.head.probabilities), *is = reals(b.head.probabilities);
            assert_memory_equal(is, was, (size_t)(t * V) * sizeof *is);
            if (t < T) assert_memory_not_equal(is + t * V, was + t * V, (size_t)V * sizeof *is);
            assert_memory_equal(is + T * V, was + T * V, (size_t)(T * V) * sizeof *is); /* the other sample */
            run_backward(h, &a, 1);
            run_backward(h, &b, 1);
        }
        holder_free(h);
    }
}

/* ---- dropout ---- */

typedef struct Drawn {
    Tensor mask[2 + 2 * LAYERS + LAYERS]; /* of the embedding, both branches and the probabilities */
    int count;
    GptSaved saved;
} Drawn;

/* Every mask of one forward; they are saved's. */
static Drawn draw(Holder *h)
{
    Drawn d = {.count = 0};
    run_forward(h, &d.saved);
    d.mask[d.count++] = d.saved.embedding.mask;
    for (int l = 1; l <= LAYERS; l++) {
        const BranchSaved *branch = d.saved.block[l].branch;
        for (int b = 0; b < BRANCHES; b++) d.mask[d.count++] = branch[b].mask;
        d.mask[d.count++] = branch[BRANCH_ATTENTION].scores.mask;
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
    Holder *seeded = holder_of((GptOptions){.shape = &DROPPING, .seed = SEED + 1});
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
    for (int i = 0; i < 4; i++) run_backward(h, &all[i]->saved, 1);
    run_backward(seeded, &other.saved, 1);
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
    const AttentionSaved *s = &d.saved.block[1].branch[BRANCH_ATTENTION].scores;
    for (int64_t j = 0; j < s->dropped.count; j++)
        assert_below(fabs((double)reals(s->dropped)[j] -
                          masks(s->mask)[j] * (double)reals(s->probabilities)[j] / (1 - 6554. / 65536)),
                     VALUE_TOLERANCE);
    run_backward(h, &d.saved, 1);
    holder_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families),       cmocka_unit_test(recomputation),   cmocka_unit_test(is_causal),
        cmocka_unit_test(drops_by_place), cmocka_unit_test(drops_the_share),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
