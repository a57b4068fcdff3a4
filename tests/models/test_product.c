/* test_product.c - products of every instruction set that this processor has, against sums in double, within the bound
 * that any BLAS keeps; and that a product cut into pieces is the whole, bit by bit. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/kernels/product.h"
#include "models/machine/error.h"
#include "tests/support/check.h"

typedef struct Shape {
    int64_t m, n, k, padding; /* values behind each row */
    bool ta, tb;
    float alpha, beta;
} Shape;

typedef struct Operands {
    Shape shape;
    float *a, *b, *c, *was;
    int64_t lda, ldb, ldc;
} Operands;

static uint64_t drawn;

static int64_t draw(int64_t below)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((drawn >> 33) % (uint64_t)below);
}

static float *values(int64_t count)
{
    float *v = allocate((size_t)count * sizeof *v);
    for (int64_t i = 0; i < count; i++) v[i] = (float)draw(2001) / 1000 - 1;
    return v;
}

static Operands operands(Shape s)
{
    Operands o = {.shape = s};
    o.lda = (s.ta ? s.m : s.k) + s.padding;
    o.ldb = (s.tb ? s.k : s.n) + s.padding;
    o.ldc = s.n + s.padding;
    o.a = values((s.ta ? s.k : s.m) * o.lda + 1);
    o.b = values((s.tb ? s.n : s.k) * o.ldb + 1);
    o.c = values(s.m * o.ldc + 1);
    o.was = values(s.m * o.ldc + 1);
    for (int64_t i = 0; i < s.m && s.beta == 0; i++)
        for (int64_t j = 0; j < s.n; j++) o.c[i * o.ldc + j] = NAN; /* is not read */
    memcpy(o.was, o.c, (size_t)(s.m * o.ldc + 1) * sizeof *o.c);
    return o;
}

static void free_operands(Operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
    free(o->was);
}

/* Rows and columns of C from (i, j) on. */
static void multiply(const ProductTiles *tiles, const Operands *o, int64_t i, int64_t m, int64_t j, int64_t n)
{
    const Shape *s = &o->shape;
    product(tiles, &(Product){.m = m,
                              .n = n,
                              .k = s->k,
                              .A = {o->a + (s->ta ? i : i * o->lda), o->lda, s->ta},
                              .B = {o->b + (s->tb ? j * o->ldb : j), o->ldb, s->tb},
                              .alpha = s->alpha,
                              .beta = s->beta,
                              .C = o->c + i * o->ldc + j,
                              .ldc = o->ldc});
}

/* |error| <= (k + 3) u sum of |a b|: Higham, Accuracy and Stability of Numerical Algorithms, section 3.5. */
static void assert_right(const Operands *o, const char *name)
{
    const Shape *s = &o->shape;
    for (int64_t i = 0; i < s->m; i++)
        for (int64_t j = 0; j < o->ldc; j++) {
            double was = (double)o->was[i * o->ldc + j], got = (double)o->c[i * o->ldc + j];
            double sum = j < s->n && s->beta != 0 ? (double)s->beta * was : 0, size = fabs(sum);
            for (int64_t p = 0; p < s->k && j < s->n; p++) {
                double term = (double)s->alpha * (double)o->a[s->ta ? p * o->lda + i : i * o->lda + p] *
                              (double)o->b[s->tb ? j * o->ldb + p : p * o->ldb + j];
                sum += term;
                size += fabs(term);
            }
            if (j >= s->n) sum = was; /* behind a row of C */
            if (!(fabs(got - sum) <= (double)(s->k + 3) * (FLT_EPSILON / 2) * size))
                fail_msg("%s, %lld x %lld x %lld%s%s, alpha %g, beta %g: C[%lld][%lld] is %g, not %g", name,
                         (long long)s->m, (long long)s->n, (long long)s->k, s->ta ? " A'" : "",
                         s->tb ? " B'" : "", (double)s->alpha, (double)s->beta, (long long)i, (long long)j,
                         got, sum);
        }
}

static Shape drawn_shape(int number)
{
    static const int64_t sides[] = {1, 2, 5, 6, 7, 14, 15, 16, 17, 31, 32, 33, 64, 97};
    enum { SIDES = sizeof sides / sizeof *sides };
    Shape s = {.m = sides[draw(SIDES)], .n = sides[draw(SIDES)], .k = sides[draw(SIDES)]};
    if (number % 10 == 0) s.k = PRODUCT_DEPTH + draw(2 * PRODUCT_DEPTH); /* in several blocks */
    if (number % 10 == 1) s.m = 90 + draw(200);
    if (number % 10 == 2) s.n = 500 + draw(600);
    s.padding = draw(3);
    s.ta = number & 1;
    s.tb = number & 2;
    s.alpha = number % 3 ? 1 : 0.25f;
    s.beta = (const float[]){0, 1, 0.5f}[number / 4 % 3];
    return s;
}

enum { SHAPES = 240 };

static void each(void (*check)(const ProductTiles *, Operands *))
{
    const ProductTiles *tiles[PRODUCT_TILES];
    int count = product_tiles(tiles);
    for (int t = 0; t < count; t++)
        for (int i = 0; i < SHAPES; i++) {
            Operands o = operands(drawn_shape(i));
            check(tiles[t], &o);
            free_operands(&o);
        }
}

static void check_sums(const ProductTiles *tiles, Operands *o)
{
    multiply(tiles, o, 0, o->shape.m, 0, o->shape.n);
    assert_right(o, product_tiles_name(tiles));
}

static void sums_are_right(void **state)
{
    (void)state;
    each(check_sums);
}

static void check_cut(const ProductTiles *tiles, Operands *o)
{
    const Shape *s = &o->shape;
    size_t bytes = (size_t)(s->m * o->ldc) * sizeof *o->c;
    int64_t m = draw(s->m + 1), n = draw(s->n + 1);
    float *whole = allocate(bytes);
    multiply(tiles, o, 0, s->m, 0, s->n);
    memcpy(whole, o->c, bytes);
    memcpy(o->c, o->was, bytes);
    multiply(tiles, o, 0, m, 0, n);
    multiply(tiles, o, m, s->m - m, 0, n);
    multiply(tiles, o, 0, s->m, n, s->n - n);
    assert_memory_equal(whole, o->c, bytes);
    free(whole);
}

/* However rows and columns are dealt to ranks. */
static void a_cut_product_has_the_bits_of_the_whole(void **state)
{
    (void)state;
    each(check_cut);
}

static void an_empty_sum_is_beta_c(void **state)
{
    (void)state;
    const ProductTiles *tiles[PRODUCT_TILES];
    int count = product_tiles(tiles);
    for (int t = 0; t < count; t++)
        for (int b = 0; b < 3; b++) {
            Operands o =
                operands((Shape){.m = 9, .n = 19, .alpha = 1, .beta = (const float[]){0, 1, 0.5f}[b]});
            multiply(tiles[t], &o, 0, 9, 0, 19);
            assert_right(&o, product_tiles_name(tiles[t]));
            free_operands(&o);
        }
}

static void what_was_chosen_is_said(void **state)
{
    (void)state;
    const ProductTiles *tiles[PRODUCT_TILES];
    product_tiles(tiles);
    assert_int_equal(strncmp(matmul_chosen(), "OpenBLAS, ", 10), 0);
    matmul_choose(MATMUL_OWN);
    assert_int_equal(strncmp(matmul_chosen(), "own, ", 5), 0);
    assert_string_equal(matmul_chosen() + 5, product_tiles_name(tiles[0]));
    matmul_choose(MATMUL_BLAS);
    assert_int_equal(strncmp(matmul_chosen(), "OpenBLAS, ", 10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_right),
        cmocka_unit_test(a_cut_product_has_the_bits_of_the_whole),
        cmocka_unit_test(an_empty_sum_is_beta_c),
        cmocka_unit_test(what_was_chosen_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
