/* test_kernels.c - every kernel against a plain loop in double, and its backward
 * against finite differences of its forward. Attention has test_attention.c.
 *
 * Before a backward, parameter gradients hold 1 (they are added to) and input
 * gradients NaN (they are written), unless kernels.h says otherwise. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

/* ---- matmul and linear ---- */

static void matmul_in_all_its_forms(void **state)
{
    (void)state;
    enum { M = 5, N = 11, K = 7 };
    for (int form = 0; form < 8; form++) {
        bool ta = form & 1, tb = form & 2;
        double beta = form & 4 ? 1 : 0, expected[M * N];
        Tensor A = noise(&device, M * K, 1, 1), B = noise(&device, K * N, 2, 1);
        Tensor C = constant(&device, M * N, beta > 0 ? 3 : NAN); /* beta 0 overwrites */
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                double sum = beta > 0 ? 3 : 0;
                for (int k = 0; k < K; k++)
                    sum += (double)reals(A)[ta ? k * M + i : i * K + k] *
                           (double)reals(B)[tb ? j * K + k : k * N + j];
                expected[i * N + j] = sum;
            }
        Matrix a = ta ? transposed(matrix(A, K, M)) : matrix(A, M, K);
        Matrix b = tb ? transposed(matrix(B, N, K)) : matrix(B, K, N);
        matmul(a, b, (real)beta, C);
        assert_below(distance(C, expected), VALUE_TOLERANCE);
        give_back((Tensor[]){A, B, C}, 3);
    }
}

/* Blocks of rows of a product, with one of every three left out: those have its values, and the others are untouched. */
static void some_rows_of_a_product(void **state)
{
    (void)state;
    enum { M = 20, N = 11, K = 7 };
    const RowBlocks rows = {.first = 2, .rows = 2, .apart = 3, .blocks = 6, .of = 3, .out = 1};
    assert_int_equal(row_blocks_count(&rows), 8);
    for (int form = 0; form < 4; form++) {
        bool open = form & 1, tb = form & 2;
        Tensor A = noise(&device, M * K, 1, 1), B = noise(&device, K * N, 2, 1);
        Tensor C = constant(&device, M * N, 3), some = constant(&device, M * N, 3);
        double expected[M * N], flops = device.done[WORK_MATMUL].flops;
        Matrix a = matrix(A, M, K), b = tb ? transposed(matrix(B, N, K)) : matrix(B, K, N);
        if (open)
            matmul_rows_open(a, b, rows, some, some);
        else
            matmul_rows(a, b, rows, some);
        assert_true(device.done[WORK_MATMUL].flops - flops == 2.0 * 8 * N * K);
        matmul(a, b, 0, C);
        for (int i = 0; i < M; i++) {
            int block = (i - 2) / 3, within = (i - 2) % 3;
            bool is_one = i >= 2 && block < 6 && within < 2 && block % 3 != 1;
            for (int j = 0; j < N; j++) expected[i * N + j] = is_one ? (double)reals(C)[i * N + j] : 3;
        }
        assert_below(distance(some, expected), VALUE_TOLERANCE);
        give_back((Tensor[]){A, B, C, some}, 4);
    }
}

typedef struct Linear {
    int64_t n, in, out;
    Tensor x, W, b, y, weights;
} Linear;

static double linear_loss(void *context)
{
    Linear *l = context;
    linear_forward(l->x, l->W, l->b, l->y, l->n, l->in, l->out);
    return weighted(l->weights, l->y);
}

static void linear_layer(void **state)
{
    (void)state;
    Linear l = {.n = 9, .in = 7, .out = 19};
    l.x = noise(&device, l.n * l.in, 1, 1), l.W = noise(&device, l.in * l.out, 2, 1),
    l.b = noise(&device, l.out, 3, 1);
    l.y = constant(&device, l.n * l.out, NAN), l.weights = noise(&device, l.n * l.out, 4, 1);
    linear_loss(&l);
    double expected[9 * 19];
    for (int64_t i = 0; i < l.n; i++)
        for (int64_t j = 0; j < l.out; j++) {
            expected[i * l.out + j] = (double)reals(l.b)[j];
            for (int64_t k = 0; k < l.in; k++)
                expected[i * l.out + j] +=
                    (double)reals(l.x)[i * l.in + k] * (double)reals(l.W)[k * l.out + j];
        }
    assert_below(distance(l.y, expected), VALUE_TOLERANCE);

    Tensor dx = constant(&device, l.x.count, NAN), dW = constant(&device, l.W.count, 1),
           db = constant(&device, l.out, 1);
    linear_backward_input(l.weights, l.W, dx, l.n, l.in, l.out);
    linear_backward_weight(l.x, l.weights, dW, db, l.n, l.in, l.out);
    assert_gradient(linear_loss, &l, l.x, dx, 0);
    assert_gradient(linear_loss, &l, l.W, dW, 1);
    assert_gradient(linear_loss, &l, l.b, db, 1);
    give_back((Tensor[]){l.x, l.W, l.b, l.y, l.weights, dx, dW, db}, 8);
}

/* ---- LayerNorm ---- */

typedef struct Norm {
    int64_t n, C;
    Tensor x, gain, bias, y, weights;
} Norm;

static double norm_loss(void *context)
{
    Norm *l = context;
    norm_forward(NORM_LAYERNORM, l->x, l->gain, l->bias, l->y);
    return weighted(l->weights, l->y);
}

static void layernorm(void **state)
{
    (void)state;
    static const int64_t widths[] = {5, 16, 37}; /* below, at and above the 16 lanes, with a tail */
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        Norm l = {.n = 6, .C = widths[w]};
        int64_t count = l.n * l.C;
        l.x = noise(&device, count, 1, 2), l.gain = constant(&device, l.C, 1),
        l.bias = constant(&device, l.C, 0);
        l.y = constant(&device, count, NAN), l.weights = noise(&device, count, 4, 1);
        for (int64_t i = 0; i < count; i++) reals(l.x)[i] += 10; /* a mean to take away */
        norm_loss(&l);
        for (int64_t i = 0; i < l.n; i++) {
            double mean = 0, variance = 0, x_mean = 0, x_variance = 0;
            const real *y = reals(l.y) + i * l.C, *x = reals(l.x) + i * l.C;
            for (int64_t j = 0; j < l.C; j++)
                mean += (double)y[j] / (double)l.C, x_mean += (double)x[j] / (double)l.C;
            for (int64_t j = 0; j < l.C; j++) {
                variance += ((double)y[j] - mean) * ((double)y[j] - mean) / (double)l.C;
                x_variance += ((double)x[j] - x_mean) * ((double)x[j] - x_mean) / (double)l.C;
            }
            assert_below(fabs(mean), VALUE_TOLERANCE);
            assert_below(fabs(variance - x_variance / (x_variance + 1e-5)), 10 * VALUE_TOLERANCE);
        }
        double *expected = doubles(count); /* y = hat * gain + bias, hat being what came out above */
        Tensor hat = noise(&device, count, 0, 1);
        tensor_copy(hat, l.y);
        give_back((Tensor[]){l.gain, l.bias}, 2);
        l.gain = noise(&device, l.C, 2, 1), l.bias = noise(&device, l.C, 3, 1);
        norm_loss(&l);
        for (int64_t i = 0; i < count; i++)
            expected[i] =
                (double)reals(hat)[i] * (double)reals(l.gain)[i % l.C] + (double)reals(l.bias)[i % l.C];
        assert_below(distance(l.y, expected), VALUE_TOLERANCE);
        free(expected);

        Tensor dx = constant(&device, count, 1), dgain = constant(&device, l.C, 1),
               dbias = constant(&device, l.C, 1);
        norm_backward(NORM_LAYERNORM, l.weights, l.x, l.gain, dx, dgain, dbias); /* adds to dx, too */
        assert_gradient(norm_loss, &l, l.x, dx, 1);
        assert_gradient(norm_loss, &l, l.gain, dgain, 1);
        assert_gradient(norm_loss, &l, l.bias, dbias, 1);
        give_back((Tensor[]){l.x, l.gain, l.bias, l.y, l.weights, hat, dx, dgain, dbias}, 9);
    }
}

/* ---- GELU ---- */

typedef struct Pointwise {
    Tensor x, y, weights;
} Pointwise;

static double gelu_loss(void *context)
{
    Pointwise *g = context;
    gelu_forward(g->x, g->y);
    return weighted(g->weights, g->y);
}

static void gelu(void **state)
{
    (void)state;
    enum { COUNT = 401 };
    Pointwise g = {constant(&device, COUNT, 0), constant(&device, COUNT, NAN), noise(&device, COUNT, 1, 1)};
    double expected[COUNT];
    for (int i = 0; i < COUNT; i++) {
        reals(g.x)[i] = (real)(0.05 * (i - 200)); /* -10 .. 10 */
        double x = (double)reals(g.x)[i];
        expected[i] = 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    }
    gelu_loss(&g);
    for (int i = 0; i < COUNT; i++) assert_below(fabs((double)reals(g.y)[i] - expected[i]), VALUE_TOLERANCE);
    Tensor d = noise(&device, COUNT, 1, 1), dx = constant(&device, COUNT, NAN);
    gelu_backward(g.x, d, dx);
    assert_gradient(gelu_loss, &g, g.x, dx, 0);
    gelu_backward(g.x, d, d); /* in place, as the block does */
    assert_memory_equal(d.data, dx.data, tensor_bytes(d));
    gelu_loss(&g);
    Tensor y = constant(&device, COUNT, NAN); /* the same bits where x is not needed again */
    gelu_forward_slope(g.x, y);
    assert_memory_equal(y.data, g.y.data, tensor_bytes(y));
    gelu_backward_slope(g.x, g.weights, d);
    assert_memory_equal(d.data, dx.data, tensor_bytes(d));
    give_back((Tensor[]){g.x, g.y, g.weights, d, dx, y}, 6);
}

/* ---- embedding ---- */

/* Sums a person can check: wte row k is 10 k .., wpe row t is 1000 t. */
static void embedding(void **state)
{
    (void)state;
    enum { B = 2, T = 3, C = 2, V = 5 };
    static const int32_t token[B * (T + 1)] = {4, 0, 4, 1,
                                               2, 4, 0, 3}; /* the last of each sample is no input */
    Tensor tokens = some_tokens(&device, B * (T + 1), 0, V), y = constant(&device, B * T * C, NAN);
    Tensor wte = constant(&device, V * C, 0), wpe = constant(&device, T * C, 0);
    memcpy(tokens.data, token, sizeof token);
    for (int k = 0; k < V; k++)
        for (int j = 0; j < C; j++) reals(wte)[k * C + j] = (real)(10 * k + j);
    for (int t = 0; t < T; t++)
        for (int j = 0; j < C; j++) reals(wpe)[t * C + j] = (real)(1000 * t);
    /* the vocabulary in two slices: what one does not have is zero */
    Tensor high = constant(&device, B * T * C, NAN);
    embedding_forward(tokens, tensor_view(wte, 0, 3 * C), 0, y, B, T, C);
    embedding_forward(tokens, tensor_view(wte, 3 * C, 2 * C), 3, high, B, T, C);
    tensor_add(y, high, WORK_ACCUMULATE);
    position_forward(wpe, 0, y, B, T, C);
    static const double expected[B * T * C] = {40, 41, 1000, 1001, 2040, 2041,
                                               20, 21, 1040, 1041, 2000, 2001};
    assert_true(distance(y, expected) == 0);

    Tensor dwte = constant(&device, V * C, 1), dwpe = constant(&device, T * C, 1);
    embedding_backward(tokens, y, tensor_view(dwte, 0, 3 * C), 0, B, T, C); /* dy = y */
    embedding_backward(tokens, y, tensor_view(dwte, 3 * C, 2 * C), 3, B, T, C);
    position_backward(y, dwpe, 0, B, T, C);
    static const double words[V * C] = {3001, 3003, 1, 1, 21, 22, 1, 1, 3121, 3124};
    static const double places[T * C] = {61, 63, 2041, 2043, 4041, 4043};
    assert_true(distance(dwte, words) == 0);
    assert_true(distance(dwpe, places) == 0);
    give_back((Tensor[]){tokens, y, wte, wpe, dwte, dwpe, high}, 7);
}

/* ---- cross-entropy ---- */

typedef struct Entropy {
    int64_t B, T, V;
    Tensor tokens, logits, work;
} Entropy;

/* The vocabulary in one piece. */
static VocabularySlice whole(int64_t V)
{
    return (VocabularySlice){.parts = 1, .V = V, .used = V};
}

static double entropy_loss(void *context)
{
    Entropy *e = context;
    memcpy(e->work.data, e->logits.data, tensor_bytes(e->work));
    Tensor statistics = constant(&device, 3 * e->B * e->T, NAN);
    cross_entropy_statistics(e->work, e->tokens, statistics, whole(e->V), e->B, e->T);
    double loss = cross_entropy_forward(e->work, statistics, whole(e->V), e->B * e->T);
    tensor_free(&statistics);
    return loss;
}

/* The vocabulary of 19 in 4 slices of 6, the last one holding one token and
 * padding, and of 9 in 5 slices of 2 and one that is all padding: the same
 * loss, probabilities and gradient as in one piece. */
static void cross_entropy_in_slices(void **state)
{
    (void)state;
    static const int64_t cases[][2] = {{19, 4}, {9, 6}};
    for (int k = 0; k < 2; k++) {
        Entropy e = {.B = 2, .T = 5, .V = cases[k][0]};
        int64_t n = e.B * e.T, V = e.V, parts = cases[k][1], cut = k == 0 ? 6 : 2;
        e.tokens = some_tokens(&device, e.B * (e.T + 1), 5, V);
        e.logits = noise(&device, n * V, 1, 3), e.work = constant(&device, n * V, NAN);
        double loss = entropy_loss(&e);
        Tensor all = constant(&device, 3 * n * parts, NAN), slice[6];
        VocabularySlice at[6];
        for (int64_t s = 0; s < parts; s++) {
            int64_t used = V - s * cut < 0 ? 0 : V - s * cut < cut ? V - s * cut : cut;
            at[s] = (VocabularySlice){.parts = (int)parts, .part = (int)s, .V = cut, .used = used};
            slice[s] = constant(&device, n * cut, NAN); /* padding holds anything */
            for (int64_t i = 0; i < n; i++)
                for (int64_t j = 0; j < used; j++)
                    reals(slice[s])[i * cut + j] = reals(e.logits)[i * V + s * cut + j];
            cross_entropy_statistics(slice[s], e.tokens, tensor_view(all, 3 * n * s, 3 * n), at[s], e.B, e.T);
        }
        for (int64_t s = 0; s < parts; s++) {
            double sliced = cross_entropy_forward(slice[s], all, at[s], n);
            assert_below(fabs(sliced / loss - 1), VALUE_TOLERANCE);
            cross_entropy_backward(slice[s], e.tokens, 1, at[s], e.B, e.T, REAL);
        }
        cross_entropy_backward(e.work, e.tokens, 1, whole(V), e.B, e.T, REAL);
        for (int64_t i = 0; i < n; i++)
            for (int64_t v = 0; v < parts * cut; v++) {
                double expected = v < V ? (double)reals(e.work)[i * V + v] : 0;
                assert_below(fabs((double)reals(slice[v / cut])[i * cut + v % cut] - expected),
                             VALUE_TOLERANCE);
            }
        give_back(slice, (int)parts);
        give_back((Tensor[]){e.tokens, e.logits, e.work, all}, 4);
    }
}

static void cross_entropy(void **state)
{
    (void)state;
    Entropy e = {.B = 2, .T = 5, .V = 19};
    int64_t n = e.B * e.T, count = n * e.V;
    e.tokens = some_tokens(&device, e.B * (e.T + 1), 5, e.V);
    e.logits = constant(&device, count, 3), e.work = constant(&device, count, NAN);
    assert_below(fabs(entropy_loss(&e) - (double)n * log(19)),
                 100 * VALUE_TOLERANCE); /* nothing known: log V */

    tensor_free(&e.logits);
    e.logits = noise(&device, count, 1, 2);
    for (int64_t j = 0; j < e.V; j++)
        reals(e.logits)[j] += 1000, reals(e.logits)[e.V + j] -= 1000; /* no overflow */
    double expected = 0, *p = doubles(count);
    for (int64_t i = 0; i < n; i++) {
        const real *row = reals(e.logits) + i * e.V;
        double sum = 0;
        for (int64_t j = 0; j < e.V; j++) sum += p[i * e.V + j] = exp((double)row[j] - (double)row[0]);
        for (int64_t j = 0; j < e.V; j++) p[i * e.V + j] /= sum;
        expected -= log(p[i * e.V + ints(e.tokens)[i / e.T * (e.T + 1) + i % e.T + 1]]);
    }
    double loss = entropy_loss(&e);
    assert_below(fabs(loss / expected - 1), 10 * VALUE_TOLERANCE);
    assert_below(distance(e.work, p), VALUE_TOLERANCE);
    free(p);

    for (int64_t j = 0; j < e.V; j++)
        reals(e.logits)[j] -= 1000, reals(e.logits)[e.V + j] += 1000; /* room to differ */
    entropy_loss(&e);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < e.V; j++) sum += (double)reals(e.work)[i * e.V + j];
        assert_below(fabs(sum - 1), VALUE_TOLERANCE);
    }
    Tensor dlogits = constant(&device, count, 0);
    tensor_copy(dlogits, e.work);
    cross_entropy_backward(dlogits, e.tokens, 0.25, whole(e.V), e.B, e.T, REAL);
    for (int64_t i = 0; i < count; i++) reals(dlogits)[i] *= 4;
    assert_gradient(entropy_loss, &e, e.logits, dlogits, 0);
    give_back((Tensor[]){e.tokens, e.logits, e.work, dlogits}, 4);
}

static void nothing_leaks(void **state)
{
    (void)state;
    assert_true(device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matmul_in_all_its_forms),
        cmocka_unit_test(some_rows_of_a_product),
        cmocka_unit_test(linear_layer),
        cmocka_unit_test(layernorm),
        cmocka_unit_test(gelu),
        cmocka_unit_test(embedding),
        cmocka_unit_test(cross_entropy),
        cmocka_unit_test(cross_entropy_in_slices),
        cmocka_unit_test(nothing_leaks),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
