/* test_router.c - scores, choices and gates against plain loops in double, and backward against finite differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/router.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

/* k of E experts, in no groups. */
static Router plain(RouterKind kind, int64_t E, int64_t k)
{
    return (Router){.kind = kind,
                    .experts = E,
                    .top_k = k,
                    .groups = 1,
                    .groups_limited = 1,
                    .group_best = 1,
                    .scale = 1};
}

static Router grouped(RouterKind kind, int64_t E, int64_t k, int64_t groups, int64_t limited, int64_t best)
{
    Router r = plain(kind, E, k);
    r.groups = groups, r.groups_limited = limited, r.group_best = best;
    return r;
}

static Tensor numbers(const double *values, int64_t count)
{
    Tensor t = constant(&device, count, 0);
    for (int64_t i = 0; i < count; i++) reals(t)[i] = (real)values[i];
    return t;
}

static Tensor integers(int64_t count)
{
    Tensor t = tensor_new(&device, MEM_ACTIVATIONS, INT32, count);
    for (int64_t i = 0; i < count; i++) ints(t)[i] = -1;
    return t;
}

/* ---- scores ---- */

static void scores_of_both_kinds(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{7, 1}, {5, 3}, {4, 16}, {3, 37}, {2, 1100}, {90, 24}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n = shapes[s][0], E = shapes[s][1];
        Tensor logits = noise(&device, n * E, 1, 3), scores = constant(&device, n * E, NAN);
        double *expected = doubles(n * E);
        for (int kind = 0; kind < 2; kind++) {
            for (int64_t i = 0; i < n; i++) {
                double sum = 0;
                for (int64_t e = 0; e < E; e++) sum += exp((double)reals(logits)[i * E + e]);
                for (int64_t e = 0; e < E; e++) {
                    double x = (double)reals(logits)[i * E + e];
                    expected[i * E + e] = kind == ROUTER_SOFTMAX ? exp(x) / sum : 1 / (1 + exp(-x));
                }
            }
            Router r = plain(kind ? ROUTER_SIGMOID : ROUTER_SOFTMAX, E, 1);
            router_scores(&r, logits, scores);
            assert_below(distance(scores, expected), VALUE_TOLERANCE);
        }
        free(expected);
        give_back((Tensor[]){logits, scores}, 2);
    }
}

/* ---- choice ---- */

/* How many of x's first..end-1 come before x[which], as they are better, or equal and earlier. */
static int64_t rank_of(const double *x, int64_t first, int64_t end, int64_t which, const bool *in)
{
    int64_t before = 0;
    for (int64_t e = first; e < end; e++)
        before += (x[e] > x[which] || (e < which && x[e] == x[which])) && (!in || in[e]);
    return before;
}

/* A row's choice, by ranks. */
static void choose_plainly(const Router *r, const double *values, int64_t *experts)
{
    int64_t E = r->experts, size = E / r->groups;
    double group[64] = {0};
    bool in[64];
    for (int64_t e = 0; e < E; e++) {
        int64_t first = e / size * size;
        if (rank_of(values, first, first + size, e, NULL) < r->group_best) group[e / size] += values[e];
    }
    for (int64_t e = 0; e < E; e++) in[e] = rank_of(group, 0, r->groups, e / size, NULL) < r->groups_limited;
    for (int64_t e = 0; e < E; e++) {
        int64_t rank = rank_of(values, 0, E, e, in);
        if (in[e] && rank < r->top_k) experts[rank] = e;
    }
}

/* Of n rows, with a bias or none; scores of eighths have many that are equal. */
static void assert_choice(const Router *r, int64_t n, bool biased, bool eighths)
{
    int64_t E = r->experts, k = r->top_k;
    Tensor scores = noise(&device, n * E, (uint64_t)(E + k), 1), experts = integers(n * k),
           bias = biased ? noise(&device, E, 7, 1) : (Tensor){0};
    for (int64_t i = 0; i < n * E && eighths; i++)
        reals(scores)[i] = (real)(floor(4 * (double)reals(scores)[i]) / 8);
    for (int64_t e = 0; e < bias.count && eighths; e++)
        reals(bias)[e] = (real)(floor(4 * (double)reals(bias)[e]) / 8);
    router_choose(r, scores, bias, experts);
    for (int64_t i = 0; i < n; i++) {
        double values[64];
        int64_t expected[64];
        for (int64_t e = 0; e < E; e++)
            values[e] = (double)(reals(scores)[i * E + e] + (biased ? reals(bias)[e] : 0));
        choose_plainly(r, values, expected);
        for (int64_t j = 0; j < k; j++) assert_int_equal(ints(experts)[i * k + j], expected[j]);
    }
    give_back((Tensor[]){scores, experts, bias}, 3);
}

static void choices(void **state)
{
    (void)state;
    const Router routers[] = {plain(ROUTER_SOFTMAX, 1, 1),
                              plain(ROUTER_SOFTMAX, 8, 2),
                              plain(ROUTER_SIGMOID, 13, 13),
                              grouped(ROUTER_SOFTMAX, 12, 3, 4, 2, 1),
                              grouped(ROUTER_SIGMOID, 64, 8, 8, 4, 2),
                              grouped(ROUTER_SIGMOID, 15, 6, 5, 2, 3),
                              grouped(ROUTER_SIGMOID, 21, 4, 7, 7, 2),
                              grouped(ROUTER_SIGMOID, 9, 1, 9, 1, 1)};
    for (size_t r = 0; r < sizeof routers / sizeof *routers; r++)
        for (int form = 0; form < 4; form++) assert_choice(&routers[r], 50, form & 1, form & 2);
    assert_choice(&routers[1], 0, true, false); /* no token */
}

/* Two groups of three. By the best of each the first is better, by the best two the second. */
static void groups_by_their_best(void **state)
{
    (void)state;
    static const double row[] = {0.9, 0.1, 0.1, 0.6, 0.7, 0.2};
    Tensor scores = numbers(row, 6), experts = integers(2);
    Router r = grouped(ROUTER_SIGMOID, 6, 2, 2, 1, 1);
    router_choose(&r, scores, (Tensor){0}, experts);
    assert_int_equal(ints(experts)[0], 0);
    assert_int_equal(ints(experts)[1], 1); /* as good as 2, and before it */
    r.group_best = 2;
    router_choose(&r, scores, (Tensor){0}, experts);
    assert_int_equal(ints(experts)[0], 4);
    assert_int_equal(ints(experts)[1], 3);
    static const double lifted[] = {0, 0.5, 0, 0, 0, 0}; /* the bias counts in a group's score */
    Tensor bias = numbers(lifted, 6);
    router_choose(&r, scores, bias, experts);
    assert_int_equal(ints(experts)[0], 0);
    assert_int_equal(ints(experts)[1], 1);
    static const double sunk[] = {-3, -3, -3,
                                  -9, -9, -9}; /* below nothing, and still before another group's */
    give_back(&bias, 1);
    bias = numbers(sunk, 6);
    router_choose(&r, scores, bias, experts);
    assert_int_equal(ints(experts)[0], 0);
    assert_int_equal(ints(experts)[1], 1);
    give_back((Tensor[]){scores, experts, bias}, 3);
}

/* Experts that exist, each once, also of scores that are no numbers. */
static void choices_of_nan(void **state)
{
    (void)state;
    Router r = grouped(ROUTER_SOFTMAX, 6, 3, 3, 2, 2);
    Tensor scores = constant(&device, 12, NAN), experts = integers(6);
    reals(scores)[7] = 1;
    router_choose(&r, scores, (Tensor){0}, experts);
    for (int i = 0; i < 2; i++) {
        const int32_t *e = ints(experts) + 3 * i;
        for (int j = 0; j < 3; j++) assert_in_range(e[j], 0, 5);
        assert_true(e[0] != e[1] && e[0] != e[2] && e[1] != e[2]);
    }
    give_back((Tensor[]){scores, experts}, 2);
}

/* ---- gates ---- */

/* A bias turns the choice around, and gates are of the scores alone. */
static void a_bias_is_in_no_gate(void **state)
{
    (void)state;
    static const double row[] = {0.5, 0.25, 0.125, 0.0625}, lift[] = {0, 0, 1, 1};
    Tensor scores = numbers(row, 4), bias = numbers(lift, 4), experts = integers(2),
           gates = constant(&device, 2, NAN);
    Router r = plain(ROUTER_SIGMOID, 4, 2);
    router_choose(&r, scores, bias, experts);
    assert_int_equal(ints(experts)[0], 2);
    assert_int_equal(ints(experts)[1], 3);
    router_gates(&r, scores, experts, gates);
    assert_true(distance(gates, (double[]){0.125, 0.0625}) == 0);
    r.scale = 3, r.normalise = true;
    router_gates(&r, scores, experts, gates);
    assert_below(distance(gates, (double[]){2, 1}), VALUE_TOLERANCE);
    give_back((Tensor[]){scores, bias, experts, gates}, 4);
}

/* Sigmoids of very low logits are nothing: gates are, too, and no NaN. */
static void nothing_to_normalise_by(void **state)
{
    (void)state;
    Router r = plain(ROUTER_SIGMOID, 3, 2);
    r.normalise = true;
    Tensor scores = constant(&device, 3, 0), experts = integers(2), gates = constant(&device, 2, NAN),
           dgates = constant(&device, 2, 1), dlogits = constant(&device, 3, 0);
    router_choose(&r, scores, (Tensor){0}, experts);
    router_gates(&r, scores, experts, gates);
    router_backward(&r, scores, experts, dgates, dlogits);
    for (int i = 0; i < 2; i++) assert_true(reals(gates)[i] == 0);
    for (int i = 0; i < 3; i++) assert_true(reals(dlogits)[i] == 0);
    give_back((Tensor[]){scores, experts, gates, dgates, dlogits}, 5);
}

/* ---- backward ---- */

typedef struct Routed {
    Router r;
    Tensor logits, scores, experts, gates, weights, score_weights;
} Routed;

/* Of a choice that stays, and of something that wants the scores themselves. */
static double routed_loss(void *context)
{
    Routed *l = context;
    router_scores(&l->r, l->logits, l->scores);
    router_gates(&l->r, l->scores, l->experts, l->gates);
    return weighted(l->weights, l->gates) + weighted(l->score_weights, l->scores);
}

static void assert_routed(Router r, int64_t n)
{
    int64_t E = r.experts, k = r.top_k;
    Routed l = {.r = r, .logits = noise(&device, n * E, 1, 1), .scores = constant(&device, n * E, NAN)};
    l.experts = integers(n * k), l.gates = constant(&device, n * k, NAN);
    l.weights = noise(&device, n * k, 2, 1), l.score_weights = noise(&device, n * E, 3, 1);
    router_scores(&r, l.logits, l.scores);
    router_choose(&r, l.scores, (Tensor){0}, l.experts);
    routed_loss(&l);
    double *expected = doubles(n * k);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < k; j++) sum += (double)reals(l.scores)[i * E + ints(l.experts)[i * k + j]];
        for (int64_t j = 0; j < k; j++)
            expected[i * k + j] = r.scale * (double)reals(l.scores)[i * E + ints(l.experts)[i * k + j]] /
                                  (r.normalise ? sum : 1);
    }
    assert_below(distance(l.gates, expected), VALUE_TOLERANCE);
    free(expected);

    Tensor dlogits = noise(&device, n * E, 3, 1); /* the scores' gradient */
    router_backward(&r, l.scores, l.experts, l.weights, dlogits);
    assert_gradient(routed_loss, &l, l.logits, dlogits, 0);
    give_back((Tensor[]){l.logits, l.scores, l.experts, l.gates, l.weights, l.score_weights, dlogits}, 7);
}

static void gradients(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        Router r = plain(form & 1 ? ROUTER_SIGMOID : ROUTER_SOFTMAX, 8, 3);
        r.normalise = form & 2, r.scale = 2.5;
        assert_routed(r, 5);
        r.experts = r.top_k = 7; /* all of them */
        assert_routed(r, 3);
        r.experts = 37, r.top_k = 1;
        assert_routed(r, 60); /* several pieces */
    }
}

/* Numbers a person can check: 6 tokens of 4 experts, 2 each. */
static void work(void **state)
{
    (void)state;
    Device dry = {.dry = true};
    Router r = plain(ROUTER_SOFTMAX, 4, 2);
    Tensor logits = tensor_new(&dry, 0, BF16, 24), scores = tensor_new(&dry, 0, REAL, 24),
           bias = tensor_new(&dry, 0, REAL, 4), experts = tensor_new(&dry, 0, INT32, 12),
           gates = tensor_new(&dry, 0, BF16, 12);
    const WorkDone *done = &dry.done[WORK_ROUTER];
    const double each = sizeof(real);
    router_scores(&r, logits, scores);
    assert_true(done->flops == 5 * 24 && done->bytes == 24 * 2 + 24 * each);
    router_choose(&r, scores, bias, experts);
    assert_true(done->flops == 7 * 24 && done->bytes == 24 * 2 + 52 * each + 12 * 4);
    router_gates(&r, scores, experts, gates);
    assert_true(done->flops == 8 * 24 && done->bytes == 24 * 2 + 64 * each + 24 * 4 + 12 * 2);
    router_backward(&r, scores, experts, gates, scores);
    assert_true(done->flops == 12 * 24 + 5 * 12 && done->bytes == 24 * 2 + 136 * each + 36 * 4 + 24 * 2);
    assert_true(done->kernels == 4);
    give_back((Tensor[]){logits, scores, bias, experts, gates}, 5);
    assert_true(dry.total == 0);
}

static void nothing_leaks(void **state)
{
    (void)state;
    assert_true(device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_of_both_kinds),
        cmocka_unit_test(choices),
        cmocka_unit_test(groups_by_their_best),
        cmocka_unit_test(choices_of_nan),
        cmocka_unit_test(a_bias_is_in_no_gate),
        cmocka_unit_test(nothing_to_normalise_by),
        cmocka_unit_test(gradients),
        cmocka_unit_test(work),
        cmocka_unit_test(nothing_leaks),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
