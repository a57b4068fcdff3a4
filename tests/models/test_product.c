/* test_product.c - products of every instruction set that this processor has, of factors of every type, against sums in
 * double, within the bound that any BLAS keeps; and that a product cut into pieces is the whole, bit by bit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/kernels/openblas.h"
#include "models/machine/error.h"
#include "models/machine/half.h"
#include "tests/support/check.h"
#include "tests/support/operands.h"

static DType drawn_type(void)
{
    return (const DType[]){REAL, BF16, FP16}[draw_below(3)];
}

enum { SHAPES = 240 };

/* Of `shapes` shapes, in fp32 or in a mixture of types. */
static void each(int shapes, bool mixed, void (*check)(const ProductTiles *, Operands *))
{
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (int i = 0; i < shapes && product_runs(tiles); i++) {
            Shape s = drawn_shape(i);
            if (mixed) s.a = drawn_type(), s.b = drawn_type(), s.c = drawn_type();
            if (mixed && !product_takes(tiles, s.a, s.b)) s.a = s.b = BF16;
            if (!product_takes(tiles, s.a, s.b)) continue;
            Operands o = operands_new(s);
            check(tiles, &o);
            operands_free(&o);
        }
}

static void check_sums(const ProductTiles *tiles, Operands *o)
{
    operands_multiply(tiles, o, 0, o->shape.m, 0, o->shape.n);
    operands_assert_right(o, product_tiles_name(tiles));
}

static void sums_are_right(void **state)
{
    (void)state;
    each(SHAPES, false, check_sums);
    each(SHAPES, true, check_sums);
}

static void check_cut(const ProductTiles *tiles, Operands *o)
{
    const Shape *s = &o->shape;
    int64_t m = draw_below(s->m + 1), n = draw_below(s->n + 1);
    size_t bytes = values_bytes(s->c, o->c.count);
    char *whole = allocate(bytes);
    operands_multiply(tiles, o, 0, s->m, 0, s->n);
    memcpy(whole, o->c.stored, bytes);
    values_set(&o->c, &o->was);
    operands_multiply(tiles, o, 0, m, 0, n);
    operands_multiply(tiles, o, m, s->m - m, 0, n);
    operands_multiply(tiles, o, 0, s->m, n, s->n - n);
    assert_memory_equal(whole, o->c.stored, bytes);
    free(whole);
}

/* However rows and columns are dealt to ranks. */
static void a_cut_product_has_the_bits_of_the_whole(void **state)
{
    (void)state;
    each(SHAPES, false, check_cut);
    each(SHAPES, true, check_cut);
}

/* Of those that take any types: where bf16 is multiplied as it is, sums have an order of their own. */
static void check_widened(const ProductTiles *tiles, Operands *o)
{
    if (!product_takes(tiles, REAL, REAL)) return;
    operands_multiply(tiles, o, 0, o->shape.m, 0, o->shape.n);
    char *stored = allocate(values_bytes(o->c.type, o->c.count));
    memcpy(stored, o->c.stored, values_bytes(o->c.type, o->c.count));
    values_set(&o->c, &o->was);
    operands_multiply_wide(tiles, o);
    size_t bytes = values_bytes(o->c.type, o->c.count);
    char *rounded = allocate(bytes);
    if (is_half(o->c.type))
        half_round(o->c.type, o->c.wide, (uint16_t *)rounded, o->c.count);
    else
        memcpy(rounded, o->c.wide, bytes);
    assert_memory_equal(rounded, stored, bytes);
    free(stored);
    free(rounded);
}

/* Of either form, beside many: kept by the tiles that read them first, and rows along k where they lie, or kept where they
 * are 4 KiB apart. Of more than a block, and with tiles that are cut short. */
static void strips_are_read_in_any_way(void **state)
{
    (void)state;
    enum { APART = 1024 };
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (int form = 0; form < 8 && product_runs(tiles); form++) {
            Shape s = {.m = 199, .n = 203, .k = PRODUCT_DEPTH + 9, .alpha = 1, .beta = 0.5f};
            s.ta = form & 1, s.tb = form & 2;
            s.padding = form & 4 ? APART - s.k : 0;
            if (!product_takes(tiles, REAL, REAL)) continue;
            Operands o = operands_new(s);
            check_cut(tiles, &o);
            values_set(&o.c, &o.was);
            check_sums(tiles, &o);
            operands_free(&o);
        }
}

/* Widened as they are packed, or before. */
static void sixteen_bits_are_the_same_numbers_in_fp32_to_the_bit(void **state)
{
    (void)state;
    each(SHAPES, true, check_widened);
}

/* Sums that stay open over several blocks of k, of more rows than stay open at a time. */
static void sums_of_many_blocks_are_rounded_once(void **state)
{
    (void)state;
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (DType type = BF16; type <= FP16 && product_runs(tiles) && product_takes(tiles, type, type);
             type++) {
            bool wide = product_takes(tiles, REAL, REAL);
            Operands o = operands_new((Shape){.m = 401,
                                              .n = 37,
                                              .k = wide ? 2 * PRODUCT_DEPTH + 1 : PRODUCT_DEPTH_BF16 + 1,
                                              .alpha = 1,
                                              .beta = 0.5f,
                                              .a = type,
                                              .b = type,
                                              .c = type});
            check_widened(tiles, &o);
            values_set(&o.c, &o.was);
            check_sums(tiles, &o);
            operands_free(&o);
        }
}

/* What is packed lies where what was packed before did: here NaN. */
static void no_product_feels_the_one_before(void **state)
{
    (void)state;
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (int form = 0; form < 4 && product_runs(tiles); form++) {
            Shape s = {.m = 97, .n = 600, .k = PRODUCT_DEPTH, .alpha = 1, .a = BF16, .b = BF16};
            Operands before = operands_new(s);
            memset(before.a.stored, 0xff, values_bytes(BF16, before.a.count));
            memset(before.b.stored, 0xff, values_bytes(BF16, before.b.count));
            operands_multiply(tiles, &before, 0, s.m, 0, s.n);
            s.m = 9, s.n = 19, s.k = 5, s.ta = form & 1, s.tb = form & 2;
            Operands o = operands_new(s);
            check_sums(tiles, &o);
            operands_free(&before);
            operands_free(&o);
        }
}

/* Rounded into either type, in whole tiles and in those that are cut short. */
static void what_is_no_number_stays_so(void **state)
{
    (void)state;
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (DType type = BF16; type <= FP16 && product_runs(tiles); type++) {
            Shape s = {.m = 40, .n = 70, .k = 9, .alpha = 1, .a = BF16, .b = BF16, .c = type};
            Operands o = operands_new(s);
            for (int64_t p = 0; p < s.k; p++) { /* rows 1 and 33 NaN, rows 2 and 34 infinite: all of B is 1 */
                for (int64_t j = 0; j < s.n; j++) ((uint16_t *)o.b.stored)[p * o.b.ld + j] = 0x3f80;
                for (int64_t i = 1; i < s.m; i += 32) {
                    ((uint16_t *)o.a.stored)[i * o.a.ld + p] = 0x7f81;
                    ((uint16_t *)o.a.stored)[(i + 1) * o.a.ld + p] = 0xff80;
                }
            }
            operands_multiply(tiles, &o, 0, s.m, 0, s.n);
            for (int64_t i = 0; i < s.m; i++)
                for (int64_t j = 0; j < s.n; j++) {
                    float c = o.c.wide[i * o.c.ld + j];
                    if (i % 32 == 1)
                        assert_true(isnan(c));
                    else if (i % 32 == 2)
                        assert_true(isinf(c) && c < 0);
                    else
                        assert_true(isfinite(c));
                }
            operands_free(&o);
        }
}

static void an_empty_sum_is_beta_c(void **state)
{
    (void)state;
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        for (int b = 0; b < 6 && product_runs(tiles); b++) {
            DType type = product_takes(tiles, REAL, REAL) ? REAL : BF16;
            Operands o = operands_new((Shape){.m = 9,
                                              .n = 19,
                                              .alpha = 1,
                                              .beta = (const float[]){0, 1, 0.5f}[b % 3],
                                              .a = type,
                                              .b = type,
                                              .c = b < 3 ? REAL : BF16});
            operands_multiply(tiles, &o, 0, 9, 0, 19);
            operands_assert_right(&o, product_tiles_name(tiles));
            operands_free(&o);
        }
}

static Tensor tensor_of(const Values *v, Device *device, bool wide, int64_t count)
{
    return (Tensor){.device = device,
                    .data = values_at(v, wide, 0),
                    .count = count,
                    .dtype = wide ? REAL : v->type,
                    .category = MEM_ACTIVATIONS};
}

/* As a run multiplies that asks for our own: whole, into a C that is open, and some rows. */
static void tensors_of_16_bits_are_multiplied_as_they_are(void **state)
{
    (void)state;
    Device device = {0};
    matmul_choose(MATMUL_OWN);
    for (int form = 0; form < 16; form++) {
        const RowBlocks rows = {.first = 1, .rows = 8, .apart = 12, .blocks = 3, .of = 3, .out = 1};
        bool open = form & 4, some = form & 8;
        DType type = form & 1 ? BF16 : FP16;
        Shape s = {.m = 40,
                   .n = 19,
                   .k = 500,
                   .ta = !some && form & 2,
                   .tb = form & 2,
                   .alpha = 1,
                   .beta = !some && form & 1,
                   .a = type,
                   .b = type,
                   .c = type};
        Operands o = operands_new(s), by_tensors = o;
        by_tensors.c = values_new(type, s.m, s.n);
        values_set(&by_tensors.c, &o.c);
        Matrix A = matrix(tensor_of(&o.a, &device, false, s.m * s.k), s.ta ? s.k : s.m, s.ta ? s.m : s.k),
               B = matrix(tensor_of(&o.b, &device, false, s.k * s.n), s.tb ? s.n : s.k, s.tb ? s.k : s.n);
        A.transposed = s.ta, B.transposed = s.tb;
        Tensor C = tensor_of(&by_tensors.c, &device, false, s.m * s.n),
               wide = tensor_of(&by_tensors.c, &device, true, C.count);
        if (some)
            (open ? matmul_rows_open(A, B, rows, C, wide) : matmul_rows(A, B, rows, C));
        else
            (open ? matmul_open(A, B, s.beta, C, wide) : matmul(A, B, s.beta, C));
        if (open) half_round(type, by_tensors.c.wide, by_tensors.c.stored, C.count);
        for (int64_t i = 0; i < (some ? 3 : 1); i++)
            if (!some || i != rows.out)
                operands_multiply(product_fastest(type, type), &o, some ? 1 + 12 * i : 0, some ? 8 : s.m, 0,
                                  s.n);
        assert_memory_equal(by_tensors.c.stored, o.c.stored, values_bytes(type, C.count));
        values_free(&by_tensors.c);
        operands_free(&o);
    }
    matmul_choose(MATMUL_BLAS);
}

/* The bits of a sum that is stored, and of a bias that is added to it then, both rounded once; reported as two kernels. */
static void a_bias_is_added_to_the_whole_sum(void **state)
{
    (void)state;
    matmul_choose(MATMUL_OWN);
    for (int form = 0; form < 4; form++) {
        DType type = form & 1 ? BF16 : REAL;
        bool biased = form & 2;
        Device device = {0};
        Shape s = {.m = 23, .n = 37, .k = PRODUCT_DEPTH + 9, .alpha = 1, .a = type, .b = type};
        Operands o = operands_new(s);
        operands_multiply(product_fastest(type, type), &o, 0, s.m, 0, s.n);
        for (int64_t i = 0; i < s.m * s.n && biased; i++) o.c.wide[i] += o.bias.wide[i % s.n];
        Values y = values_new(type, s.m, s.n), sums = values_new(type, s.m, s.n);
        if (type == BF16)
            half_round(BF16, o.c.wide, sums.stored, s.m * s.n);
        else
            memcpy(sums.stored, o.c.wide, values_bytes(REAL, s.m * s.n));
        linear_forward(tensor_of(&o.a, &device, false, s.m * s.k), tensor_of(&o.b, &device, false, s.k * s.n),
                       tensor_of(&o.bias, &device, false, biased ? s.n : 0),
                       tensor_of(&y, &device, false, s.m * s.n), s.m, s.k, s.n);
        assert_memory_equal(y.stored, sums.stored, values_bytes(type, s.m * s.n));
        assert_true((device.done[WORK_BIAS].flops > 0) == biased);
        values_free(&y);
        values_free(&sums);
        operands_free(&o);
    }
    matmul_choose(MATMUL_BLAS);
}

static void what_was_chosen_is_said(void **state)
{
    (void)state;
    static const char blas[] = "OpenBLAS, ";
    assert_int_equal(strncmp(matmul_chosen(), blas, strlen(blas)), 0);
    char said[64], automatic[160];
    snprintf(said, sizeof said, "%s", matmul_chosen());
    matmul_choose(MATMUL_OWN);
    const char *name = product_tiles_name(product_fastest(REAL, REAL)),
               *bf16 = product_tiles_name(product_fastest(BF16, BF16));
    char expected[64];
    snprintf(expected, sizeof expected, strcmp(name, bf16) == 0 ? "own, %s" : "own, %s and %s for bf16", name,
             bf16);
    assert_string_equal(matmul_chosen(), expected);
    snprintf(automatic, sizeof automatic, "%s; causal and of 16 bits %s", said, expected);
    int lanes = product_lanes(product_fastest(REAL, REAL));
    bool all = lanes == 16 || openblas_lanes(said + strlen(blas)) < lanes;
    matmul_choose(MATMUL_AUTO);
    assert_string_equal(matmul_chosen(), all ? expected : automatic);
    matmul_choose(MATMUL_BLAS);
    assert_string_equal(matmul_chosen(), said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_right),
        cmocka_unit_test(a_cut_product_has_the_bits_of_the_whole),
        cmocka_unit_test(strips_are_read_in_any_way),
        cmocka_unit_test(sixteen_bits_are_the_same_numbers_in_fp32_to_the_bit),
        cmocka_unit_test(sums_of_many_blocks_are_rounded_once),
        cmocka_unit_test(no_product_feels_the_one_before),
        cmocka_unit_test(what_is_no_number_stays_so),
        cmocka_unit_test(an_empty_sum_is_beta_c),
        cmocka_unit_test(tensors_of_16_bits_are_multiplied_as_they_are),
        cmocka_unit_test(a_bias_is_added_to_the_whole_sum),
        cmocka_unit_test(what_was_chosen_is_said),
    };
    const ProductTiles *tiles;
    for (int t = 0; (tiles = product_tiles(t)); t++)
        printf("# %s: %s\n", product_tiles_name(tiles),
               product_runs(tiles) ? "run" : "skipped, not in this processor");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
