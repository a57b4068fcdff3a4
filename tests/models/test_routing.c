/* test_routing.c - a layer's routing of four tokens, written down: who is chosen with and without a bias, gates, and what
 * each loss of loads comes to. */
#include "models/layers/load_losses.h"
#include "models/layers/routing.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { T = 2, B = 2, N = B * T, E = 6, K = 2 };
static Device device;

/* Three groups of two experts, of which a token goes to two. Tokens 1 to 3 and 1 again make two samples:
 *
 *     group          0           1           2        goes to    with 0.22 added to expert 5
 *     token 1    0.30 0.10   0.25 0.05   0.20 0.10    0, 2       5, 0
 *     token 2    0.35 0.30   0.05 0.05   0.15 0.10    0, 1       0, 5
 */
static const double FIRST[E] = {0.30, 0.10, 0.25, 0.05, 0.20, 0.10},
                    SECOND[E] = {0.35, 0.30, 0.05, 0.05, 0.15, 0.10};
static const double *const TOKEN[N] = {FIRST, SECOND, FIRST, FIRST};

typedef struct Routed {
    int32_t experts[N * K];
    double gates[N * K], loss; /* the mean over tokens */
} Routed;

static Routed route(ExpertsShape e, double bias_of_last)
{
    e.count = E, e.top_k = K, e.ffn = 1, e.every = 1, e.scale = 2, e.groups = 3, e.groups_limited = 2;
    const GptShape shape = {.layers = 1, .hidden = N, .sequence = T, .experts = e};
    const Region region = {.size = 1};
    const Dispatch alone = {.size = 1};
    double row[2 * E + ROUTING_LOAD] = {0};
    BlockRun run = {.shape = &shape, .region = &region, .dispatch = &alone, .B = B, .routing = row};
    Tensor x = constant(&device, N * N, 0), W = constant(&device, N * E, 0), kept[8] = {{0}};
    for (int i = 0; i < N; i++) {
        reals(x)[i * N + i] = 1;
        for (int j = 0; j < E; j++) reals(W)[i * E + j] = (real)log(TOKEN[i][j]);
    }
    if (bias_of_last != 0) run.bias = constant(&device, E, 0), reals(run.bias)[E - 1] = (real)bias_of_last;
    Routing r = {&kept[0], &kept[1], &kept[2], &kept[3], &kept[4], &kept[5], &kept[6], &kept[7]};
    routing_forward(&run, MEM_ACTIVATIONS, x, W, r);
    Routed routed = {.loss = row[ROUTING_BALANCE_LOSS] / N};
    for (int i = 0; i < N * K; i++) {
        routed.experts[i] = ints(*r.experts)[i];
        routed.gates[i] = (double)reals(*r.gates)[i];
    }
    give_back((Tensor[]){x, W, run.bias}, bias_of_last != 0 ? 3 : 2);
    for (int i = 0; i < 8; i++) tensor_free(&kept[i]);
    assert_true(device.total == 0);
    return routed;
}

static void assert_near(double value, double expected)
{
    assert_below(fabs(value - expected), 10 * VALUE_TOLERANCE);
}

/* Gates are twice the scores, whoever was chosen by what. */
static void a_bias_chooses_and_is_in_no_gate(void **state)
{
    (void)state;
    static const int32_t plain[N * K] = {0, 2, 0, 1, 0, 2, 0, 2}, biased[N * K] = {5, 0, 0, 5, 5, 0, 5, 0};
    Routed without = route((ExpertsShape){.balance = BALANCE_BIAS}, 0),
           with = route((ExpertsShape){.balance = BALANCE_BIAS}, 0.22);
    for (int i = 0; i < N * K; i++) {
        assert_int_equal(without.experts[i], plain[i]);
        assert_int_equal(with.experts[i], biased[i]);
        assert_near(without.gates[i], 2 * TOKEN[i / K][plain[i]]);
        assert_near(with.gates[i], 2 * TOKEN[i / K][biased[i]]);
    }
    assert_true(with.loss == 0);
}

/* Of a sample f is 6/4 times the choices, P the mean of scores. Sample 1:
 *
 *     f   3     1.5   1.5   0    0     0          f'  2.25   0.75  0      f" of 2, 1 and 0 tokens  1.5    0.75  0
 *     P   0.325 0.2   0.15  0.05 0.175 0.1        P'  0.525  0.2   0.275
 *
 * sum f P 1.5, f' P' 1.33125, f" P' 0.9375. Sample 2: f 3, 0, 3, P 0.3, 0.1, 0.25 ...: 1.65; f' 1.5, 1.5, 0, P' 0.4,
 * 0.3, 0.3: 1.05; f" 1.5, 1.5, 0: 1.05. Of both at once f is 6/8 times 4, 1 and 3 choices: 1.5. */
static void losses_of_loads(void **state)
{
    (void)state;
    const ExpertsShape sequence = {.balance = BALANCE_AUXILIARY, .scope = SCOPE_SEQUENCE};
    ExpertsShape e = sequence;
    e.auxiliary = 1;
    assert_near(route(e, 0).loss, (1.5 + 1.65) / 2);
    e.scope = SCOPE_MICROBATCH;
    assert_near(route(e, 0).loss, 1.5);
    e = sequence, e.device = 1;
    assert_near(route(e, 0).loss, (1.33125 + 1.05) / 2);
    e = sequence, e.communication = 1;
    assert_near(route(e, 0).loss, (0.9375 + 1.05) / 2);
    e.auxiliary = 100, e.device = 10;
    assert_near(route(e, 0).loss / 100, (164.25 + 176.55) / 200);
    e.balance = BALANCE_NONE; /* of experts there is none then, of groups there are */
    assert_near(route(e, 0).loss / 10, (14.25 + 11.55) / 20);
}

/* Of both samples as a global batch in microbatches of one: the loss is that of both at once, whatever the losses, and
 * what is computed again adds nothing. */
static double route_batch(ExpertsShape e, int64_t *choices)
{
    e.count = E, e.top_k = K, e.ffn = 1, e.every = 1, e.scale = 2, e.groups = 3, e.groups_limited = 2;
    e.scope = SCOPE_BATCH;
    const GptShape shape = {.layers = 1, .hidden = N, .sequence = T, .experts = e};
    const Region region = {.size = 1};
    const Dispatch alone = {.size = 1};
    double row[2 * E + ROUTING_LOAD] = {0};
    Tensor counts = tensor_new(&device, MEM_ACTIVATIONS, INT32, E + 3), probability = constant(&device, E, 0),
           weights = constant(&device, E, NAN), W = constant(&device, N * E, 0);
    tensor_zero(counts);
    const BatchLoad batch = {N, tensor_view(counts, 0, E), tensor_view(counts, E, 3), probability, weights};
    BlockRun run = {
        .shape = &shape, .region = &region, .dispatch = &alone, .B = 1, .routing = row, .batch = &batch};
    for (int i = 0; i < N * E; i++) reals(W)[i] = (real)log(TOKEN[i / E][i % E]);
    for (int pass = 0; pass < 2 * B; pass++) {
        Tensor x = constant(&device, T * N, 0), kept[8] = {{0}};
        for (int i = 0; i < T; i++) reals(x)[i * N + pass % B * T + i] = 1;
        Part before = lanes_part(&device.lanes, pass < B ? PART_COMPUTE : PART_RECOMPUTE);
        Routing r = {&kept[0], &kept[1], &kept[2], &kept[3], &kept[4], &kept[5], &kept[6], &kept[7]};
        routing_forward(&run, MEM_ACTIVATIONS, x, W, r);
        lanes_part(&device.lanes, before);
        tensor_free(&x);
        for (int i = 0; i < 8; i++) tensor_free(&kept[i]);
    }
    assert_true(row[ROUTING_BALANCE_LOSS] == 0);
    *choices = 0;
    for (int i = 0; i < E; i++) *choices += ints(batch.load)[i];
    double loss = batch_load_weights(&shape, &batch) / N;
    give_back((Tensor[]){counts, probability, weights, W}, 4);
    assert_true(device.total == 0);
    return loss;
}

static void losses_of_a_batch(void **state)
{
    (void)state;
    const ExpertsShape forms[] = {{.auxiliary = 1},
                                  {.device = 1},
                                  {.communication = 1},
                                  {.auxiliary = 100, .device = 10, .communication = 1}};
    for (int i = 0; i < 4; i++) {
        ExpertsShape e = forms[i];
        int64_t choices;
        e.balance = BALANCE_AUXILIARY, e.scope = SCOPE_MICROBATCH;
        assert_near(route_batch(e, &choices), route(e, 0).loss);
        assert_int_equal(choices, N * K);
    }
}

/* Beside a bias what the losses call the load is what scores alone would choose of all groups: here the same as without it.
 * But tokens are sent where they go: two of sample 1 to groups 0 and 2 each, of sample 2 likewise. */
static void losses_beside_a_bias(void **state)
{
    (void)state;
    ExpertsShape e = {.balance = BALANCE_BIAS, .scope = SCOPE_SEQUENCE, .auxiliary = 1};
    assert_near(route(e, 0.22).loss, (1.5 + 1.65) / 2);
    e.auxiliary = 0, e.communication = 1;
    assert_near(route(e, 0.22).loss, (1.5 * (0.525 + 0.275) + 1.5 * (0.4 + 0.3)) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bias_chooses_and_is_in_no_gate),
        cmocka_unit_test(losses_of_loads),
        cmocka_unit_test(losses_of_a_batch),
        cmocka_unit_test(losses_beside_a_bias),
    };
    return cmocka_run_group_tests_name("routing", tests, NULL, NULL);
}
