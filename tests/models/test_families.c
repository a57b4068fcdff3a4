/* test_families.c - the kernels GPT-2 has not: RMSNorm, ReLU, SiLU, SwiGLU,
 * sinusoidal and rotary positions; values against plain loops in double,
 * backward against finite differences. */
#include <math.h>
#include <stdlib.h>
#include "models/kernels/attention.h"
#include "models/kernels/kernels.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

/* ---- RMSNorm ---- */

typedef struct Norm {
    int64_t n, C;
    Tensor x, gain, y, weights;
} Norm;

static double norm_loss(void *context)
{
    Norm *l = context;
    norm_forward(NORM_RMSNORM, l->x, l->gain, (Tensor){0}, l->y);
    return weighted(l->weights, l->y);
}

static void rmsnorm(void **state)
{
    (void)state;
    static const int64_t widths[] = {5, 16, 37}; /* below, at and above the 16 lanes, with a tail */
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        Norm l = {.n = 6, .C = widths[w]};
        int64_t count = l.n * l.C;
        l.x = noise(&device, count, 1, 2), l.gain = noise(&device, l.C, 2, 1);
        l.y = constant(&device, count, NAN), l.weights = noise(&device, count, 4, 1);
        for (int64_t j = 0; j < l.C; j++) reals(l.x)[j] *= (real)0.1; /* a row in which epsilon is felt */
        double *expected = doubles(count);
        for (int64_t i = 0; i < l.n; i++) {
            const real *x = reals(l.x) + i * l.C;
            double squares = 0;
            for (int64_t j = 0; j < l.C; j++) squares += (double)x[j] * (double)x[j];
            for (int64_t j = 0; j < l.C; j++)
                expected[i * l.C + j] =
                    (double)x[j] / sqrt(squares / (double)l.C + 1e-5) * (double)reals(l.gain)[j];
        }
        norm_loss(&l);
        assert_below(distance(l.y, expected), VALUE_TOLERANCE);
        free(expected);
        tensor_free(&l.x);
        l.x = noise(&device, count, 1, 2);
        Tensor dx = constant(&device, count, 1), dgain = constant(&device, l.C, 1);
        norm_backward(NORM_RMSNORM, l.weights, l.x, l.gain, dx, dgain, (Tensor){0}); /* adds to dx, too */
        assert_gradient(norm_loss, &l, l.x, dx, 1);
        assert_gradient(norm_loss, &l, l.gain, dgain, 1);
        give_back((Tensor[]){l.x, l.gain, l.y, l.weights, dx, dgain}, 6);
    }
}

/* ---- ReLU and SiLU ---- */

typedef struct Pointwise {
    void (*forward)(Tensor x, Tensor y);
    void (*backward)(Tensor x, Tensor dy, Tensor dx);
    double (*plain)(double x);
    void (*forward_slope)(Tensor x, Tensor y); /* NULL: it has none */
    void (*backward_slope)(Tensor slope, Tensor dy, Tensor dx);
} Pointwise;

static double plain_relu(double x)
{
    return x > 0 ? x : 0;
}

static double plain_silu(double x)
{
    return x / (1 + exp(-x));
}

typedef struct Probe {
    const Pointwise *a;
    Tensor x, y, weights;
} Probe;

static double pointwise_loss(void *context)
{
    Probe *p = context;
    p->a->forward(p->x, p->y);
    return weighted(p->weights, p->y);
}

static void activations(void **state)
{
    (void)state;
    static const Pointwise all[] = {
        {relu_forward, relu_backward, plain_relu, NULL, NULL},
        {silu_forward, silu_backward, plain_silu, silu_forward_slope, silu_backward_slope}};
    enum { COUNT = 402 };
    for (int which = 0; which < 2; which++) {
        Probe p = {&all[which], constant(&device, COUNT, 0), constant(&device, COUNT, NAN),
                   noise(&device, COUNT, 1, 1)};
        double expected[COUNT];
        for (int i = 0; i < COUNT; i++) { /* -40.1 .. 40.1, no nearer to ReLU's corner than 0.1 */
            reals(p.x)[i] = (real)(0.2 * (i - 201) + 0.1);
            expected[i] = p.a->plain((double)reals(p.x)[i]);
        }
        pointwise_loss(&p);
        for (int i = 0; i < COUNT; i++)
            assert_below(fabs((double)reals(p.y)[i] - expected[i]),
                         VALUE_TOLERANCE * fmax(1, fabs(expected[i])));
        Tensor d = noise(&device, COUNT, 1, 1), dx = constant(&device, COUNT, NAN);
        p.a->backward(p.x, d, dx);
        assert_gradient(pointwise_loss, &p, p.x, dx, 0);
        Tensor whole = constant(&device, COUNT, NAN);
        p.a->backward(p.x, d, whole);
        p.a->backward(p.x, d, d); /* in place */
        assert_memory_equal(d.data, whole.data, tensor_bytes(d));
        if (p.a->forward_slope) {
            Tensor again = noise(&device, COUNT, 1, 1);
            pointwise_loss(&p);
            p.a->forward_slope(p.x, d);
            assert_memory_equal(d.data, p.y.data, tensor_bytes(d));
            p.a->backward_slope(p.x, again, again);
            assert_memory_equal(again.data, whole.data, tensor_bytes(d));
            tensor_free(&again);
        }
        give_back((Tensor[]){p.x, p.y, p.weights, d, dx, whole}, 6);
    }
}

/* ---- SwiGLU ---- */

typedef struct Gated {
    int64_t n, F;
    Tensor x, y, weights;
} Gated;

static double gated_loss(void *context)
{
    Gated *g = context;
    swiglu_forward(g->x, g->y, g->n, g->F);
    return weighted(g->weights, g->y);
}

static void swiglu(void **state)
{
    (void)state;
    Gated g = {.n = 5, .F = 19};
    int64_t count = g.n * g.F;
    g.x = noise(&device, 2 * count, 1, 2), g.y = constant(&device, count, NAN),
    g.weights = noise(&device, count, 2, 1);
    double *expected = doubles(count);
    for (int64_t i = 0; i < count; i++) {
        const real *gate = reals(g.x) + i / g.F * 2 * g.F + i % g.F;
        expected[i] = plain_silu((double)gate[0]) * (double)gate[g.F];
    }
    gated_loss(&g);
    assert_below(distance(g.y, expected), VALUE_TOLERANCE);
    free(expected);
    Tensor dx = constant(&device, 2 * count, NAN);
    swiglu_backward(g.x, g.weights, dx, g.n, g.F);
    assert_gradient(gated_loss, &g, g.x, dx, 0);
    double *gradient = doubles(2 * count);
    for (int64_t i = 0; i < 2 * count; i++) gradient[i] = (double)reals(dx)[i];
    Tensor y = constant(&device, count, NAN);
    gated_loss(&g);
    swiglu_forward_slope(g.x, y, g.n, g.F);
    assert_memory_equal(y.data, g.y.data, tensor_bytes(y));
    swiglu_backward_slope(g.x, g.weights, dx, g.n, g.F);
    assert_below(distance(dx, gradient), VALUE_TOLERANCE);
    free(gradient);
    give_back((Tensor[]){g.x, g.y, g.weights, dx, y}, 5);
}

/* ---- positions ---- */

static void sinusoidal(void **state)
{
    (void)state;
    enum { B = 2, T = 5, FIRST = 3 };
    for (int64_t C = 7; C <= 8; C++) {
        Tensor y = constant(&device, B * T * C, 2);
        double *expected = doubles(y.count);
        for (int64_t i = 0; i < y.count; i++) {
            int64_t place = FIRST + i / C % T, pair = i % C / 2;
            double angle = (double)place / pow(10000, (double)(2 * pair) / (double)C);
            expected[i] = 2 * sqrt((double)C) + (i % C % 2 ? cos(angle) : sin(angle));
        }
        sinusoidal_forward(FIRST, y, B, T, C);
        assert_below(distance(y, expected), VALUE_TOLERANCE);
        for (int64_t i = 0; i < y.count; i++) expected[i] = (double)reals(y)[i] * sqrt((double)C);
        sinusoidal_backward(y, C);
        assert_below(distance(y, expected), VALUE_TOLERANCE);
        free(expected);
        tensor_free(&y);
    }
}

/* As Hugging Face writes it: x cos + rotate_half(x) sin, with rotate_half(x) = [-x2, x1] of x = [x1, x2]. */
static void rope(void **state)
{
    (void)state;
    AttentionShape s = {.B = 2, .T = 5, .heads = 4, .kv_heads = 2, .hd = 6, .hd_v = 6};
    enum { FIRST = 7, BASE = 500 };
    int64_t ld = attention_width(s), half = s.hd / 2, count = s.B * s.T * ld;
    Tensor x = noise(&device, count, 1, 1), y = constant(&device, count, 0);
    tensor_copy(y, x);
    rope_forward(attention_rotary(s), y, FIRST, BASE);
    double *expected = doubles(count);
    for (int64_t i = 0; i < count; i++) {
        int64_t j = i % s.hd;
        double angle = (double)(FIRST + i / ld % s.T) * pow(BASE, -2 * (double)(j % half) / (double)s.hd);
        double half_turned = j < half ? -(double)reals(x)[i + half] : (double)reals(x)[i - half];
        bool value = i % ld >= (s.heads + s.kv_heads) * s.hd;
        expected[i] =
            value ? (double)reals(x)[i] : (double)reals(x)[i] * cos(angle) + half_turned * sin(angle);
    }
    assert_below(distance(y, expected), VALUE_TOLERANCE);
    rope_backward(attention_rotary(s), y, FIRST, BASE); /* what forward turned, back */
    for (int64_t i = 0; i < count; i++) expected[i] = (double)reals(x)[i];
    assert_below(distance(y, expected), VALUE_TOLERANCE);
    free(expected);
    give_back((Tensor[]){x, y}, 2);
}

/* Interleaved, of the last numbers of each head: with (x[2j], x[2j + 1]) as a complex number, times e^(i angle). */
static void rope_interleaved(void **state)
{
    (void)state;
    RotaryShape s = {.B = 2, .T = 5, .width = 17, .heads = 2, .hd = 7, .turned = 4, .interleaved = true};
    enum { FIRST = 3, BASE = 500 };
    int64_t count = s.B * s.T * s.width;
    Tensor x = noise(&device, count, 1, 1), y = constant(&device, count, 0);
    tensor_copy(y, x);
    rope_forward(s, y, FIRST, BASE);
    double *expected = doubles(count);
    for (int64_t i = 0; i < count; i++) expected[i] = (double)reals(x)[i];
    for (int64_t row = 0; row < s.B * s.T; row++)
        for (int64_t h = 0; h < s.heads; h++)
            for (int64_t j = 0; 2 * j < s.turned; j++) {
                double *at = expected + row * s.width + h * s.hd + s.hd - s.turned + 2 * j, a = at[0],
                       b = at[1];
                double angle = (double)(FIRST + row % s.T) * pow(BASE, -2 * (double)j / (double)s.turned);
                at[0] = a * cos(angle) - b * sin(angle);
                at[1] = a * sin(angle) + b * cos(angle);
            }
    assert_below(distance(y, expected), VALUE_TOLERANCE);
    rope_backward(s, y, FIRST, BASE);
    for (int64_t i = 0; i < count; i++) expected[i] = (double)reals(x)[i];
    assert_below(distance(y, expected), VALUE_TOLERANCE);
    free(expected);
    give_back((Tensor[]){x, y}, 2);
}

typedef struct Turned {
    AttentionShape s;
    Tensor x, y, weights;
} Turned;

static double rope_loss(void *context)
{
    Turned *r = context;
    tensor_copy(r->y, r->x);
    rope_forward(attention_rotary(r->s), r->y, 2, 10000);
    return weighted(r->weights, r->y);
}

/* The gradient; and a score depends on how far apart query and key stand, not on where. */
static void rope_backward_and_distance(void **state)
{
    (void)state;
    Turned r = {.s = {.B = 1, .T = 4, .heads = 2, .kv_heads = 1, .hd = 4, .hd_v = 4}};
    int64_t ld = attention_width(r.s), count = r.s.T * ld;
    r.x = noise(&device, count, 1, 1), r.y = constant(&device, count, 0),
    r.weights = noise(&device, count, 2, 1);
    Tensor dx = constant(&device, count, 0), far = constant(&device, count, 0);
    tensor_copy(dx, r.weights);
    rope_backward(attention_rotary(r.s), dx, 2, 10000);
    assert_gradient(rope_loss, &r, r.x, dx, 0);
    rope_loss(&r);
    tensor_copy(far, r.x);
    rope_forward(attention_rotary(r.s), far, 50, 10000);
    double here = 0, there = 0;
    for (int64_t j = 0; j < r.s.hd; j++) { /* the first head's query at 3, the key at 1 */
        here += (double)reals(r.y)[3 * ld + j] * (double)reals(r.y)[ld + 2 * r.s.hd + j];
        there += (double)reals(far)[3 * ld + j] * (double)reals(far)[ld + 2 * r.s.hd + j];
    }
    assert_below(fabs(here - there), 10 * VALUE_TOLERANCE);
    give_back((Tensor[]){r.x, r.y, r.weights, dx, far}, 5);
}

static void nothing_leaks(void **state)
{
    (void)state;
    assert_true(device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rmsnorm),
        cmocka_unit_test(activations),
        cmocka_unit_test(swiglu),
        cmocka_unit_test(sinusoidal),
        cmocka_unit_test(rope),
        cmocka_unit_test(rope_interleaved),
        cmocka_unit_test(rope_backward_and_distance),
        cmocka_unit_test(nothing_leaks),
    };
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
