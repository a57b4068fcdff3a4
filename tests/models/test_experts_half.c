/* test_experts_half.c - the kernels of experts on bf16 and fp16 in any mixture with reals, as test_kernels_half.c has
 * it of the others. */
#include <string.h>
#include "models/kernels/balance.h"
#include "models/kernels/grouped.h"
#include "models/kernels/matmul.h"
#include "models/kernels/permute.h"
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

static const Balance BALANCE = {
    .experts = E, .top_k = K, .scopes = 2, .tokens = n / 2, .devices = 1, .expert = 1};
KERNEL(probability, balance_probability(&BALANCE, t[0], t[1]))
KERNEL(balance_gradient, balance_backward(&BALANCE, t[0], t[1], 3, t[2]))
KERNEL(z_loss, return z_loss_forward(t[0], E))
KERNEL(z_loss_gradient, z_loss_backward(t[0], 0.1, t[1], E))

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

/* The tokens' choices, three of every four, on the device itself; a dry one takes the same counts for granted. */
enum { ROWS = n * K * 3 / 4, C = 19 };
static Permutation permutation_on(Device *device, Tensor tokens)
{
    Tensor experts = tensor_new(device, MEM_COMMUNICATION, INT32, n * K),
           kept = tensor_new(device, MEM_COMMUNICATION, UINT8, n * K);
    int64_t counts[E] = {0};
    for (int64_t i = 0; i < n * K; i++) {
        if (experts.data) ints(experts)[i] = ints(tokens)[i];
        if (kept.data) masks(kept)[i] = i % 4 != 2;
        counts[ints(tokens)[i]] += i % 4 != 2;
    }
    Permutation p = permutation_of_choices(experts, kept, K, E, counts, MEM_COMMUNICATION);
    tensor_free(&experts);
    tensor_free(&kept);
    return p;
}

#define MOVED(name, call)                                    \
    static double name(Tensor *t, Tensor tokens)             \
    {                                                        \
        Permutation p = permutation_on(t[0].device, tokens); \
        call;                                                \
        permutation_free(&p);                                \
        return 0;                                            \
    }
MOVED(permuted, permute_forward(&p, t[0], t[1], C))
MOVED(permuted_back, permute_backward(&p, t[0], t[1], C))
MOVED(combined, combine_forward(&p, t[0], t[1], 0, t[2], C))
MOVED(combined_back, combine_backward(&p, t[0], t[1], t[2], t[3], t[4], C))
MOVED(combined_in_place, combine_backward(&p, t[0], t[1], t[2], t[1], t[3], C))

static const int64_t EACH[] = {5, 0, 12, 7};
enum { HELD = 4, SORTED = 24, OUT = 13 };
static const Grouped GROUPED = {HELD, EACH, C, OUT};
KERNEL(products, grouped_forward(&GROUPED, t[0], t[1], t[2]))
KERNEL(products_input, grouped_backward_input(&GROUPED, t[0], t[1], t[2]))
KERNEL(products_weight, grouped_backward_weight(&GROUPED, t[0], t[1], t[2]))

static const HalfCase CASES[] = {
    {"softmax scores", {n * E, n *E}, 0, softmax_scores, 0},
    {"sigmoid scores", {n * E, n *E}, 0, sigmoid_scores, 0},
    {"softmax scores, in pieces", {30 * n * E, 30 * n *E}, 0, softmax_scores, 0},
    {"choice", {n * E, E}, 0, choice, 0},
    {"gates", {n * E, n *K}, 0, gates, 0},
    {"softmax router, backward", {n * E, n *K, n *E}, 0, softmax_gradient, 0},
    {"sigmoid router, backward", {n * E, n *K, n *E}, 0, sigmoid_gradient, 0},
    {"balance, probability", {n * E, 2 * E}, 2, probability, 0},
    {"balance, backward", {n * E, 2 * E, n *E}, 2, balance_gradient, 0},
    {"z-loss", {n * E}, 0, z_loss, 0},
    {"z-loss, backward", {n * E, n *E}, 0, z_loss_gradient, 0},
    {"permute", {n * C, ROWS *C}, 0, permuted, 0},
    {"permute, backward", {ROWS * C, n *C}, 0, permuted_back, 0},
    {"combine", {ROWS * C, n *K, n *C}, 0, combined, 0},
    {"combine, backward", {n * C, ROWS *C, n *K, ROWS *C, n *K}, 0, combined_back, 0},
    {"combine, backward in place", {n * C, ROWS *C, n *K, n *K}, 0, combined_in_place, 0},
    {"grouped products", {SORTED * C, HELD *C *OUT, SORTED *OUT}, 0, products, 0},
    {"grouped products, dx", {SORTED * OUT, HELD *C *OUT, SORTED *C}, 0, products_input, 0},
    {"grouped products, dW", {SORTED * C, SORTED *OUT, HELD *C *OUT}, 0, products_weight, 0},
};

static void every_kernel(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        assert_rounded_once(&CASES[c], BF16);
        assert_rounded_once(&CASES[c], FP16);
    }
}

/* Which read 16 bits as they lie. */
static void by_our_products(void **state)
{
    (void)state;
    matmul_choose(MATMUL_OWN);
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) assert_rounded_once(&CASES[c], FP16);
    matmul_choose(MATMUL_BLAS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel),
        cmocka_unit_test(by_our_products),
    };
    matmul_one_thread();
    return cmocka_run_group_tests_name("kernels of experts in 16 bits", tests, NULL, NULL);
}
