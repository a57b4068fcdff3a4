/* operands.c - drawn, multiplied, and added up again in double. */
#include "tests/support/operands.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/half_bits.h"
#include "tests/support/check.h"

static uint64_t drawn;

int64_t draw_below(int64_t below)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((drawn >> 33) % (uint64_t)below);
}

size_t values_bytes(DType type, int64_t count)
{
    return (size_t)count * (is_half(type) ? sizeof(uint16_t) : sizeof(float));
}

static void widen(Values *v)
{
    const uint16_t *half = v->stored;
    for (int64_t i = 0; i < v->count && is_half(v->type); i++)
        v->wide[i] = v->type == BF16 ? bf16_value(half[i]) : fp16_value(half[i]);
    if (!is_half(v->type)) memcpy(v->wide, v->stored, values_bytes(REAL, v->count));
}

Values values_new(DType type, int64_t rows, int64_t ld)
{
    Values v = {.type = type, .count = rows * ld + 1, .ld = ld};
    v.stored = allocate(values_bytes(type, v.count));
    v.wide = allocate(values_bytes(REAL, v.count));
    for (int64_t i = 0; i < v.count; i++) v.wide[i] = (float)draw_below(2001) / 1000 - 1;
    uint16_t *half = v.stored;
    for (int64_t i = 0; i < v.count && is_half(type); i++)
        half[i] = type == BF16 ? bf16_nearest(v.wide[i]) : fp16_nearest(v.wide[i]);
    if (!is_half(type)) memcpy(v.stored, v.wide, values_bytes(REAL, v.count));
    widen(&v);
    return v;
}

void values_free(Values *v)
{
    free(v->stored);
    free(v->wide);
}

void values_set(Values *v, const Values *to)
{
    memcpy(v->stored, to->stored, values_bytes(v->type, v->count));
    memcpy(v->wide, to->wide, values_bytes(REAL, v->count));
}

Operands operands_new(Shape s)
{
    Operands o = {.shape = s};
    o.a = values_new(s.a, s.ta ? s.k : s.m, (s.ta ? s.m : s.k) + s.padding);
    o.b = values_new(s.b, s.tb ? s.n : s.k, (s.tb ? s.k : s.n) + s.padding);
    o.c = values_new(s.c, s.m, s.n + s.padding);
    o.was = values_new(s.c, s.m, s.n + s.padding);
    o.bias = values_new(s.b, 1, s.n);
    for (int64_t i = 0; i < s.m && s.beta == 0; i++)
        for (int64_t j = 0; j < s.n; j++) /* is not read: NaN, in either type */
            memset((char *)o.c.stored + values_bytes(s.c, i * o.c.ld + j), 0xff, values_bytes(s.c, 1));
    widen(&o.c);
    values_set(&o.was, &o.c);
    return o;
}

void operands_free(Operands *o)
{
    values_free(&o->a);
    values_free(&o->b);
    values_free(&o->c);
    values_free(&o->was);
    values_free(&o->bias);
}

void *values_at(const Values *v, bool wide, int64_t first)
{
    return wide ? (void *)(v->wide + first) : (char *)v->stored + values_bytes(v->type, first);
}

/* m rows of C from i on, and n columns from j on. */
typedef struct Part {
    int64_t i, m, j, n;
} Part;

static Part whole(const Operands *o)
{
    return (Part){0, o->shape.m, 0, o->shape.n};
}

/* As stored, or of the same numbers in fp32. */
static void multiply_as(const ProductTiles *tiles, const Operands *o, bool wide, Part part, Causal causal)
{
    const Shape *s = &o->shape;
    const int64_t i = part.i, j = part.j;
    product(
        tiles,
        &(Product){.m = part.m,
                   .n = part.n,
                   .k = s->k,
                   .A = {values_at(&o->a, wide, s->ta ? i : i * o->a.ld), o->a.ld, s->ta, wide ? REAL : s->a},
                   .B = {values_at(&o->b, wide, s->tb ? j * o->b.ld : j), o->b.ld, s->tb, wide ? REAL : s->b},
                   .alpha = s->alpha,
                   .beta = s->beta,
                   .C = {values_at(&o->c, wide, i * o->c.ld + j), o->c.ld, wide ? REAL : s->c},
                   .bias = s->biased ? values_at(&o->bias, wide, j) : NULL,
                   .bias_type = wide ? REAL : s->b,
                   .causal = causal});
}

void operands_multiply(const ProductTiles *tiles, Operands *o, int64_t i, int64_t m, int64_t j, int64_t n)
{
    multiply_as(tiles, o, false, (Part){i, m, j, n}, (Causal){CAUSAL_NONE, 0});
    widen(&o->c);
}

void operands_multiply_causal(const ProductTiles *tiles, Operands *o, Causal causal)
{
    multiply_as(tiles, o, false, whole(o), causal);
    widen(&o->c);
}

/* What C's type rounds off at most. */
static double rounding(DType type, double x)
{
    static const double unit[] = {[REAL] = 0, [BF16] = 0x1p-8, [FP16] = 0x1p-11};
    return unit[type] * fabs(x) + (type == FP16 ? 0x1p-25 : 0);
}

void operands_multiply_wide(const ProductTiles *tiles, Operands *o)
{
    multiply_as(tiles, o, true, whole(o), (Causal){CAUSAL_NONE, 0});
}

/* What has to be at C[i][j]; and the sum of sizes that its error is a part of. */
static double sum_at(const Operands *o, int64_t i, int64_t j, double *size)
{
    const Shape *s = &o->shape;
    int64_t lda = o->a.ld, ldb = o->b.ld;
    double sum = s->beta != 0 ? (double)s->beta * (double)o->was.wide[i * o->c.ld + j] : 0;
    *size = fabs(sum);
    if (s->biased) sum += (double)o->bias.wide[j], *size += fabs((double)o->bias.wide[j]);
    for (int64_t p = 0; p < s->k; p++) {
        double term = (double)s->alpha * (double)o->a.wide[s->ta ? p * lda + i : i * lda + p] *
                      (double)o->b.wide[s->tb ? j * ldb + p : p * ldb + j];
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

void operands_forget(Operands *o, int64_t first)
{
    double size;
    for (int64_t i = 0; i < o->shape.m; i++)
        for (int64_t j = i + first + 1; j < o->shape.n; j++)
            o->c.wide[i * o->c.ld + j] = (float)sum_at(o, i, j, &size);
}

void operands_assert_right(const Operands *o, const char *name)
{
    const Shape *s = &o->shape;
    int64_t ldc = o->c.ld;
    for (int64_t i = 0; i < s->m; i++)
        for (int64_t j = 0; j < ldc; j++) {
            double got = (double)o->c.wide[i * ldc + j], sum = (double)o->was.wide[i * ldc + j], error = 0;
            if (j < s->n) { /* not behind a row of C */
                double size;
                sum = sum_at(o, i, j, &size);
                error = (double)(s->k + 4) * (FLT_EPSILON / 2) * size;
                error += rounding(s->c, fabs(sum) + error);
            }
            if (!(fabs(got - sum) <= error))
                fail_msg("%s, types %d %d %d, %lld x %lld x %lld%s%s, alpha %g, beta %g%s: C[%lld][%lld] is "
                         "%g, not %g",
                         name, s->a, s->b, s->c, (long long)s->m, (long long)s->n, (long long)s->k,
                         s->ta ? " A'" : "", s->tb ? " B'" : "", (double)s->alpha, (double)s->beta,
                         s->biased ? ", biased" : "", (long long)i, (long long)j, got, sum);
        }
}

Shape drawn_shape(int number)
{
    static const int64_t sides[] = {1, 2, 5, 6, 7, 14, 15, 16, 17, 31, 32, 33, 64, 97};
    enum { SIDES = sizeof sides / sizeof *sides };
    Shape s = {.m = sides[draw_below(SIDES)], .n = sides[draw_below(SIDES)], .k = sides[draw_below(SIDES)]};
    if (number % 10 == 0) s.k = PRODUCT_DEPTH + draw_below(2 * PRODUCT_DEPTH); /* in several blocks */
    if (number % 10 == 1) s.m = 90 + draw_below(200);
    if (number % 10 == 2) s.n = 500 + draw_below(600);
    s.padding = draw_below(3);
    s.ta = number & 1;
    s.tb = number & 2;
    s.alpha = number % 3 ? 1 : 0.3f;
    s.beta = (const float[]){0, 1, 0.7f}[number / 4 % 3];
    s.biased = number % 5 < 2;
    return s;
}
