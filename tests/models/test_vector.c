/* test_vector.c - inner loops give the same bits whatever they are compiled
 * for, and right ones: e^x, sigmoids, sums in lanes, the largest, softmax. */
#include <stdlib.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

/* Each loop twice: as vector code for this machine, and a value at a time. */
VECTORISED static void exp_of_many(const real *x, real *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = real_exp(x[i]);
}

__attribute__((noinline)) static real exp_of_one(real x)
{
    return real_exp(x);
}

VECTORISED static void sigmoid_of_many(const real *x, real *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = sigmoid(x[i]);
}

__attribute__((noinline)) static real sigmoid_of_one(real x)
{
    return sigmoid(x);
}

VECTORISED static double softmax_vectorised(real *x, int64_t n)
{
    return softmax_in_place(x, n);
}

VECTORISED static void softmax_of_rows(real *x, int64_t rows, int64_t apart, int64_t n, int64_t more)
{
    softmax_rows(x, rows, apart, n, more);
}

__attribute__((noinline)) static double softmax_baseline(real *x, int64_t n)
{
    return softmax_in_place(x, n);
}

VECTORISED static void sums_vectorised(const real *x, const real *y, int64_t n, real *out)
{
    out[0] = sum_of(x, n), out[1] = dot_of(x, y, n), out[2] = max_of(x, n);
}

__attribute__((noinline)) static void sums_baseline(const real *x, const real *y, int64_t n, real *out)
{
    out[0] = sum_of(x, n), out[1] = dot_of(x, y, n), out[2] = max_of(x, n);
}

enum { MANY = 200003 }; /* odd: the loops have a tail */

static real *ramp(double from, double to)
{
    real *x = malloc(MANY * sizeof *x);
    for (int i = 0; i < MANY; i++) x[i] = (real)(from + (to - from) * i / (MANY - 1));
    return x;
}

static void exp_is_right(void **state)
{
    (void)state;
#ifdef SIM_DOUBLE
    const double tolerance = 1e-15;
#else
    const double tolerance = 1e-7; /* what vector.h promises */
#endif
    real *x = ramp(-87, 88), *y = malloc(MANY * sizeof *y);
    exp_of_many(x, y, MANY);
    double worst = 0;
    for (int i = 0; i < MANY; i++) {
        double apart = fabs((double)y[i] / exp((double)x[i]) - 1);
        if (!(apart <= worst)) worst = apart;
    }
    assert_below(worst, tolerance);
    assert_true(exp_of_one(0) == 1);
    assert_true(isnan(exp_of_one((real)NAN))); /* a blown-up run must show */
    assert_true(exp_of_one(-1000) >= 0 && exp_of_one(-1000) < (real)1e-37);
    assert_true(exp_of_one(-(real)INFINITY) >= 0 && exp_of_one(-(real)INFINITY) < (real)1e-37);
    assert_true(exp_of_one((real)INFINITY) > (real)1e38);
    free(x);
    free(y);
}

/* Relatively, also where it is small: GELU takes it where a tanh would have lost all digits. */
static void sigmoid_is_right(void **state)
{
    (void)state;
    real *x = ramp(-80, 80), *y = malloc(MANY * sizeof *y);
    sigmoid_of_many(x, y, MANY);
    double worst = 0;
    for (int i = 0; i < MANY; i++) {
        double apart = fabs((double)y[i] * (1 + exp(-(double)x[i])) - 1);
        if (!(apart <= worst)) worst = apart;
    }
    assert_below(worst, VALUE_TOLERANCE / 10);
    free(x);
    free(y);
}

/* An element has the same bits in a vector body, in a tail, alone: where a shard is cut does not matter. */
static void same_bits_wherever_a_range_is_cut(void **state)
{
    (void)state;
    real *x = ramp(-30, 30), *y = malloc(MANY * sizeof *y), *z = malloc(MANY * sizeof *z);
    exp_of_many(x, y, MANY);
    for (int i = 0; i < MANY; i++) z[i] = exp_of_one(x[i]);
    assert_memory_equal(y, z, MANY * sizeof *y);
    for (int64_t at = 0, length = 1; at < MANY; at += length++)
        exp_of_many(x + at, z + at, length < MANY - at ? length : MANY - at);
    assert_memory_equal(y, z, MANY * sizeof *y);
    sigmoid_of_many(x, y, MANY);
    for (int i = 0; i < MANY; i++) z[i] = sigmoid_of_one(x[i]);
    assert_memory_equal(y, z, MANY * sizeof *y);
    free(x);
    free(y);
    free(z);
}

/* In whatever place, of both signs, infinite; a NaN shows in all that is subtracted from it. */
static void the_largest(void **state)
{
    (void)state;
    enum { FEW = 37 };
    real x[FEW];
    const real largest[] = {5, (real)0.5, (real)-0.25, -7, (real)INFINITY, (real)1e-38};
    for (size_t k = 0; k < sizeof largest / sizeof *largest; k++)
        for (int n = 1; n <= FEW; n++)
            for (int place = 0; place < n; place++) {
                for (int i = 0; i < n; i++) x[i] = i % 3 ? largest[k] - 1 - (real)i : -(real)INFINITY;
                x[place] = largest[k];
                assert_true(max_of(x, n) == largest[k]);
            }
    x[FEW / 2] = (real)NAN;
    softmax_in_place(x, FEW);
    assert_true(isnan(x[0]) && isnan(x[FEW - 1]));
}

/* On every instruction set, for lengths below, at and past the lanes. */
static void same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    Device device = {0};
    Tensor x = noise(&device, 200, 1, 3), y = noise(&device, 200, 2, 1), a = constant(&device, 200, 0), b = a;
    b = constant(&device, 200, 0);
    for (int64_t n = 1; n <= 200; n++) {
        real p[3], q[3];
        sums_vectorised(reals(x), reals(y), n, p);
        sums_baseline(reals(x), reals(y), n, q);
        assert_memory_equal(p, q, sizeof p);
        double sum = 0, dot = 0, most = -1e30, size = 0;
        for (int64_t i = 0; i < n; i++) {
            sum += (double)reals(x)[i];
            dot += (double)reals(x)[i] * (double)reals(y)[i];
            size += fabs((double)reals(x)[i]) * (1 + fabs((double)reals(y)[i]));
            most = fmax(most, (double)reals(x)[i]);
        }
        assert_below(fabs((double)p[0] - sum) / size, VALUE_TOLERANCE);
        assert_below(fabs((double)p[1] - dot) / size, VALUE_TOLERANCE);
        assert_true((double)p[2] == most);

        memcpy(a.data, x.data, (size_t)n * sizeof(real));
        real all = exponentials(reals(a), n, 2);
        for (int64_t i = 0; i < n; i++) assert_true(reals(a)[i] == exp_of_one(reals(x)[i] - 2));
        assert_true(all == sum_of(reals(a), n));

        memcpy(a.data, x.data, (size_t)n * sizeof(real));
        memcpy(b.data, x.data, (size_t)n * sizeof(real));
        double la = softmax_vectorised(reals(a), n), lb = softmax_baseline(reals(b), n), total = 0,
               log_sum = 0;
        assert_memory_equal(&la, &lb, sizeof la);
        assert_memory_equal(a.data, b.data, (size_t)n * sizeof(real));
        for (int64_t i = 0; i < n; i++) total += (double)reals(a)[i], log_sum += exp((double)reals(x)[i]);
        assert_below(fabs(total - 1), VALUE_TOLERANCE);
        assert_below(fabs(la - log(log_sum)), VALUE_TOLERANCE);
    }
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&a);
    tensor_free(&b);
}

static void sum_of_squares(void **state)
{
    (void)state;
    Device device = {0};
    Tensor t = constant(&device, 7, 0); /* 1 + 4 + 9 + .. + 49 */
    for (int i = 0; i < 7; i++) reals(t)[i] = (real)(i + 1);
    assert_true(tensor_sum_of_squares(t) == 140);
    assert_true(tensor_sum_of_squares(tensor_view(t, 2, 2)) == 9 + 16);
    assert_true(tensor_sum_of_squares(tensor_view(t, 2, 0)) == 0);
    tensor_free(&t);
    t = noise(&device, 10007, 3, 1e-3);
    double expected = 0;
    for (int i = 0; i < 10007; i++) expected += (double)reals(t)[i] * (double)reals(t)[i];
    assert_below(fabs(tensor_sum_of_squares(t) / expected - 1), 1e-13); /* in double, in both builds */
    tensor_free(&t);
}

/* One after the other, the last at last; nothing else is touched. */
static void sum_of_runs(void **state)
{
    (void)state;
    enum { VALUES = 40, FIRST = 3, COUNT = 33 };
    Device device = {0};
    Tensor one = constant(&device, VALUES, 1), most = constant(&device, VALUES, (real)1e30),
           least = constant(&device, VALUES, (real)-1e30), two = constant(&device, VALUES, 2);
    tensor_sum_runs(REAL, (void *[]){most.data, least.data, one.data}, 3, FIRST, COUNT);
    tensor_sum_runs(REAL, (void *[]){one.data, most.data, least.data, two.data}, 4, FIRST, COUNT);
    tensor_sum_runs(REAL, (void *[]){most.data, least.data}, 2, FIRST, COUNT);
    for (int i = 0; i < VALUES; i++) {
        const bool among = i >= FIRST && i < FIRST + COUNT;
        assert_true(reals(one)[i] == 1); /* 1e30 - 1e30 + 1, and before */
        assert_true(reals(two)[i] == 2); /* 1 + 1e30 - 1e30 + 2 */
        assert_true(reals(most)[i] == (real)1e30);
        assert_true(reals(least)[i] == (among ? 0 : (real)-1e30));
    }
    tensor_free(&one);
    tensor_free(&most);
    tensor_free(&least);
    tensor_free(&two);
}

/* Rows that are all as long, or as a causal mask cuts them, have each the bits that it has alone; nothing behind them is
 * touched. */
static void rows_together_as_alone(void **state)
{
    (void)state;
    enum { ROWS = 2 * ROWS_TOGETHER + 3, APART = 3 * LANES + ROWS };
    Device device = {0};
    Tensor from = noise(&device, ROWS * APART, 1, 3), x = constant(&device, ROWS * APART, 0);
    for (int64_t more = 0; more < 2; more++)
        for (int64_t n = 1; n <= 2 * LANES + 1; n++) {
            memcpy(x.data, from.data, tensor_bytes(x));
            softmax_of_rows(reals(x), ROWS, APART, n, more);
            for (int64_t i = 0; i < ROWS; i++) {
                real alone[APART];
                memcpy(alone, reals(from) + i * APART, sizeof alone);
                softmax_baseline(alone, n + i * more);
                assert_memory_equal(alone, reals(x) + i * APART, sizeof alone);
            }
        }
    tensor_free(&from);
    tensor_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_right),
        cmocka_unit_test(sigmoid_is_right),
        cmocka_unit_test(the_largest),
        cmocka_unit_test(same_bits_wherever_a_range_is_cut),
        cmocka_unit_test(same_bits_on_every_instruction_set),
        cmocka_unit_test(rows_together_as_alone),
        cmocka_unit_test(sum_of_squares),
        cmocka_unit_test(sum_of_runs),
    };
    return cmocka_run_group_tests_name("vector", tests, NULL, NULL);
}
