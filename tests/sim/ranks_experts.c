/* ranks_experts.c - what is told of routing: the same loads, drops, entropy and losses under every split as unsplit, of
 * all tokens and once; dry an even load. On virtual ranks in this process; under mpirun on the ranks it was given. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "sim/run/routing_record.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

#define BIAS_STEP 0.0625
enum { STEPS = 2, LAYERS = 3, EXPERTS = 4, TOP_K = 2, TOKENS = 24 * 7 };
#define MODEL                                                                             \
    "moe.experts=4 moe.first_dense=1 model.layers=4 moe.ffn=12 moe.capacity_factor=1.25 " \
    "moe.balance=auxiliary "                                                              \
    "moe.balance_scope=sequence moe.z_loss=0.01 train.clip=0 "

#define WITH_BIAS \
    "moe.experts=4 moe.first_dense=1 model.layers=4 moe.ffn=12 moe.balance=bias moe.bias_step=0.0625 "

/* Of rank 0 after the last step; and what the biases have to be, by all loads so far. */
typedef struct Told {
    double bias[LAYERS][EXPERTS], due[LAYERS][EXPERTS];
    double rows[LAYERS][EXPERTS]; /* of all replicas and microbatches */
    double load[LAYERS][EXPERTS], imbalance[LAYERS], dropped[LAYERS], entropy[LAYERS], balance_loss, z_loss;
} Told;

/* Every microbatch of a replica has as many choices: none is told of twice, or not at all. */
static void add_rows(const Trainer *t, const int32_t *rows, Told *told)
{
    const int places = t->mesh.shape.dp * t->microbatches;
    memset(told->rows, 0, sizeof told->rows);
    for (int i = 0; i < LAYERS * places; i++) {
        int32_t all = 0;
        for (int e = 0; e < EXPERTS; e++) {
            told->rows[i / places][e] += rows[i * EXPERTS + e];
            all += rows[i * EXPERTS + e];
        }
        double choices = (double)(t->config->train.microbatch * t->config->model.shape.sequence) * TOP_K;
        assert_true(t->config->model.shape.experts.capacity > 0 ? all > choices / 2 && all <= choices
                                                                : all == choices);
    }
}

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Told *told = context;
    Group *world = group_world(t->comm, CHANNEL);
    RoutingRecord r = routing_record_gather(t, world);
    if (t->comm->rank == 0) {
        memcpy(told->load, r.row.load, sizeof told->load);
        memcpy(told->imbalance, r.row.imbalance, sizeof told->imbalance);
        memcpy(told->dropped, r.row.dropped, sizeof told->dropped);
        memcpy(told->entropy, r.row.entropy, sizeof told->entropy);
        add_rows(t, r.row.rows, told);
        told->balance_loss = r.row.balance_loss;
        told->z_loss = r.row.z_loss;
        for (int i = 0; i < LAYERS * EXPERTS && r.row.bias; i++) {
            double mean = TOKENS * TOP_K / (double)EXPERTS, load = r.row.load[i];
            (&told->bias[0][0])[i] = r.row.bias[i];
            (&told->due[0][0])[i] += load < mean ? BIAS_STEP : load > mean ? -BIAS_STEP : 0;
        }
    }
    routing_record_free(&r);
    group_free(world);
}

static Case make_case(const char *words, Told *told)
{
    Case c = case_of_words(STEPS, MODEL "%s", words);
    c.look = look;
    c.context = told;
    return c;
}

#ifdef SIM_DOUBLE
static const double APART = 1e-12;
#else
static const double APART = 1e-4;
#endif

static void assert_near(double is, double expected, const char *what, const char *words)
{
    if (!(fabs(is - expected) <= APART * fmax(1, fabs(expected))))
        fail_msg("%s of %s is %.17g, unsplit %.17g", what, words, is, expected);
}

static void every_split_tells_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
    } splits[] = {
        {"parallel.data=zero3", 2},
        {"parallel.tp=2", 2},
        {"parallel.tp=2 parallel.sequence_parallel=yes model.sequence=8 train.recompute=full", 2},
        {"parallel.tp=2 train.recompute=full train.microbatch=2", 4},
        {"parallel.pp=2 parallel.schedule=zb-h1 train.recompute=full", 4},
        {"parallel.pp=2 parallel.virtual_stages=2 parallel.schedule=interleaved train.microbatch=2", 4}};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        const char *words = splits[i].words;
        Told one = {.z_loss = 0}, told = {.z_loss = 0};
        bool longer = strstr(words, "model.sequence") != NULL;
        if (!ranks_fit(splits[i].ranks)) continue;
        Case truth = make_case(longer ? "model.sequence=8" : "", &one), c = make_case(words, &told);
        run_truth(&truth);
        if (run_case(&c, splits[i].ranks)) {
            for (int l = 0; l < LAYERS; l++) {
                double all = 0;
                for (int e = 0; e < EXPERTS; e++) all += told.load[l][e];
                assert_true(all == (longer ? 24 * 8 : TOKENS) * TOP_K);
                assert_near(told.dropped[l], one.dropped[l], "the dropped share", words);
                assert_near(told.imbalance[l], one.imbalance[l], "the imbalance", words);
                assert_near(told.entropy[l], one.entropy[l], "the entropy", words);
                double taken = 0;
                for (int e = 0; e < EXPERTS; e++) taken += told.rows[l][e];
                assert_near(taken, (1 - told.dropped[l]) * all, "rows", words);
            }
            assert_memory_equal(told.load, one.load, sizeof one.load);
            assert_memory_equal(told.rows, one.rows, sizeof one.rows);
            assert_near(told.balance_loss, one.balance_loss, "the balance loss", words);
            assert_near(told.z_loss, one.z_loss, "the z-loss", words);
            /* 1 a layer under an even load, and not far from it at first; drops are of a capacity above the mean */
            assert_true(told.balance_loss > 0.01 * 0.9 * LAYERS && told.balance_loss < 0.01 * 2 * LAYERS);
            assert_true(told.entropy[0] > 1 && told.entropy[0] <= log(EXPERTS) && told.dropped[0] < 0.5);
        }
        if (c.refused[0]) fail_msg("%s: %s", words, c.refused);
        case_free(&truth);
        case_free(&c);
    }
}

/* A step against the load of all replicas, microbatches and layers, the same under every split to the bit, and by the
 * loads that are told. */
static void every_split_has_the_same_bias(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
    } splits[] = {
        {"parallel.data=zero3 moe.router=sigmoid", 2},
        {"parallel.data=dp train.microbatch=4", 3},
        {"parallel.tp=2 train.microbatch=3", 4},
        {"parallel.pp=2 parallel.schedule=zb-h1 train.recompute=full train.microbatch=2", 4},
        {"parallel.pp=2 parallel.virtual_stages=2 parallel.schedule=interleaved train.microbatch=2", 4},
        {"parallel.pp=4 train.microbatch=6 parallel.data=zero1", 8}};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        const char *words = splits[i].words;
        Told one = {.z_loss = 0}, told = {.z_loss = 0};
        if (!ranks_fit(splits[i].ranks)) continue;
        const char *router = strstr(words, "sigmoid") ? "moe.router=sigmoid" : "";
        Case truth = case_of_words(3, WITH_BIAS "%s", router), c = case_of_words(3, WITH_BIAS "%s", words);
        truth.look = c.look = look, truth.context = &one, c.context = &told;
        run_truth(&truth);
        if (run_case(&c, splits[i].ranks)) {
            double most = 0;
            assert_memory_equal(told.bias, one.bias, sizeof one.bias);
            assert_memory_equal(told.bias, told.due, sizeof told.due);
            assert_memory_equal(told.rows, told.load, sizeof told.load);
            for (int e = 0; e < EXPERTS; e++) most = fmax(most, fabs(told.bias[LAYERS - 1][e]));
            assert_true(case_counts(&c, words, splits[i].ranks));
            assert_true(most >= BIAS_STEP);
        }
        if (c.refused[0]) fail_msg("%s: %s", words, c.refused);
        case_free(&truth);
        case_free(&c);
    }
}

static void dry_the_load_is_even(void **state)
{
    (void)state;
    if (mpi && mpi->rank > 0) return;
    Told told = {.z_loss = 0};
    Case c = make_case("parallel.pp=2 train.microbatch=2", &told);
    c.dry = true;
    c.steps = 1;
    assert_true(case_virtual(&c, 4));
    for (int l = 0; l < LAYERS; l++)
        for (int e = 0; e < EXPERTS; e++) {
            assert_true(told.load[l][e] == TOKENS * TOP_K / (double)EXPERTS);
            assert_true(told.rows[l][e] ==
                        24 * (e < 2 ? 4 : 3)); /* of a sample's 14 choices the first have more */
        }
    assert_true(told.imbalance[0] == 1 && isnan(told.entropy[0]) && isnan(told.balance_loss));
    case_free(&c);
}

int ranks_experts(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_tells_the_same),
        cmocka_unit_test(every_split_has_the_same_bias),
        cmocka_unit_test(dry_the_load_is_even),
    };
    return cmocka_run_group_tests_name("experts", tests, NULL, NULL);
}
