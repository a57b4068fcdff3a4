/* test_half.c - bf16 and fp16 against their definitions, in double; in hardware
 * and portably the same bits; and the tensor operations on them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/half.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { ALL = 65536 };
static const DType FORMATS[] = {BF16, FP16};
typedef struct Format {
    int fraction, bias; /* bits of the one, and of the exponent */
} Format;

static Format format_of(DType format)
{
    return format == BF16 ? (Format){7, 127} : (Format){10, 15};
}

/* IEEE 754's definition; infinity as the number that would follow the largest. */
static double value_of(DType format, uint16_t h)
{
    Format f = format_of(format);
    int magnitude = h & 0x7fff, exponent = magnitude >> f.fraction, unit = 1 << f.fraction;
    int fraction = exponent ? magnitude % unit + unit : magnitude;
    double value = ldexp(fraction, (exponent ? exponent : 1) - f.bias - f.fraction);
    return h & 0x8000 ? -value : value;
}

static uint16_t infinity_of(DType format)
{
    Format f = format_of(format);
    return (uint16_t)((2 * f.bias + 1) << f.fraction);
}

/* The nearest by search, an even one of two. */
static uint16_t nearest_to(DType format, double x)
{
    uint16_t low = 0, high = infinity_of(format), sign = signbit(x) ? 0x8000 : 0;
    double size = fabs(x);
    if (size >= value_of(format, high)) return sign | high;
    while (high - low > 1) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (value_of(format, middle) <= size)
            low = middle;
        else
            high = middle;
    }
    double below = size - value_of(format, low), above = value_of(format, high) - size;
    return sign | (below < above || (below == above && low % 2 == 0) ? low : high);
}

static void all_values(void **state)
{
    (void)state;
    uint16_t *half = malloc(ALL * sizeof *half), *back = malloc(ALL * sizeof *back);
    real *wide = malloc(ALL * sizeof *wide);
    for (int h = 0; h < ALL; h++) half[h] = (uint16_t)h;
    for (int k = 0; k < 2; k++) {
        DType format = FORMATS[k];
        half_widen(format, half, wide, ALL);
        half_round(format, wide, back, ALL);
        int nans = 0;
        for (int h = 0; h < ALL; h++) {
            real one = half_value(format, (uint16_t)h);
            assert_memory_equal(&one, &wide[h], sizeof one);
            bool nan = (h & 0x7fff) > infinity_of(format);
            nans += nan;
            if (nan) {
                assert_true(isnan(wide[h]));
                assert_int_equal(back[h], h | 1 << (format_of(format).fraction - 1)); /* quiet */
            } else if ((h & 0x7fff) == infinity_of(format)) {
                assert_true(isinf(wide[h]) && !signbit(wide[h]) == !(h & 0x8000));
                assert_int_equal(back[h], h);
            } else {
                assert_true((double)wide[h] == value_of(format, (uint16_t)h));
                assert_int_equal(back[h], h);
            }
        }
        assert_int_equal(nans, 2 * ((1 << format_of(format).fraction) - 1));
    }
    free(half);
    free(back);
    free(wide);
}

static void same_bits_and_right(DType format, const real *x, int64_t n)
{
    uint16_t *half = malloc((size_t)n * sizeof *half), *cut = malloc((size_t)n * sizeof *cut);
    half_round(format, x, half, n);
    for (int64_t i = 0; i < n; i++) {
        uint16_t expected = isnan(x[i]) ? half_nearest(format, x[i]) : nearest_to(format, (double)x[i]);
        if (half[i] != expected)
            print_error("format %d, %.17g: %04x, not %04x\n", format, (double)x[i], half[i], expected);
        assert_int_equal(half[i], expected);
        assert_int_equal(half[i], half_nearest(format, x[i])); /* the instruction and the portable form */
        assert_true(!isnan(x[i]) == ((half[i] & 0x7fff) <= infinity_of(format)));
    }
    for (int64_t at = 0, length = 1; at < n; at += length++)
        half_round(format, x + at, cut + at, length < n - at ? length : n - at);
    assert_memory_equal(cut, half, (size_t)n * sizeof *half);
    free(half);
    free(cut);
}

/* Every number of the format, every midpoint between two, and both sides of it: all ties and all edges. */
static void rounds_to_nearest_even(void **state)
{
    (void)state;
    real *x = malloc((size_t)8 * ALL * sizeof *x);
    for (int k = 0; k < 2; k++) {
        int64_t n = 0;
        for (int h = 0; h < infinity_of(FORMATS[k]); h++) {
            double at = value_of(FORMATS[k], (uint16_t)h), next = value_of(FORMATS[k], (uint16_t)(h + 1));
            real middle = (real)(at / 2 + next / 2), below, above;
#ifdef SIM_DOUBLE
            below = nextafter(middle, -INFINITY), above = nextafter(middle, INFINITY);
#else
            below = nextafterf(middle, -INFINITY), above = nextafterf(middle, INFINITY);
#endif
            const real some[] = {(real)at, below, middle, above};
            for (int i = 0; i < 4; i++) x[n++] = some[i], x[n++] = -some[i];
        }
        same_bits_and_right(FORMATS[k], x, n);
    }
    free(x);
}

/* Any bits there are in a float, NaN and infinity among them. */
static void random_floats(void **state)
{
    (void)state;
    enum { MANY = 300007 };
    real *x = malloc(MANY * sizeof *x);
    for (int i = 0; i < MANY; i++) {
        uint32_t u = (uint32_t)random_below(9, STREAM_WEIGHTS, 1, (uint64_t)i, (uint64_t)1 << 32);
        if (i % 16 == 0) u |= 0x7f800000;                    /* more of NaN .. */
        if (i % 2 == 0) u = (u & 0x87ffffff) + 0x33000000;   /* .. and of what fp16 can hold: 2^-25 .. 2^-9 */
        if (i % 3 == 0) u = (u & 0x80ffffff) | (0x46000000); /* .. and around its end */
        float f;
        memcpy(&f, &u, sizeof f);
        x[i] = (real)f;
    }
    static const float edges[] = {0.0f,           -0.0f,        INFINITY, -INFINITY,      NAN,
                                  65504,          65519.996f,   65520,    -65520,         65536,
                                  3.4e38f,        1e-45f,       5.9e-8f,  2.98023224e-8f, 2.9802326e-8f,
                                  6.09755516e-5f, 3.3895314e38f};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) x[i] = (real)edges[i];
    for (int k = 0; k < 2; k++) same_bits_and_right(FORMATS[k], x, MANY);
    assert_int_equal(half_nearest(FP16, (real)65519.996), 0x7bff); /* the largest, 65504 */
    assert_int_equal(half_nearest(FP16, 65520), 0x7c00);
    assert_int_equal(half_nearest(BF16, 1), 0x3f80);
    assert_int_equal(half_nearest(FP16, 1), 0x3c00);
#ifdef SIM_DOUBLE
    /* just above a tie, by less than a float shows: rounded once, not by way of a float */
    assert_int_equal(half_nearest(BF16, 1 + 0x1p-8 + 0x1p-40), 0x3f81);
    assert_int_equal(half_nearest(FP16, 1 + 0x1p-11 + 0x1p-40), 0x3c01);
    assert_int_equal(half_nearest(FP16, 1 + 0x3p-11 - 0x1p-40), 0x3c01);
    assert_int_equal(half_nearest(FP16, 1e300), 0x7c00);
#endif
    free(x);
}

/* ---- tensors ---- */

enum { COUNT = 2 * 1024 + 13 }; /* more than two of tensor.c's pieces */

static void sizes(void **state)
{
    (void)state;
    Device d = {0};
    static const DType dtypes[] = {REAL, INT32, BF16, FP16, UINT8};
    static const size_t bytes[] = {sizeof(real), 4, 2, 2, 1};
    for (int k = 0; k < 5; k++) {
        Tensor t = tensor_new(&d, MEM_ACTIVATIONS, dtypes[k], 7), view = tensor_view(t, 3, 2);
        assert_int_equal(d.total, 7 * bytes[k]);
        assert_int_equal((char *)view.data - (char *)t.data, 3 * bytes[k]);
        tensor_free(&t);
    }
}

static void sums_in_all_mixtures(void **state)
{
    (void)state;
    static const DType dtypes[] = {REAL, BF16, FP16};
    Device d = {0};
    Tensor a = noise(&d, COUNT, 1, 1), b = noise(&d, COUNT, 2, 1e-2);
    for (int k = 0; k < 9; k++) {
        Tensor to = converted(&d, dtypes[k / 3], a), from = converted(&d, dtypes[k % 3], b), sum;
        Tensor wide_to = converted(&d, REAL, to), wide_from = converted(&d, REAL, from);
        size_t held = d.total;
        d.peak_total = 0;
        assert_true(tensor_sum_of_squares(to) == tensor_sum_of_squares(wide_to));
        tensor_add(to, from, WORK_ACCUMULATE);
        assert_int_equal(d.total, held);
        assert_int_equal(d.peak_total, 0); /* without workspace */
        for (int i = 0; i < COUNT; i++) reals(wide_to)[i] += reals(wide_from)[i];
        sum = converted(&d, to.dtype, wide_to);
        assert_memory_equal(to.data, sum.data, tensor_bytes(to));
        give_back((Tensor[]){to, from, sum, wide_to, wide_from}, 5);
    }
    Tensor half = converted(&d, BF16, a), same = converted(&d, BF16, b), other = converted(&d, FP16, half),
           zero;
    tensor_copy(same, half);
    assert_memory_equal(same.data, half.data, tensor_bytes(half));
    tensor_convert(same, other); /* bf16 by way of fp16 and back: 8 bits fit in 11, but not the smallest */
    for (int i = 0; i < COUNT; i++) {
        double x = (double)half_value(BF16, ((uint16_t *)half.data)[i]);
        if (fabs(x) > 1e-4) assert_true((double)half_value(BF16, ((uint16_t *)same.data)[i]) == x);
    }
    zero = constant(&d, COUNT, 0);
    tensor_zero(half);
    tensor_convert(a, half);
    assert_memory_equal(a.data, zero.data, tensor_bytes(a));
    give_back((Tensor[]){a, b, half, same, other, zero}, 6);
    assert_int_equal(d.total, 0);
}

/* What a kernel opens is in no ledger, and a REAL tensor is itself. */
static void wide_tensors(void **state)
{
    (void)state;
    for (int dry = 0; dry < 2; dry++)
        for (int k = 0; k < 2; k++) {
            Device d = {.dry = dry};
            Tensor t = tensor_new(&d, MEM_PARAMETERS, FORMATS[k], COUNT);
            tensor_zero(t);
            Tensor view = tensor_view(t, 3, 100), wide = wide_of(view), out = wide_for(view);
            assert_int_equal(d.total, COUNT * 2); /* `t` alone */
            assert_true(wide.dtype == REAL && wide.count == 100 && (wide.data == NULL) == dry);
            for (int i = 0; i < 100 && !dry; i++) {
                assert_true(reals(wide)[i] == 0);
                reals(out)[i] = (real)(1 + i / 1024.0 / 16);
            }
            wide_free(&wide, view);
            wide_store(&out, view);
            for (int i = 0; i < COUNT && !dry; i++) {
                uint16_t expected = i < 3 || i >= 103 ? 0 : nearest_to(FORMATS[k], 1 + (i - 3) / 1024.0 / 16);
                assert_int_equal(((uint16_t *)t.data)[i], expected);
            }
            assert_int_equal(d.peak_total, COUNT * 2);
            assert_true(!wide.device && !out.device);
            tensor_free(&t);

            t = tensor_new(&d, MEM_PARAMETERS, REAL, COUNT);
            wide = wide_of(t), out = wide_for(t);
            assert_true(wide.data == t.data && out.data == t.data);
            wide_free(&wide, t);
            wide_store(&out, t);
            assert_int_equal(d.total, COUNT * sizeof(real)); /* still there */
            tensor_free(&t);
            assert_int_equal(d.total, 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_values),           cmocka_unit_test(rounds_to_nearest_even),
        cmocka_unit_test(random_floats),        cmocka_unit_test(sizes),
        cmocka_unit_test(sums_in_all_mixtures), cmocka_unit_test(wide_tensors),
    };
    return cmocka_run_group_tests_name("half", tests, NULL, NULL);
}
