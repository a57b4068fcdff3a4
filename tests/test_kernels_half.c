/* test_kernels_half.c - every kernel on bf16 and fp16 in any mixture with reals:
 * what it computes from the same values in reals, rounded once; and what it
 * opens is booked as workspace and given back. */
#include <stdlib.h>
#include <string.h>
#include "models/kernels.h"
#include "models/matmul.h"
#include "tests/check.h"
#include "tests/probe.h"

enum { B = 2, T = 5, C = 19, n = B * T, OUT = 13, V = 11, ARGUMENTS = 6 };

typedef struct Case {
    const char *name;
    int64_t counts[ARGUMENTS]; /* of the tensors t, up to a 0 */
    int reals_only;            /* a bit for each of them that stays REAL */
    double (*run)(Tensor *t, Tensor tokens);
} Case;

#define KERNEL(name, call)                       \
    static double name(Tensor *t, Tensor tokens) \
    {                                            \
        (void)tokens;                            \
        call;                                    \
        return 0;                                \
    }
KERNEL(product, matmul(false, true, n, OUT, C, t[0], t[1], 0, t[2]))
KERNEL(product_added, matmul(true, false, C, OUT, n, t[0], t[1], 1, t[2]))
KERNEL(linear, linear_forward(t[0], t[1], t[2], t[3], n, C, OUT))
KERNEL(linear_input, linear_backward_input(t[0], t[1], t[2], n, C, OUT))
KERNEL(linear_weight, linear_backward_weight(t[0], t[1], t[2], t[3], n, C, OUT))
KERNEL(bias, bias_forward(t[0], t[1], n, OUT))
KERNEL(bias_gradient, bias_backward(t[0], t[1], n, OUT))
KERNEL(norm, layernorm_forward(t[0], t[1], t[2], t[3], n, C))
KERNEL(norm_gradient, layernorm_backward(t[0], t[1], t[2], t[3], t[4], t[5], n, C))
KERNEL(gelu, gelu_forward(t[0], t[1]))
KERNEL(gelu_gradient, gelu_backward(t[0], t[1], t[2]))
KERNEL(gelu_gradient_in_place, gelu_backward(t[0], t[1], t[1]))
KERNEL(embedding, embedding_forward(tokens, t[0], 2, V - 2, t[1], B, T, C))
KERNEL(embedding_gradient, embedding_backward(tokens, t[0], t[1], 2, V - 2, B, T, C))
KERNEL(position, position_forward(t[0], 3, t[1], B, T, C))
KERNEL(position_gradient, position_backward(t[0], t[1], 3, B, T, C))
KERNEL(entropy_statistics, cross_entropy_statistics(t[0], tokens, t[1], 0, V - 1, B, T, V))
KERNEL(entropy, return cross_entropy_forward(t[0], t[1], 1, 0, n, V))
KERNEL(entropy_gradient, cross_entropy_backward(t[0], tokens, 0.3, 0, B, T, V))

static const Case CASES[] = {
    {"matmul", {n * C, OUT *C, n *OUT}, 0, product},
    {"matmul, added", {n * C, n *OUT, C *OUT}, 0, product_added},
    {"linear", {n * C, C *OUT, OUT, n *OUT}, 0, linear},
    {"linear, dx", {n * OUT, C *OUT, n *C}, 0, linear_input},
    {"linear, dW and db", {n * C, n *OUT, C *OUT, OUT}, 0, linear_weight},
    {"bias", {n * OUT, OUT}, 0, bias},
    {"bias, backward", {n * OUT, OUT}, 0, bias_gradient},
    {"layernorm", {n * C, C, C, n *C}, 0, norm},
    {"layernorm, backward", {n * C, n *C, C, n *C, C, C}, 0, norm_gradient},
    {"gelu", {n * C, n *C}, 0, gelu},
    {"gelu, backward", {n * C, n *C, n *C}, 0, gelu_gradient},
    {"gelu, backward in place", {n * C, n *C}, 0, gelu_gradient_in_place},
    {"embedding", {(V - 2) * C, n *C}, 0, embedding},
    {"embedding, backward", {n * C, (V - 2) * C}, 0, embedding_gradient},
    {"position", {(T + 3) * C, n *C}, 0, position},
    {"position, backward", {n * C, (T + 4) * C}, 0, position_gradient},
    {"cross-entropy, statistics", {n * V, 3 * n}, 2, entropy_statistics},
    {"cross-entropy", {n * V, 3 * n}, 2, entropy},
    {"cross-entropy, backward", {n * V}, 0, entropy_gradient},
};

/* Noise that fits 16 bits exactly, in the type asked for; around 2, for statistics have to be positive. */
static Tensor argument(Device *device, DType format, DType dtype, int64_t count, int which)
{
    Tensor t = tensor_new(device, MEM_ACTIVATIONS, dtype, count);
    if (device->dry) return t;
    Device aside = {0};
    Tensor values = noise(&aside, count, (uint64_t)which, 0.3), half = tensor_new(&aside, 0, format, count);
    for (int64_t i = 0; i < count; i++) reals(values)[i] += 2;
    tensor_convert(half, values);
    tensor_convert(t, half);
    give_back((Tensor[]){values, half}, 2);
    return t;
}

/* Runs a case with those arguments in 16 bits whose bit is set; leaves them in t. */
static double run(const Case *c, Device *device, DType format, int halves, Tensor t[ARGUMENTS])
{
    for (int i = 0; i < ARGUMENTS && c->counts[i]; i++)
        t[i] = argument(device, format, halves >> i & 1 ? format : REAL, c->counts[i], i);
    Device aside = {0};
    Tensor tokens = some_tokens(&aside, B * (T + 1), 5, V);
    size_t held = device->total;
    device->flops = device->bytes = 0;
    device->peak[MEM_WORKSPACE] = 0;
    double result = c->run(t, tokens);
    assert_int_equal(device->total, held);
    assert_int_equal(device->current[MEM_WORKSPACE], 0);
    tensor_free(&tokens);
    return result;
}

static void rounded_once(const Case *c, DType format)
{
    Device device = {0}, dry = {.dry = true};
    Tensor t[ARGUMENTS] = {{0}}, expected[ARGUMENTS] = {{0}}, none[ARGUMENTS] = {{0}};
    int arguments = 0;
    while (arguments < ARGUMENTS && c->counts[arguments]) arguments++;
    double result = run(c, &device, format, 0, expected);
    assert_int_equal(device.peak[MEM_WORKSPACE], /* nothing is copied; LayerNorm has two rows of its own */
                     c->run == norm_gradient ? 2 * C * sizeof(real) : 0);
    for (int halves = 1; halves < 1 << arguments; halves++) {
        if (halves & c->reals_only) continue;
        double value = run(c, &device, format, halves, t);
        assert_memory_equal(&value, &result, sizeof value);
        for (int i = 0; i < arguments; i++) {
            Tensor once = tensor_new(&device, MEM_ACTIVATIONS, t[i].dtype, t[i].count);
            tensor_convert(once, expected[i]);
            if (memcmp(once.data, t[i].data, tensor_bytes(once)) != 0)
                print_error("%s, format %d, halves %x: argument %d differs\n", c->name, format, halves, i);
            assert_memory_equal(once.data, t[i].data, tensor_bytes(once));
            tensor_free(&once);
        }
        size_t peak = device.peak[MEM_WORKSPACE];
        run(c, &device, format, halves, none); /* the work, before the comparisons above */
        double bytes = device.bytes, flops = device.flops;
        give_back(none, arguments);
        assert_true(run(c, &dry, format, halves, none) == 0);
        assert_int_equal(dry.peak[MEM_WORKSPACE], peak);
        assert_true(dry.bytes == bytes && dry.flops == flops);
        give_back(none, arguments);
        give_back(t, arguments);
    }
    give_back(expected, arguments);
    assert_int_equal(device.total + dry.total, 0);
}

static void every_kernel(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        rounded_once(&CASES[c], BF16);
        rounded_once(&CASES[c], FP16);
    }
}

/* Numbers a person can check: what is open at once, and two bytes a value of traffic. */
static void workspace_and_traffic(void **state)
{
    (void)state;
    Device d = {0};
    Tensor x = tensor_new(&d, MEM_ACTIVATIONS, BF16, 100), y = tensor_new(&d, MEM_ACTIVATIONS, BF16, 100);
    tensor_zero(x);
    d.bytes = 0;
    gelu_forward(x, y);
    assert_int_equal(d.peak[MEM_WORKSPACE], 200 * sizeof(real));
    assert_int_equal(d.total, 400);
    assert_true(d.bytes == 400);
    give_back((Tensor[]){x, y}, 2);

    /* of a table of 1000 rows four are read: y alone is opened */
    Tensor wte = tensor_new(&d, MEM_PARAMETERS, FP16, 1000 * 8), tokens = some_tokens(&d, 5, 1, 1000);
    y = tensor_new(&d, MEM_ACTIVATIONS, FP16, 4 * 8);
    tensor_zero(wte);
    d.peak[MEM_WORKSPACE] = 0;
    embedding_forward(tokens, wte, 0, 1000, y, 1, 4, 8);
    assert_int_equal(d.peak[MEM_WORKSPACE], 4 * 8 * sizeof(real));
    give_back((Tensor[]){wte, tokens, y}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel),
        cmocka_unit_test(workspace_and_traffic),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("kernels in 16 bits", tests, NULL, NULL);
}
