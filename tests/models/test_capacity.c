/* test_capacity.c - which choices a full expert drops, against a count of those that go before each. */
#include "models/kernels/capacity.h"
#include <string.h>
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

static Device device; /* all tests allocate here; the last one sees it empty */

static void tokens_times_factor(void **state)
{
    (void)state;
    static const struct {
        int64_t experts, top_k, tokens;
        double factor;
        int64_t taken;
    } cases[] = {{8, 2, 64, 1, 16},    {8, 2, 64, 1.25, 20}, {3, 2, 5, 1, 4},      {10, 1, 500, 1.1, 55},
                 {100, 1, 5, 1, 1},    {4, 2, 0, 1, 0},      {4, 4, 7, 0.5, 4},    {7, 1, 7 * 49, 1.02, 50},
                 {10, 1, 100, 0.7, 7}, {2, 1, 3, 1e-9, 1},   {64, 6, 4096, 2, 768}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Capacity c = {cases[i].experts, cases[i].top_k, cases[i].tokens, cases[i].factor, DROP_BY_POSITION};
        assert_int_equal(capacity_taken(&c), cases[i].taken);
    }
}

/* Whether choice a of (n, k) goes before b in their scope. */
static bool goes_before(const Capacity *c, const real *gates, int64_t a, int64_t b)
{
    int64_t k = c->top_k;
    if (c->policy == DROP_BY_PROBABILITY) return gates[a] > gates[b] || (a < b && gates[a] == gates[b]);
    return a % k < b % k || (a % k == b % k && a < b);
}

/* Of so many scopes, with gates many of which are equal; the gates of bf16 tell less apart. */
static void assert_kept(Capacity c, int64_t scopes, DType type)
{
    int64_t each = c.tokens * c.top_k, count = scopes * each;
    Tensor experts = some_tokens(&device, count, (uint64_t)c.experts, c.experts),
           gates = noise(&device, count, 3, 1), kept = tensor_new(&device, MEM_ACTIVATIONS, UINT8, count);
    for (int64_t i = 0; i < count; i++) reals(gates)[i] = (real)(int)(8 * (double)reals(gates)[i]) / 8;
    for (int64_t i = 0; i < count; i++) masks(kept)[i] = 7;
    Tensor stored = converted(&device, type, gates);
    capacity_keep(&c, experts, stored, kept);
    for (int64_t i = 0; i < count; i++) {
        int64_t first = i / each * each, before = 0;
        for (int64_t other = first; other < first + each; other++)
            before += ints(experts)[other] == ints(experts)[i] && goes_before(&c, reals(gates), other, i);
        assert_int_equal(masks(kept)[i], before < capacity_taken(&c));
    }
    give_back((Tensor[]){experts, gates, kept, stored}, 4);
}

static void those_that_come_first_or_weigh_most(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        DropPolicy policy = form & 1 ? DROP_BY_PROBABILITY : DROP_BY_POSITION;
        DType type = form & 2 ? BF16 : REAL;
        assert_kept((Capacity){5, 2, 21, 1, policy}, 1, type);
        assert_kept((Capacity){5, 2, 21, 0.6, policy}, 4, type);
        assert_kept((Capacity){7, 3, 13, 1.25, policy}, 3, type);
        assert_kept((Capacity){3, 3, 9, 0.5, policy}, 2, type);  /* k = E */
        assert_kept((Capacity){4, 1, 30, 100, policy}, 2, type); /* nothing is dropped */
        assert_kept((Capacity){4, 2, 0, 1, policy}, 0, type);    /* no token */
    }
}

/* Numbers a person can check: 4 tokens of 2 experts each, of which there are 2; each takes 2, at a factor of 1/2. */
static void by_hand(void **state)
{
    (void)state;
    static const int32_t chosen[] = {0, 1, 1, 0, 0, 1, 0, 1};
    static const double weight[] = {0.5, 0.4, 0.9, 0.1, 0.6, 0.4, 0.7, 0.3};
    static const uint8_t by_position[] = {1, 1, 1, 0, 1, 0, 0, 0},
                         by_probability[] = {0, 1, 1, 0, 1, 0, 1, 0};
    Tensor experts = tensor_new(&device, 0, INT32, 8), gates = constant(&device, 8, 0),
           kept = tensor_new(&device, 0, UINT8, 8);
    memcpy(experts.data, chosen, sizeof chosen);
    for (int i = 0; i < 8; i++) reals(gates)[i] = (real)weight[i];
    Capacity c = {2, 2, 4, 0.5, DROP_BY_POSITION};
    capacity_keep(&c, experts, (Tensor){0}, kept);
    assert_memory_equal(kept.data, by_position, sizeof by_position);
    c.policy = DROP_BY_PROBABILITY;
    capacity_keep(&c, experts, gates, kept);
    assert_memory_equal(kept.data, by_probability, sizeof by_probability);
    c.tokens = 2; /* two scopes, of which an expert takes one each */
    capacity_keep(&c, experts, gates, kept);
    static const uint8_t of_two[] = {1, 0, 1, 0, 0, 1, 1, 0};
    assert_memory_equal(kept.data, of_two, sizeof of_two);
    reals(gates)[4] = reals(gates)[6] = (real)NAN; /* before none */
    c.tokens = 4;
    capacity_keep(&c, experts, gates, kept);
    static const uint8_t of_nan[] = {1, 1, 1, 1, 0, 0, 0, 0};
    assert_memory_equal(kept.data, of_nan, sizeof of_nan);
    give_back((Tensor[]){experts, gates, kept}, 3);
}

static void work(void **state)
{
    (void)state;
    Device dry = {.dry = true};
    Tensor experts = tensor_new(&dry, 0, INT32, 8), gates = tensor_new(&dry, 0, BF16, 8),
           kept = tensor_new(&dry, 0, UINT8, 8);
    Capacity c = {2, 2, 4, 0.5, DROP_BY_POSITION};
    capacity_keep(&c, experts, gates, kept);
    assert_true(dry.done[WORK_ROUTER].bytes == 8 * (4 + 1));
    c.policy = DROP_BY_PROBABILITY;
    capacity_keep(&c, experts, gates, kept);
    assert_true(dry.done[WORK_ROUTER].bytes == 8 * (4 + 1) + 8 * (4 + 2 + 1));
    give_back((Tensor[]){experts, gates, kept}, 3);
    assert_int_equal(dry.total + device.total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_times_factor),
        cmocka_unit_test(those_that_come_first_or_weigh_most),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(work),
    };
    return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
