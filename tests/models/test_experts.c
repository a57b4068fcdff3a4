/* test_experts.c - a layer of experts out of its kernels, on one rank: against the sum that its papers write, in double,
 * and all its gradients against finite differences. */
#include <stdlib.h>
#include "models/kernels/balance.h"
#include "models/kernels/capacity.h"
#include "models/kernels/grouped.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/kernels/permute.h"
#include "models/kernels/router.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

enum { n = 14, C = 5, F = 3, E = 6, K = 2 };
static const double Z = 0.01;                                         /* the coefficient of z-loss */
static const Balance BALANCE = {E, K, 2, n / 2, 3, 2, 0.1, 0.2, 0.3}; /* of two sequences */

typedef struct Layer {
    Router router;
    Capacity capacity;          /* of a factor of 0: all are taken */
    Tensor bias, x, Wr, W1, W2; /* (E), (n, C), (C, E), (E, C, 2 F), (E, F, C) */
    Tensor logits, scores, experts, kept, gates, load, sent, probability, weights;
    int64_t counts[E];
    Permutation p;
    Tensor rows, inner, outer, results, y;
    Tensor dy;
} Layer;

static Tensor filled(int64_t count)
{
    return constant(&device, count, NAN);
}

/* What is chosen, once: finite differences are of a choice that stays. */
static void choose(Layer *l)
{
    linear_forward(l->x, l->Wr, (Tensor){0}, l->logits, n, C, E);
    router_scores(&l->router, l->logits, l->scores);
    router_choose(&l->router, l->scores, l->bias, l->experts);
    if (l->capacity.factor > 0) {
        router_gates(&l->router, l->scores, l->experts, l->gates);
        l->kept = tensor_new(&device, MEM_ACTIVATIONS, UINT8, n * K);
        capacity_keep(&l->capacity, l->experts, l->gates, l->kept);
    }
    permute_counts(l->experts, l->kept, E, l->counts);
    l->p = permutation_of_choices(l->experts, l->kept, K, E, l->counts, MEM_ACTIVATIONS);
    balance_load(&BALANCE, l->experts, l->load);
    balance_sent(&BALANCE, l->experts, l->sent);
}

static Layer layer_new(Router router, double factor, DropPolicy policy)
{
    Layer l = {.router = router, .capacity = {E, K, n / 2, factor, policy}};
    l.bias = noise(&device, E, 1, 0.3), l.x = noise(&device, n * C, 2, 1),
    l.Wr = noise(&device, C * E, 3, 0.5);
    l.W1 = noise(&device, E * C * 2 * F, 4, 0.5), l.W2 = noise(&device, E * F * C, 5, 0.5);
    l.logits = filled(n * E), l.scores = filled(n * E), l.gates = filled(n * K);
    l.experts = tensor_new(&device, MEM_ACTIVATIONS, INT32, n * K);
    l.load = tensor_new(&device, MEM_WORKSPACE, INT32, 2 * E);
    l.sent = tensor_new(&device, MEM_WORKSPACE, INT32, 2 * 3), l.weights = filled(2 * E);
    tensor_zero(l.load), tensor_zero(l.sent);
    l.probability = constant(&device, 2 * E, 0);
    choose(&l);
    l.rows = filled(l.p.rows * C), l.inner = filled(l.p.rows * 2 * F), l.outer = filled(l.p.rows * F);
    l.results = filled(l.p.rows * C), l.y = filled(n * C), l.dy = noise(&device, n * C, 6, 1);
    return l;
}

static void layer_free(Layer *l)
{
    permutation_free(&l->p);
    give_back((Tensor[]){l->bias,    l->x,     l->Wr,    l->W1,      l->W2,   l->logits,      l->scores,
                         l->experts, l->kept,  l->gates, l->load,    l->sent, l->probability, l->weights,
                         l->rows,    l->inner, l->outer, l->results, l->y,    l->dy},
              20);
}

static Grouped first_of(const Layer *l)
{
    return (Grouped){E, l->counts, C, 2 * F};
}

static Grouped second_of(const Layer *l)
{
    return (Grouped){E, l->counts, F, C};
}

/* What is wanted of y, and all that balances. */
static double loss_of(void *context)
{
    Layer *l = context;
    Grouped first = first_of(l), second = second_of(l);
    linear_forward(l->x, l->Wr, (Tensor){0}, l->logits, n, C, E);
    router_scores(&l->router, l->logits, l->scores);
    router_gates(&l->router, l->scores, l->experts, l->gates);
    permute_forward(&l->p, l->x, l->rows, C);
    grouped_forward(&first, l->rows, l->W1, l->inner);
    swiglu_forward(l->inner, l->outer, l->p.rows, F);
    grouped_forward(&second, l->outer, l->W2, l->results);
    combine_forward(&l->p, l->results, l->gates, 0, l->y, C);
    tensor_zero(l->probability);
    balance_probability(&BALANCE, l->scores, l->probability);
    return weighted(l->dy, l->y) + balance_loss(&BALANCE, l->load, l->sent, l->probability, l->weights) +
           Z * z_loss_forward(l->logits, E);
}

typedef struct Gradients {
    Tensor x, Wr, W1, W2; /* x is written, the others are added to */
} Gradients;

static void backward(Layer *l, Gradients d)
{
    Grouped first = first_of(l), second = second_of(l);
    Tensor dgates = filled(n * K), dlogits = constant(&device, n * E, 0), douter = filled(l->outer.count),
           dinner = filled(l->inner.count), drows = filled(l->rows.count), through = filled(n * C);
    combine_backward(&l->p, l->dy, l->results, l->gates, l->results, dgates, C);
    grouped_backward_weight(&second, l->outer, l->results, d.W2);
    grouped_backward_input(&second, l->results, l->W2, douter);
    swiglu_backward(l->inner, douter, dinner, l->p.rows, F);
    grouped_backward_weight(&first, l->rows, dinner, d.W1);
    grouped_backward_input(&first, dinner, l->W1, drows);
    permute_backward(&l->p, drows, d.x, C);
    balance_backward(&BALANCE, l->scores, l->weights, 1, dlogits);
    router_backward(&l->router, l->scores, l->experts, dgates, dlogits);
    z_loss_backward(l->logits, Z, dlogits, E);
    linear_backward_weight(l->x, dlogits, d.Wr, (Tensor){0}, n, C, E);
    linear_backward_input(dlogits, l->Wr, through, n, C, E);
    tensor_add(d.x, through, WORK_ACCUMULATE);
    give_back((Tensor[]){dgates, dlogits, douter, dinner, drows, through}, 6);
}

/* ---- the sum ---- */

/* Of an expert, W2 (silu(gate) up), [gate, up] being W1 x: added to y so many times. */
static void add_expert(const Layer *l, int64_t expert, const real *x, double gate, double *y)
{
    const real *W1 = reals(l->W1) + expert * C * 2 * F, *W2 = reals(l->W2) + expert * F * C;
    for (int64_t f = 0; f < F; f++) {
        double left = 0, right = 0;
        for (int64_t c = 0; c < C; c++) {
            left += (double)x[c] * (double)W1[c * 2 * F + f];
            right += (double)x[c] * (double)W1[c * 2 * F + F + f];
        }
        for (int64_t c = 0; c < C; c++)
            y[c] += gate * left / (1 + exp(-left)) * right * (double)W2[f * C + c];
    }
}

/* By token and choice, in the order of DeepSeek-V3's eq. 12 to 15, the choice being given. */
static void assert_sums(const Layer *l)
{
    double expected[n * C] = {0};
    for (int64_t i = 0; i < n; i++) {
        const real *x = reals(l->x) + i * C;
        double score[E], all = 0, chosen = 0;
        for (int64_t e = 0; e < E; e++) {
            double logit = 0;
            for (int64_t c = 0; c < C; c++) logit += (double)x[c] * (double)reals(l->Wr)[c * E + e];
            score[e] = l->router.kind == ROUTER_SOFTMAX ? exp(logit) : 1 / (1 + exp(-logit));
            all += score[e];
        }
        for (int64_t e = 0; e < E && l->router.kind == ROUTER_SOFTMAX; e++) score[e] /= all;
        for (int64_t j = 0; j < K; j++) chosen += score[ints(l->experts)[i * K + j]];
        for (int64_t j = i * K; j < (i + 1) * K; j++) {
            int32_t expert = ints(l->experts)[j];
            double gate = l->router.scale * score[expert] / (l->router.normalise ? chosen : 1);
            if (l->kept.count == 0 || masks(l->kept)[j]) add_expert(l, expert, x, gate, expected + i * C);
        }
    }
    assert_below(distance(l->y, expected), 4 * VALUE_TOLERANCE);
}

static void assert_layer(Router router, double factor, DropPolicy policy)
{
    Layer l = layer_new(router, factor, policy);
    assert_true((l.p.rows < n * K) == (factor > 0));
    loss_of(&l);
    assert_sums(&l);
    Gradients d = {filled(n * C), constant(&device, C * E, 1), constant(&device, l.W1.count, 1),
                   constant(&device, l.W2.count, 1)};
    backward(&l, d);
    assert_gradient(loss_of, &l, l.x, d.x, 0);
    assert_gradient(loss_of, &l, l.Wr, d.Wr, 1);
    assert_gradient(loss_of, &l, l.W1, d.W1, 1);
    assert_gradient(loss_of, &l, l.W2, d.W2, 1);
    give_back((Tensor[]){d.x, d.Wr, d.W1, d.W2}, 4);
    layer_free(&l);
}

static void layers(void **state)
{
    (void)state;
    Router mixtral = {ROUTER_SOFTMAX, E, K, 1, 1, 1, true, 1}, v2 = {ROUTER_SOFTMAX, E, K, 3, 2, 1, false, 4},
           v3 = {ROUTER_SIGMOID, E, K, 3, 2, 2, true, 2.5};
    assert_layer(mixtral, 0, DROP_BY_POSITION);
    assert_layer(v2, 0, DROP_BY_POSITION);
    assert_layer(v3, 0, DROP_BY_POSITION);
    assert_layer(v2, 0.8, DROP_BY_POSITION);
    assert_layer(v3, 0.8, DROP_BY_PROBABILITY);
}

static void nothing_leaks(void **state)
{
    (void)state;
    assert_true(device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers),
        cmocka_unit_test(nothing_leaks),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("experts", tests, NULL, NULL);
}
