/* test_attention.c - attention against one query at a time in double, its
 * backward against finite differences, and causality to the bit. */
#include <math.h>
#include <stdlib.h>
#include "models/kernels.h"
#include "models/matmul.h"
#include "tests/check.h"
#include "tests/probe.h"

static Device device; /* both tests allocate here, and leave it empty */

typedef struct Attention {
    int64_t B, T, C, heads;
    Tensor qkv, P, y, weights;
} Attention;

/* One position, a row block less and more than full, exactly full ones, and three blocks. */
static const Attention ATTENTION_SIZES[] = {
    {.B = 1, .T = 1, .C = 4, .heads = 2},   {.B = 2, .T = 5, .C = 12, .heads = 3},
    {.B = 1, .T = 64, .C = 6, .heads = 2},  {.B = 2, .T = 70, .C = 9, .heads = 3},
    {.B = 1, .T = 128, .C = 5, .heads = 1}, {.B = 1, .T = 131, .C = 6, .heads = 3},
};
enum { ATTENTIONS = sizeof ATTENTION_SIZES / sizeof *ATTENTION_SIZES };

static Attention attention_of(int which)
{
    Attention a = ATTENTION_SIZES[which];
    a.qkv = noise(&device, a.B * a.T * 3 * a.C, 1, 1), a.weights = noise(&device, a.B * a.T * a.C, 2, 1);
    a.P = constant(&device, a.B * a.heads * a.T * a.T, NAN), a.y = constant(&device, a.B * a.T * a.C, NAN);
    return a;
}

static void attention_free(Attention *a)
{
    give_back((Tensor[]){a->qkv, a->P, a->y, a->weights}, 4);
}

static double attention_loss(void *context)
{
    Attention *a = context;
    attention_forward(a->qkv, a->P, a->y, a->B, a->T, a->C, a->heads);
    return weighted(a->weights, a->y);
}

/* softmax(q k^T / sqrt(hd)) v, one query at a time */
static void plain_attention(const Attention *a, double *P, double *y)
{
    int64_t hd = a->C / a->heads, ld = 3 * a->C;
    for (int64_t b = 0; b < a->B; b++)
        for (int64_t h = 0; h < a->heads; h++)
            for (int64_t t = 0; t < a->T; t++) {
                const real *q = reals(a->qkv) + b * a->T * ld + h * hd;
                double *row = P + ((b * a->heads + h) * a->T + t) * a->T, sum = 0;
                for (int64_t s = 0; s <= t; s++) {
                    double score = 0;
                    for (int64_t j = 0; j < hd; j++)
                        score += (double)q[t * ld + j] * (double)q[s * ld + a->C + j];
                    sum += row[s] = exp(score / sqrt((double)hd));
                }
                for (int64_t s = 0; s <= t; s++) {
                    row[s] /= sum;
                    for (int64_t j = 0; j < hd; j++)
                        y[(b * a->T + t) * a->C + h * hd + j] += row[s] * (double)q[s * ld + 2 * a->C + j];
                }
            }
}

static void attention(void **state)
{
    (void)state;
    for (int which = 0; which < ATTENTIONS; which++) {
        Attention a = attention_of(which);
        double *P = doubles(a.P.count), *y = doubles(a.y.count);
        attention_loss(&a);
        plain_attention(&a, P, y); /* zeros above the diagonal included */
        assert_below(distance(a.P, P), VALUE_TOLERANCE);
        assert_below(distance(a.y, y), VALUE_TOLERANCE);
        free(P);
        free(y);
        for (int64_t i = 0; i < a.P.count / a.T; i++) {
            double sum = 0;
            for (int64_t s = 0; s < a.T; s++) sum += (double)reals(a.P)[i * a.T + s];
            for (int64_t s = i % a.T + 1; s < a.T; s++) assert_true(reals(a.P)[i * a.T + s] == 0);
            assert_below(fabs(sum - 1), VALUE_TOLERANCE);
        }
        Tensor dqkv = constant(&device, a.qkv.count, NAN);
        attention_backward(a.weights, a.qkv, a.P, dqkv, a.B, a.T, a.C, a.heads);
        assert_gradient(attention_loss, &a, a.qkv, dqkv, 0);
        tensor_free(&dqkv);
        attention_free(&a);
        assert_true(device.total == 0);
    }
}

/* What comes later is not seen: other numbers from position t on leave y before t as it was, bit for bit. */
static void attention_is_causal(void **state)
{
    (void)state;
    for (int which = 1; which < ATTENTIONS; which++) {
        Attention a = attention_of(which), other = attention_of(which);
        attention_loss(&a);
        for (int64_t t = a.T - 1; t > 0; t -= a.T / 5) {
            for (int64_t b = 0; b < a.B; b++)
                for (int64_t i = t * 3 * a.C; i < a.T * 3 * a.C; i++)
                    reals(other.qkv)[b * a.T * 3 * a.C + i] += 5;
            attention_loss(&other);
            for (int64_t b = 0; b < a.B; b++) {
                const real *was = reals(a.y) + b * a.T * a.C, *is = reals(other.y) + b * a.T * a.C;
                assert_memory_equal(is, was, (size_t)(t * a.C) * sizeof(real));
                assert_memory_not_equal(is + t * a.C, was + t * a.C, (size_t)a.C * sizeof(real));
            }
        }
        attention_free(&a);
        attention_free(&other);
        assert_true(device.total == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention),
        cmocka_unit_test(attention_is_causal),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
