/* test_search.c - numbers that make errors least, where the least is known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/random.h"
#include "sim/validate/search.h"
#include "tests/support/check.h"

enum { CASES = 60 };

/* Steps of a made-up machine: work over a speed, launches, bytes over a bandwidth, the larger of two; with outliers
 * where `spoilt`. What a fit is to find is in `truth`. */
typedef struct Machine {
    double truth[3], measured[CASES], work[CASES], launches[CASES], bytes[CASES];
    int calls, spoilt;
} Machine;

static double step(const Machine *m, const double *value, int i)
{
    return fmax(m->work[i] / value[0], m->bytes[i] / value[2]) + value[1] * m->launches[i];
}

static void measure(Machine *m)
{
    for (int i = 0; i < CASES; i++) {
        m->work[i] = 1 + (double)random_below(1, STREAM_WEIGHTS, 0, (uint64_t)i, 1000);
        m->launches[i] = (double)random_below(1, STREAM_WEIGHTS, 1, (uint64_t)i, 100);
        m->bytes[i] = (double)random_below(1, STREAM_WEIGHTS, 2, (uint64_t)i, 1500);
        m->measured[i] = step(m, m->truth, i);
        if (i < m->spoilt) m->measured[i] *= 1.8;
    }
}

static bool evaluate(void *context, const double *value, double *error, Error *why)
{
    Machine *m = context;
    (void)why;
    m->calls++;
    for (int i = 0; i < CASES; i++) error[i] = step(m, value, i) / m->measured[i] - 1;
    return true;
}

static Search search_for(Machine *m, const double *weight)
{
    Search s = {.numbers = 3, .errors = CASES, .weight = weight, .evaluate = evaluate, .context = m};
    s.number[0] = (SearchNumber){.value = 0.9, .low = 1e-9, .high = 1, .least = 0.01};
    s.number[1] = (SearchNumber){.value = 0, .low = 0, .high = 1e6, .least = 0.2};
    s.number[2] = (SearchNumber){.value = 3, .low = 0, .high = 1e6, .least = 0.01};
    return s;
}

static void near_truth(const Search *s, const double *truth, double within)
{
    for (int k = 0; k < 3; k++)
        if (!(fabs(s->number[k].value - truth[k]) <= within * truth[k]))
            fail_msg("number %d is %.6g, not %g", k, s->number[k].value, truth[k]);
}

/* Exactly measured: found again, from far away, one of them from zero. */
static void finds_what_was_measured(void **state)
{
    (void)state;
    Machine m = {.truth = {0.6, 1.5, 0.9}};
    double weight[CASES];
    Error why;
    measure(&m);
    for (int i = 0; i < CASES; i++) weight[i] = 1.0 / CASES;
    Search s = search_for(&m, weight);
    assert_true(search_least(&s, &why));
    near_truth(&s, m.truth, 1e-3);
    assert_true(s.before > 0.3 && s.after < 1e-3 && s.evaluations == m.calls && m.calls < 60);
    Search again = search_for(&m, weight);
    assert_true(search_least(&again, &why));
    for (int k = 0; k < 3; k++) assert_true(again.number[k].value == s.number[k].value);
}

/* A fifth of what was measured is wrong by far: the least mean is where the others are right. */
static void outliers_do_not_pull(void **state)
{
    (void)state;
    Machine m = {.truth = {0.6, 1.5, 0.9}, .spoilt = CASES / 5};
    double weight[CASES];
    Error why;
    measure(&m);
    for (int i = 0; i < CASES; i++) weight[i] = 1.0 / CASES;
    Search s = search_for(&m, weight);
    assert_true(search_least(&s, &why));
    near_truth(&s, m.truth, 0.01);
    /* and with no weight at all they are nothing */
    for (int i = 0; i < CASES; i++) weight[i] = i < m.spoilt ? 0 : 1.0 / (CASES - m.spoilt);
    s = search_for(&m, weight);
    assert_true(search_least(&s, &why));
    near_truth(&s, m.truth, 1e-3);
    assert_true(s.after < 1e-3);
}

/* The truth is out of the range: its end. A number that nothing depends on is left, and told. */
static void ranges_hold(void **state)
{
    (void)state;
    Machine m = {.truth = {1.2, 1.5, 1e9}};
    double weight[CASES];
    Error why;
    measure(&m);
    for (int i = 0; i < CASES; i++) weight[i] = 1.0 / CASES;
    Search s = search_for(&m, weight);
    s.number[2].value = 1e6;
    assert_true(search_least(&s, &why));
    assert_true(s.number[0].value == 1 && s.number[0].matters && s.number[1].matters);
    assert_true(s.number[2].value == 1e6 && !s.number[2].matters);
}

static bool refuse(void *context, const double *value, double *error, Error *why)
{
    (void)context;
    error[0] = value[0];
    return value[0] < 1.01 || error_set(why, "too much");
}

static void a_refusal_ends_it(void **state)
{
    (void)state;
    const double weight[1] = {1};
    Error why;
    Search s = {.numbers = 1, .errors = 1, .weight = weight, .evaluate = refuse};
    s.number[0] = (SearchNumber){.value = 1, .low = 0, .high = 2, .least = 1};
    assert_false(search_least(&s, &why));
    assert_string_equal(why.text, "too much");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_measured),
        cmocka_unit_test(outliers_do_not_pull),
        cmocka_unit_test(ranges_hold),
        cmocka_unit_test(a_refusal_ends_it),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
