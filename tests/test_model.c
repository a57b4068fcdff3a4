/* test_model.c - one block, and a whole GPT: values against plain loops in
 * double, gradients against finite differences, and causality. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/gpt.h"
#include "models/matmul.h"
#include "tests/check.h"
#include "tests/probe.h"

enum { BATCH = 2, UNITS = 5 };
static const GptShape SHAPE = {.layers = 2, .hidden = 6, .heads = 3, .ffn = 10, .vocab = 11, .sequence = 5};
static const Region ONE = {.size = 1};

/* ---- the plain model ---- */

static void plain_norm(const double *x, const real *gain, const real *bias, double *y, int64_t n, int64_t C)
{
    for (int64_t i = 0; i < n; i++) {
        double mean = 0, variance = 0;
        for (int64_t j = 0; j < C; j++) mean += x[i * C + j] / (double)C;
        for (int64_t j = 0; j < C; j++) variance += (x[i * C + j] - mean) * (x[i * C + j] - mean) / (double)C;
        for (int64_t j = 0; j < C; j++)
            y[i * C + j] = (x[i * C + j] - mean) / sqrt(variance + 1e-5) * (double)gain[j] + (double)bias[j];
    }
}

/* y += x W + b */
static void plain_linear(const double *x, const real *W, const real *b, double *y, int64_t n, int64_t in,
                         int64_t out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < out; j++) {
            y[i * out + j] += (double)b[j];
            for (int64_t k = 0; k < in; k++) y[i * out + j] += x[i * in + k] * (double)W[k * out + j];
        }
}

static void plain_attention(const double *qkv, double *y, const GptShape *s, int64_t B)
{
    int64_t T = s->sequence, C = s->hidden, hd = C / s->heads;
    for (int64_t row = 0; row < B * T; row++)
        for (int64_t h = 0; h < s->heads; h++) {
            const double *q = qkv + row * 3 * C + h * hd;
            double weight[64], sum = 0;
            int64_t t = row % T;
            for (int64_t u = 0; u <= t; u++) { /* u positions back */
                double score = 0;
                for (int64_t j = 0; j < hd; j++) score += q[j] * q[C + j - u * 3 * C];
                sum += weight[u] = exp(score / sqrt((double)hd));
            }
            for (int64_t u = 0; u <= t; u++)
                for (int64_t j = 0; j < hd; j++)
                    y[row * C + h * hd + j] += weight[u] / sum * q[2 * C + j - u * 3 * C];
        }
}

/* x -> y, in place */
static void plain_block(double *x, const BlockParameters *p, const GptShape *s, int64_t B)
{
    int64_t C = s->hidden, F = s->ffn, n = B * s->sequence;
    double *norm = doubles(n * C), *qkv = doubles(n * 3 * C), *mixed = doubles(n * C),
           *inner = doubles(n * F);
    const real *w[BLOCK_TENSORS];
    for (int i = 0; i < BLOCK_TENSORS; i++) w[i] = reals(p->tensor[i]);
    plain_norm(x, w[LN_1_GAIN], w[LN_1_BIAS], norm, n, C);
    plain_linear(norm, w[QKV_WEIGHT], w[QKV_BIAS], qkv, n, C, 3 * C);
    plain_attention(qkv, mixed, s, B);
    plain_linear(mixed, w[PROJ_WEIGHT], w[PROJ_BIAS], x, n, C, C);
    plain_norm(x, w[LN_2_GAIN], w[LN_2_BIAS], norm, n, C);
    plain_linear(norm, w[FC_WEIGHT], w[FC_BIAS], inner, n, C, F);
    for (int64_t i = 0; i < n * F; i++)
        inner[i] *= 0.5 * (1 + tanh(sqrt(2 / acos(-1)) * (inner[i] + 0.044715 * pow(inner[i], 3))));
    plain_linear(inner, w[OUT_WEIGHT], w[OUT_BIAS], x, n, F, C);
    free(norm);
    free(qkv);
    free(mixed);
    free(inner);
}

/* ---- a block ---- */

typedef struct Block {
    Device device;
    BlockParameters p;
    Tensor flat, x, weights, y;
    BlockSaved saved;
} Block;

static void block_run(Block *b)
{
    Tensor x = tensor_new(&b->device, MEM_ACTIVATIONS, REAL, b->x.count);
    tensor_copy(x, b->x); /* forward takes it over */
    b->y = block_forward(&SHAPE, &ONE, RECOMPUTE_NONE, MEM_ACTIVATIONS, BATCH, &b->p, x, &b->saved);
}

static double block_loss(void *context)
{
    Block *b = context;
    block_run(b);
    double loss = weighted(b->weights, b->y);
    BlockSaved *s = &b->saved;
    Tensor *kept[] = {&b->y,         &s->x,  &s->norm1, &s->qkv,   &s->probabilities,
                      &s->attention, &s->x2, &s->norm2, &s->inner, &s->gelu};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) tensor_free(kept[i]);
    return loss;
}

static void block(void **state)
{
    (void)state;
    Block b = {.device = {0}};
    int64_t values = BATCH * SHAPE.sequence * SHAPE.hidden, parameters = 0;
    for (int i = 0; i < BLOCK_TENSORS; i++) {
        int64_t rows, columns;
        Cut cut;
        block_tensor_shape(&SHAPE, (BlockTensor)i, &rows, &columns, &cut);
        parameters += (rows ? rows : 1) * columns;
    }
    assert_int_equal(parameters, 4 * 6 * 6 + 2 * 6 * 10 + 9 * 6 + 10);
    b.flat = noise(&b.device, parameters, 1, 0.5), b.x = noise(&b.device, values, 2, 1);
    b.weights = noise(&b.device, values, 3, 1), b.p = block_parameters(&SHAPE, 1, b.flat);

    double *expected = doubles(values);
    for (int64_t i = 0; i < values; i++) expected[i] = (double)reals(b.x)[i];
    plain_block(expected, &b.p, &SHAPE, BATCH);
    block_run(&b);
    assert_below(distance(b.y, expected), 10 * VALUE_TOLERANCE);
    free(expected);

    Tensor gradients = constant(&b.device, parameters, 1), dx = constant(&b.device, values, 0);
    BlockParameters d = block_parameters(&SHAPE, 1, gradients);
    tensor_copy(dx, b.weights);
    tensor_free(&b.y);
    block_backward(&SHAPE, &ONE, RECOMPUTE_NONE, BATCH, &b.p, &d, &b.saved, dx);
    assert_true(b.device.current[MEM_ACTIVATIONS] == 0 && b.device.current[MEM_WORKSPACE] == 0);
    assert_gradient(block_loss, &b, b.x, dx, 0);
    for (int i = 0; i < BLOCK_TENSORS; i++) assert_gradient(block_loss, &b, b.p.tensor[i], d.tensor[i], 1);

    Tensor *own[] = {&b.flat, &b.x, &b.weights, &gradients, &dx};
    for (int i = 0; i < 5; i++) tensor_free(own[i]);
    assert_true(b.device.total == 0);
}

/* ---- a GPT, held by hooks that show a unit only between need and done ---- */

typedef struct Holder {
    Device device;
    Gpt *gpt;
    Tensor weights[UNITS], gradients[UNITS], tokens;
    int prefetched[UNITS], begun[UNITS], ready[UNITS];
} Holder;

static void need(void *context, int unit)
{
    Holder *h = context;
    h->gpt->unit[unit].weights = h->weights[unit];
}

static void prefetch(void *context, int unit)
{
    ((Holder *)context)->prefetched[unit]++;
}

static void done(void *context, int unit)
{
    ((Holder *)context)->gpt->unit[unit].weights = (Tensor){0};
}

static void gradient_begin(void *context, int unit)
{
    Holder *h = context;
    h->begun[unit]++;
    h->gpt->unit[unit].gradients = h->gradients[unit];
}

static void gradient_ready(void *context, int unit)
{
    Holder *h = context;
    h->ready[unit]++;
    h->gpt->unit[unit].gradients = (Tensor){0};
}

static Holder *holder_new(bool tied)
{
    Holder *h = calloc(1, sizeof *h);
    GptShape shape = SHAPE;
    shape.tie_embeddings = tied;
    h->gpt = gpt_new(&shape, NULL, NULL, &h->device);
    h->gpt->hooks = (GptHooks){h, need, prefetch, done, gradient_begin, gradient_ready};
    for (int u = 0; u < UNITS; u++) {
        h->weights[u] = noise(&h->device, h->gpt->unit[u].count, 10 + (uint64_t)u, 0.5);
        h->gradients[u] = constant(&h->device, h->gpt->unit[u].count, 1);
    }
    h->tokens = some_tokens(&h->device, BATCH * (SHAPE.sequence + 1), 4, SHAPE.vocab);
    return h;
}

static void holder_free(Holder *h)
{
    for (int u = 0; u < UNITS; u++) {
        assert_null(h->gpt->unit[u].weights.device); /* everything was given back */
        assert_null(h->gpt->unit[u].gradients.device);
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
    double loss;
    gpt_forward(h->gpt, 0, BATCH, tokens, (Tensor){0}, saved, &loss);
    return loss;
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
    gpt_backward(h->gpt, &saved, HALF_BOTH, 0, (Tensor){0});
    for (int u = 0; u < UNITS; u++) tensor_free(&h->gradients[u]);
    memcpy(h->gradients, keep, sizeof keep);
    return loss;
}

static double plain_loss(const Holder *h)
{
    const GptShape *s = &h->gpt->shape;
    int64_t T = s->sequence, C = s->hidden, V = s->vocab, n = BATCH * T;
    const real *wte = reals(h->weights[UNIT_WTE]), *wpe = reals(h->weights[UNIT_WPE]),
               *final = reals(h->weights[UNITS - 1]);
    const real *head = s->tie_embeddings ? wte : final + 2 * C;
    const int32_t *tokens = ints(h->tokens);
    double *x = doubles(n * C), *norm = doubles(n * C), loss = 0;
    for (int64_t i = 0; i < n * C; i++)
        x[i] = (double)wte[tokens[i / C / T * (T + 1) + i / C % T] * C + i % C] +
               (double)wpe[i / C % T * C + i % C];
    for (int l = 0; l < s->layers; l++) {
        BlockParameters p = block_parameters(s, 1, h->weights[UNIT_BLOCKS + l]);
        plain_block(x, &p, s, BATCH);
    }
    plain_norm(x, final, final + C, norm, n, C);
    for (int64_t i = 0; i < n; i++) {
        double logit[64] = {0}, others = 0;
        int32_t target = tokens[i / T * (T + 1) + i % T + 1];
        for (int64_t v = 0; v < V; v++)
            for (int64_t j = 0; j < C; j++) logit[v] += norm[i * C + j] * (double)head[v * C + j];
        for (int64_t v = 0; v < V; v++) others += v == target ? 0 : exp(logit[v] - logit[target]);
        loss += log1p(others); /* -log p, p = 1 / (1 + others) */
    }
    free(x);
    free(norm);
    return loss;
}

static void gpt_of(bool tied)
{
    Holder *h = holder_new(tied);
    int64_t C = SHAPE.hidden, V = SHAPE.vocab, block = 4 * C * C + 2 * C * SHAPE.ffn + 9 * C + SHAPE.ffn;
    assert_int_equal(gpt_parameter_count(&h->gpt->shape),
                     (V + SHAPE.sequence) * C + 2 * block + 2 * C + (tied ? 0 : V * C));
    GptSaved saved;
    double loss = run_forward(h, &saved), expected = plain_loss(h);
    assert_below(fabs(loss / expected - 1), 10 * VALUE_TOLERANCE);
    gpt_backward(h->gpt, &saved, HALF_BOTH, 1, (Tensor){0});
    assert_true(h->device.current[MEM_ACTIVATIONS] == tensor_bytes(h->tokens));
    assert_true(h->device.current[MEM_WORKSPACE] == 0);
    for (int u = 0; u < UNITS; u++) {
        assert_int_equal(h->begun[u], 1); /* a gradient begins and is complete once a microbatch */
        assert_int_equal(h->ready[u], 1);
        assert_true(h->prefetched[u] > 0 || u == UNIT_WPE || (u == UNIT_WTE && !tied));
    }
    for (int i = 0; i < h->gpt->parameters; i++) {
        const Parameter *p = &h->gpt->parameter[i];
        Tensor x = tensor_view(h->weights[p->unit], p->offset, parameter_count(p));
        double error =
            gradient_error(gpt_loss, h, x, tensor_view(h->gradients[p->unit], p->offset, x.count), 1);
        if (!(error <= GRADIENT_TOLERANCE)) print_error("%s: ", p->name);
        assert_below(error, GRADIENT_TOLERANCE);
    }

    /* another microbatch at scale -1 takes away what the first added */
    run_forward(h, &saved);
    gpt_backward(h->gpt, &saved, HALF_BOTH, -1, (Tensor){0});
    for (int u = 0; u < UNITS; u++)
        for (int64_t i = 0; i < h->gradients[u].count; i++)
            assert_below(fabs((double)reals(h->gradients[u])[i] - 1), 100 * VALUE_TOLERANCE);
    holder_free(h);
}

static void gpt_tied(void **state)
{
    (void)state;
    gpt_of(true);
}

static void gpt_untied(void **state)
{
    (void)state;
    gpt_of(false);
}

/* Token t of a sample changes what is predicted from position t on, and not a bit before it. */
static void gpt_is_causal(void **state)
{
    (void)state;
    Holder *h = holder_new(true);
    int64_t T = SHAPE.sequence, V = SHAPE.vocab;
    for (int64_t t = 0; t <= T; t++) {
        GptSaved a, b;
        run_forward(h, &a);
        ints(h->tokens)[t] = (int32_t)((ints(h->tokens)[t] + 1) % V);
        run_forward(h, &b);
        const real *was = reals(a.probabilities), *is = reals(b.probabilities);
        assert_memory_equal(is, was, (size_t)(t * V) * sizeof *is);
        for (int64_t later = t; later < T; later++)
            assert_memory_not_equal(is + later * V, was + later * V, (size_t)V * sizeof *is);
        assert_memory_equal(is + T * V, was + T * V, (size_t)(T * V) * sizeof *is); /* the other sample */
        gpt_backward(h->gpt, &a, HALF_BOTH, 1, (Tensor){0});
        gpt_backward(h->gpt, &b, HALF_BOTH, 1, (Tensor){0});
    }
    holder_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block),
        cmocka_unit_test(gpt_tied),
        cmocka_unit_test(gpt_untied),
        cmocka_unit_test(gpt_is_causal),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
