/* test_balance.c - losses of an uneven load as their papers write them, in double, and their gradients against finite
 * differences. */
#include "models/kernels/balance.h"
#include <math.h>
#include <stdlib.h>
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

/* Of `tokens` tokens in so many scopes, all of them here. */
typedef struct Balanced {
    Balance b;
    Tensor scores, experts, load, sent, probability, weights;
} Balanced;

static Tensor no_tokens(int64_t count)
{
    Tensor t = tensor_new(&device, MEM_PARAMETERS, INT32, count);
    tensor_zero(t);
    return t;
}

/* Positive scores, of no token 1 together; experts chosen unevenly, of some tokens on one device. */
static Balanced balanced_new(Balance b)
{
    int64_t n = b.scopes * b.tokens, E = b.experts, k = b.top_k;
    Balanced t = {
        .b = b, .scores = noise(&device, n * E, 1, 1), .experts = some_tokens(&device, n * k, 2, E)};
    for (int64_t i = 0; i < n * E; i++) reals(t.scores)[i] = (real)(0.1 + fabs((double)reals(t.scores)[i]));
    for (int64_t i = 0; i < n * k; i += k)
        for (int64_t j = k - 1, first = ints(t.experts)[i] / 2; j >= 0; j--)
            ints(t.experts)[i + j] = (int32_t)((first + j) % E);
    t.load = no_tokens(b.scopes * E), t.sent = no_tokens(b.scopes * b.devices);
    t.probability = constant(&device, b.scopes * E, 0), t.weights = constant(&device, b.scopes * E, NAN);
    balance_load(&b, t.experts, t.load);
    balance_sent(&b, t.experts, t.sent);
    return t;
}

static void balanced_free(Balanced *t)
{
    give_back((Tensor[]){t->scores, t->experts, t->load, t->sent, t->probability, t->weights}, 6);
}

static double loss_of(void *context)
{
    Balanced *t = context;
    for (int64_t i = 0; i < t->probability.count; i++) reals(t->probability)[i] = 0;
    balance_probability(&t->b, t->scores, t->probability);
    return balance_loss(&t->b, t->load, t->sent, t->probability, t->weights);
}

/* Of the T tokens of one scope, by the sums of the papers. */
typedef struct Plain {
    const Balance *b;
    const real *scores;
    const int32_t *experts;
} Plain;

static bool chose(const Plain *p, int64_t token, int64_t expert)
{
    for (int64_t j = 0; j < p->b->top_k; j++)
        if (p->experts[token * p->b->top_k + j] == expert) return true;
    return false;
}

static double f_of(const Plain *p, int64_t expert)
{
    double chosen = 0;
    for (int64_t t = 0; t < p->b->tokens; t++) chosen += chose(p, t, expert);
    return (double)p->b->experts / (double)(p->b->top_k * p->b->tokens) * chosen;
}

static double P_of(const Plain *p, int64_t expert)
{
    double mean = 0;
    for (int64_t t = 0; t < p->b->tokens; t++) {
        double sum = 0;
        for (int64_t e = 0; e < p->b->experts; e++) sum += (double)p->scores[t * p->b->experts + e];
        mean += (double)p->scores[t * p->b->experts + expert] / sum / (double)p->b->tokens;
    }
    return mean;
}

static double loss_plainly(const Plain *p)
{
    const Balance *b = p->b;
    int64_t each = b->experts / b->devices;
    double loss = 0;
    for (int64_t e = 0; e < b->experts; e++) loss += b->expert * f_of(p, e) * P_of(p, e);
    for (int64_t d = 0; d < b->devices; d++) {
        double f = 0, P = 0, sent = 0;
        for (int64_t e = d * each; e < (d + 1) * each; e++) f += f_of(p, e) / (double)each, P += P_of(p, e);
        for (int64_t t = 0; t < b->tokens; t++) {
            bool there = false;
            for (int64_t e = d * each; e < (d + 1) * each; e++) there = there || chose(p, t, e);
            sent += there;
        }
        loss += b->device * f * P;
        loss += b->communication * (double)b->devices / (double)(b->devices_limited * b->tokens) * sent * P;
    }
    return loss;
}

/* Each loss alone, then all of them; over one scope, and over several. */
static Balance form(int which)
{
    Balance b = {.experts = 12, .top_k = 3, .scopes = 1, .tokens = 17, .devices = 4, .devices_limited = 2};
    if (which % 4 == 0 || which % 4 == 3) b.expert = 0.7;
    if (which % 4 == 1 || which % 4 == 3) b.device = 1.3;
    if (which % 4 == 2 || which % 4 == 3) b.communication = 0.4;
    if (which >= 4) b.scopes = 3, b.tokens = 5, b.experts = 7, b.top_k = 2, b.devices = 7;
    return b;
}

static void as_the_papers_have_them(void **state)
{
    (void)state;
    for (int which = 0; which < 8; which++) {
        Balanced t = balanced_new(form(which));
        double loss = loss_of(&t), expected = 0;
        for (int64_t s = 0; s < t.b.scopes; s++)
            expected += loss_plainly(&(Plain){&t.b, reals(t.scores) + s * t.b.tokens * t.b.experts,
                                              ints(t.experts) + s * t.b.tokens * t.b.top_k});
        assert_below(fabs(loss / expected - 1), VALUE_TOLERANCE);
        Tensor dscores = constant(&device, t.scores.count, 1);
        balance_backward(&t.b, t.scores, t.weights, 1, dscores);
        assert_gradient(loss_of, &t, t.scores, dscores, 1);
        Tensor half = constant(&device, t.scores.count, 0);
        balance_backward(&t.b, t.scores, t.weights, 0.5, half);
        for (int64_t i = 0; i < half.count; i++)
            assert_below(fabs((double)(2 * reals(half)[i] + 1 - reals(dscores)[i])), 4 * VALUE_TOLERANCE);
        give_back((Tensor[]){dscores, half}, 2);
        balanced_free(&t);
    }
}

/* 8 tokens, of which each chooses the next of 4 experts, by scores that are all the same: each sum is 1. When all
 * choose one that has all of the scores, it is E, and of the devices D. */
static void one_when_even(void **state)
{
    (void)state;
    Balance b = {.experts = 4, .top_k = 1, .scopes = 1, .tokens = 8, .devices = 2, .devices_limited = 1};
    b.expert = 1, b.device = 10, b.communication = 100;
    Balanced t = balanced_new(b);
    for (int collapsed = 0; collapsed < 2; collapsed++) {
        for (int i = 0; i < 8; i++) ints(t.experts)[i] = collapsed ? 2 : i % 4;
        for (int i = 0; i < 32; i++) reals(t.scores)[i] = (real)(collapsed ? i % 4 == 2 : 0.3);
        for (int i = 0; i < 4; i++) ints(t.load)[i] = ints(t.sent)[i / 2] = 0;
        balance_load(&b, t.experts, t.load);
        balance_sent(&b, t.experts, t.sent);
        assert_below(fabs(loss_of(&t) / (collapsed ? 4 + 20 + 200 : 111) - 1), VALUE_TOLERANCE);
    }
    balanced_free(&t);
}

/* Scores that are nothing have no share, and no gradient that is no number. */
static void no_scores(void **state)
{
    (void)state;
    Balanced t = balanced_new(form(3));
    for (int64_t i = 0; i < t.b.experts; i++) reals(t.scores)[i] = 0;
    Tensor dscores = constant(&device, t.scores.count, 0);
    assert_true(isfinite(loss_of(&t)));
    balance_backward(&t.b, t.scores, t.weights, 1, dscores);
    for (int64_t i = 0; i < dscores.count; i++) assert_true(isfinite(reals(dscores)[i]));
    give_back(&dscores, 1);
    balanced_free(&t);
}

/* Two scopes of 6 tokens, of which one rank has the first 2 of each and another the last 4: the sums of both are
 * those of one that has all, and so are loss and gradient; and of each one's sums of scores alone the loss has parts. */
static void a_scope_over_two_ranks(void **state)
{
    (void)state;
    Balance b = form(3);
    b.scopes = 2, b.tokens = 6;
    Balanced t = balanced_new(b);
    double loss = loss_of(&t);
    int64_t E = b.experts, k = b.top_k;
    double parts = 0;
    Tensor load = no_tokens(2 * E), sent = no_tokens(2 * b.devices),
           probability = constant(&device, 2 * E, 0), dscores = constant(&device, t.scores.count, 0),
           weights = t.weights, part[2][4];
    balance_backward(&b, t.scores, weights, 1, dscores);
    for (int rank = 0; rank < 2; rank++) {
        int64_t n = rank ? 4 : 2, first = rank ? 2 : 0;
        part[rank][0] = constant(&device, 2 * n * E, 0),
        part[rank][1] = tensor_new(&device, 0, INT32, 2 * n * k);
        part[rank][2] = constant(&device, 2 * n * E, 0), part[rank][3] = constant(&device, 2 * E, 0);
        for (int64_t i = 0; i < 2 * n; i++) {
            int64_t from = i / n * 6 + first + i % n;
            tensor_copy(tensor_view(part[rank][0], i * E, E), tensor_view(t.scores, from * E, E));
            tensor_copy(tensor_view(part[rank][1], i * k, k), tensor_view(t.experts, from * k, k));
        }
        balance_load(&b, part[rank][1], load);
        balance_sent(&b, part[rank][1], sent);
        balance_probability(&b, part[rank][0], probability);
        balance_probability(&b, part[rank][0], part[rank][3]);
    }
    assert_memory_equal(load.data, t.load.data, tensor_bytes(load));
    assert_memory_equal(sent.data, t.sent.data, tensor_bytes(sent));
    assert_below(fabs(balance_loss(&b, load, sent, probability, weights) / loss - 1), VALUE_TOLERANCE);
    for (int rank = 0; rank < 2; rank++) {
        int64_t n = rank ? 4 : 2, first = rank ? 2 : 0;
        parts += balance_loss(&b, load, sent, part[rank][3], weights);
        balance_backward(&b, part[rank][0], weights, 1, part[rank][2]);
        for (int64_t i = 0; i < 2 * n * E; i++) {
            int64_t token = i / E / n * 6 + first + i / E % n;
            assert_below(fabs((double)(reals(part[rank][2])[i] - reals(dscores)[token * E + i % E])),
                         VALUE_TOLERANCE);
        }
        give_back(part[rank], 4);
    }
    assert_below(fabs(parts / loss - 1), VALUE_TOLERANCE);
    give_back((Tensor[]){load, sent, probability, dscores}, 4);
    balanced_free(&t);
}

/* ---- z-loss ---- */

typedef struct Z {
    Tensor logits;
    int64_t E;
} Z;

static double z_loss(void *context)
{
    Z *z = context;
    return z_loss_forward(z->logits, z->E);
}

static void z_losses(void **state)
{
    (void)state;
    Z z = {.E = 19};
    z.logits = noise(&device, 5 * z.E, 1, 2);
    Tensor dlogits = constant(&device, z.logits.count, 1);
    double expected = 0;
    for (int i = 0; i < 5; i++) {
        double sum = 0;
        for (int e = 0; e < 19; e++) sum += exp((double)reals(z.logits)[i * 19 + e]);
        expected += log(sum) * log(sum);
    }
    assert_below(fabs(z_loss(&z) / expected - 1), VALUE_TOLERANCE);
    z_loss_backward(z.logits, 0.5, dlogits, z.E);
    for (int64_t i = 0; i < dlogits.count; i++) reals(dlogits)[i] = 2 * reals(dlogits)[i] - 1;
    assert_gradient(z_loss, &z, z.logits, dlogits, 1);
    give_back((Tensor[]){z.logits, dlogits}, 2);
}

/* ---- the bias ---- */

/* A mean of 10/3, which no load is; then a load at its mean, which stays. */
static void a_bias_goes_against_the_load(void **state)
{
    (void)state;
    Tensor bias = constant(&device, 3, 0.25), load = tensor_new(&device, 0, INT32, 3);
    ints(load)[0] = 3, ints(load)[1] = 7, ints(load)[2] = 0;
    balance_bias(bias, load, 0.125);
    assert_true(distance(bias, (double[]){0.375, 0.125, 0.375}) == 0);
    ints(load)[0] = 4, ints(load)[1] = 7, ints(load)[2] = 1;
    balance_bias(bias, load, 0.125);
    assert_true(distance(bias, (double[]){0.375, 0, 0.5}) == 0);
    give_back((Tensor[]){bias, load}, 2);
}

static void work(void **state)
{
    (void)state;
    Device dry = {.dry = true};
    const WorkDone *done = &dry.done[WORK_ROUTER];
    const double each = sizeof(real);
    Balance b = {.experts = 4, .top_k = 2, .scopes = 3, .tokens = 5, .devices = 2, .devices_limited = 1};
    Tensor scores = tensor_new(&dry, 0, BF16, 60), experts = tensor_new(&dry, 0, INT32, 30),
           sums = tensor_new(&dry, 0, REAL, 12), load = tensor_new(&dry, 0, INT32, 12),
           sent = tensor_new(&dry, 0, INT32, 6);
    balance_load(&b, experts, load);
    balance_sent(&b, experts, sent);
    assert_true(done->flops == 60 && done->bytes == 60 * 4 + 36 * 4);
    balance_probability(&b, scores, sums);
    assert_true(done->flops == 240 && done->bytes == 60 * 6 + 36 * 4 + 24 * each);
    assert_true(balance_loss(&b, load, sent, sums, sums) == 0);
    assert_true(done->flops == 336 && done->bytes == 60 * 6 + 54 * 4 + 48 * each);
    balance_backward(&b, scores, sums, 1, scores);
    assert_true(done->flops == 696 && done->bytes == 60 * 12 + 54 * 4 + 60 * each);
    assert_true(z_loss_forward(scores, 4) == 0);
    z_loss_backward(scores, 1, scores, 4);
    assert_true(done->flops == 696 + 11 * 60 && done->bytes == 60 * 20 + 54 * 4 + 60 * each);
    balance_bias(sent, sent, 1);
    assert_true(done->flops == 696 + 11 * 60 + 18 && done->bytes == 60 * 20 + 72 * 4 + 60 * each &&
                done->kernels == 8);
    give_back((Tensor[]){scores, experts, sums, load, sent}, 5);
    assert_true(dry.total + device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_papers_have_them),
        cmocka_unit_test(one_when_even),
        cmocka_unit_test(no_scores),
        cmocka_unit_test(a_scope_over_two_ranks),
        cmocka_unit_test(z_losses),
        cmocka_unit_test(a_bias_goes_against_the_load),
        cmocka_unit_test(work),
    };
    return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
