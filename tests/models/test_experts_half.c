/* test_experts_half.c - the kernels of experts on bf16 and fp16 in any mixture with reals, as test_kernels_half.c has
 * it of the others. */
#include "models/kernels/router.h"
#include "tests/support/check.h"
#include "tests/support/half_case.h"

enum { n = 24, K = 3, E = HALF_VOCAB + 1 };
static const Router SOFTMAX = {.kind = ROUTER_SOFTMAX,
                               .experts = E,
                               .top_k = K,
                               .groups = 4,
                               .groups_limited = 2,
                               .group_best = 2,
                               .normalise = true,
                               .scale = 2},
                    SIGMOID = {.kind = ROUTER_SIGMOID, .experts = E, .top_k = K, .groups = 1, .scale = 1};

/* tokens: (n, K), experts that some tokens name twice */
KERNEL(softmax_scores, router_scores(&SOFTMAX, t[0], t[1]))
KERNEL(sigmoid_scores, router_scores(&SIGMOID, t[0], t[1]))
KERNEL(gates, router_gates(&SOFTMAX, t[0], tokens, t[1]))
KERNEL(softmax_gradient, router_backward(&SOFTMAX, t[0], tokens, t[1], t[2]))
KERNEL(sigmoid_gradient, router_backward(&SIGMOID, t[0], tokens, t[1], t[2]))

/* What is chosen is the same from scores that 16 bits hold: their numbers added up. */
static double choice(Tensor *t, Tensor tokens)
{
    (void)tokens;
    Tensor experts = tensor_new(t[0].device, MEM_COMMUNICATION, INT32, n * K);
    router_choose(&SOFTMAX, t[0], t[1], experts);
    double sum = 0;
    for (int64_t i = 0; i < n * K && experts.data; i++) sum = 1.01 * sum + ints(experts)[i];
    tensor_free(&experts);
    return sum;
}

static const HalfCase CASES[] = {
    {"softmax scores", {n * E, n *E}, 0, softmax_scores, 0},
    {"sigmoid scores", {n * E, n *E}, 0, sigmoid_scores, 0},
    {"softmax scores, in pieces", {30 * n * E, 30 * n *E}, 0, softmax_scores, 0},
    {"choice", {n * E, E}, 0, choice, 0},
    {"gates", {n * E, n *K}, 0, gates, 0},
    {"softmax router, backward", {n * E, n *K, n *E}, 0, softmax_gradient, 0},
    {"sigmoid router, backward", {n * E, n *K, n *E}, 0, sigmoid_gradient, 0},
};

static void every_kernel(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        assert_rounded_once(&CASES[c], BF16);
        assert_rounded_once(&CASES[c], FP16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kernel)};
    return cmocka_run_group_tests_name("kernels of experts in 16 bits", tests, NULL, NULL);
}
