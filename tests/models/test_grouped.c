/* test_grouped.c - each expert's product against a plain loop in double, and backward against finite differences. */
#include "models/kernels/grouped.h"
#include <stdlib.h>
#include "models/hardware/software.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

enum { EXPERTS = 6 };

typedef struct Experts {
    Grouped g;
    Tensor x, W, y, weights;
} Experts;

static double loss_of(void *context)
{
    Experts *t = context;
    grouped_forward(&t->g, t->x, t->W, t->y);
    return weighted(t->weights, t->y);
}

/* Whose row it is. */
static int64_t expert_of(const Grouped *g, int64_t row)
{
    int64_t e = 0;
    for (int64_t end = g->rows[0]; row >= end; end += g->rows[e]) e++;
    return e;
}

static void assert_products(const int64_t *rows, int64_t in, int64_t out)
{
    int64_t n = 0;
    for (int e = 0; e < EXPERTS; e++) n += rows[e];
    Experts t = {.g = {EXPERTS, rows, in, out}, .x = noise(&device, n * in, 1, 1)};
    t.W = noise(&device, EXPERTS * in * out, 2, 1), t.y = constant(&device, n * out, NAN);
    t.weights = noise(&device, n * out, 3, 1);
    Tensor dx = constant(&device, n * in, NAN), dW = constant(&device, t.W.count, 1);
    loss_of(&t);
    grouped_backward_input(&t.g, t.weights, t.W, dx);
    grouped_backward_weight(&t.g, t.x, t.weights, dW);
    double *expected = doubles(n * out);
    for (int64_t i = 0; i < n * out; i++) {
        const real *W = reals(t.W) + expert_of(&t.g, i / out) * in * out;
        for (int64_t j = 0; j < in; j++)
            expected[i] += (double)reals(t.x)[i / out * in + j] * (double)W[j * out + i % out];
    }
    if (n) {
        assert_below(distance(t.y, expected), VALUE_TOLERANCE);
        assert_gradient(loss_of, &t, t.x, dx, 0);
        assert_gradient(loss_of, &t, t.W, dW, 1);
    }
    for (int64_t i = 0; i < dW.count; i++) /* without rows there is nothing to add */
        if (rows[i / (in * out)] == 0) assert_true(reals(dW)[i] == 1);
    free(expected);
    give_back((Tensor[]){t.x, t.W, t.y, t.weights, dx, dW}, 6);
}

static void products(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        matmul_choose(own ? MATMUL_OWN : MATMUL_BLAS);
        assert_products((int64_t[]){3, 1, 7, 2, 5, 4}, 5, 3);
        assert_products((int64_t[]){0, 9, 0, 0, 2, 0}, 7, 4); /* experts without rows, first and last */
        assert_products((int64_t[]){0, 0, 0, 0, 0, 11}, 1, 9);
        assert_products((int64_t[]){0, 0, 0, 0, 0, 0}, 3, 2);
    }
    matmul_choose(MATMUL_BLAS);
}

/* A Work that comes instead of several. */
typedef struct Heard {
    int times;
    Work work;
} Heard;

static KernelTime hear(const void *machine, const Work *work)
{
    Heard *heard = *(Heard *const *)machine;
    heard->times++;
    heard->work = *work;
    return (KernelTime){2, true};
}

/* Numbers a person can check: 3 experts of 4, 0 and 5 rows of 8, to 16. */
static void one_kernel(void **state)
{
    (void)state;
    Heard heard = {0}, *at = &heard;
    Device dry = {.dry = true, .listens = true, .time_of = hear, .machine = &at};
    const WorkDone *done = &dry.done[WORK_MATMUL];
    const int64_t rows[] = {4, 0, 5};
    Grouped g = {3, rows, 8, 16};
    Tensor x = tensor_new(&dry, 0, BF16, 72), W = tensor_new(&dry, 0, BF16, 384),
           y = tensor_new(&dry, 0, BF16, 144), dW = tensor_new(&dry, 0, REAL, 384);
    grouped_forward(&g, x, W, y);
    Work forward = {.kind = WORK_MATMUL, .batch = 2, .m = 5, .n = 16, .k = 8, .type = BF16};
    forward.flops = 2 * 9 * 8 * 16, forward.bytes = 2 * (72 + 256 + 144);
    assert_true(heard.times == 1 && work_is(&heard.work, &forward));
    assert_true(done->kernels == 2 && done->flops == forward.flops && done->products == forward.flops);
    assert_true(done->bytes == forward.bytes && done->seconds == 2);
    grouped_backward_input(&g, y, W, x);
    Work input = forward;
    input.n = 8, input.k = 16;
    assert_true(heard.times == 2 && work_is(&heard.work, &input));
    grouped_backward_weight(&g, x, y, dW);
    Work weight = forward;
    weight.adds = true, weight.m = 8, weight.k = 5;
    weight.bytes = 2 * (72 + 144) + 2 * 256 * (double)sizeof(real);
    assert_true(heard.times == 3 && work_is(&heard.work, &weight));
    assert_true(dry.lanes.now == 6 && done->kernels == 6);
    grouped_forward(&(Grouped){3, (int64_t[]){0, 0, 0}, 8, 16}, tensor_view(x, 0, 0), W,
                    tensor_view(y, 0, 0));
    assert_true(heard.times == 3 && done->kernels == 6);
    give_back((Tensor[]){x, W, y, dW}, 4);
    assert_true(dry.total + device.total == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),
        cmocka_unit_test(one_kernel),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("grouped products", tests, NULL, NULL);
}
