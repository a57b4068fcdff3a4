/* test_assumed_load.c - the load of experts that a dry run assumes: shares as whole numbers, by a law or as a run recorded
 * them, and what follows in the run's file and report. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/real.h"
#include "sim/file/run_file.h"
#include "sim/report/report_command.h"
#include "sim/run/assumed_load.h"
#include "sim/run/run.h"
#include "tests/support/check.h"
#include "tests/support/experts_walked.h"
#include "tests/support/made_up.h"
#include "tests/support/plot_place.h"

enum { EXPERTS = WALKED_EXPERTS, LAYERS = WALKED_LAYERS };

static void whole_numbers_of_shares(void **state)
{
    (void)state;
    static const struct {
        double share[EXPERTS];
        int64_t all, most, count[EXPERTS];
    } rows[] = {
        {{1, 1, 1, 1}, 8, 8, {2, 2, 2, 2}},
        {{1, 1, 1, 1}, 10, 8, {3, 3, 2, 2}}, /* of equal remainders the first */
        {{4, 3, 2, 1}, 20, 10, {8, 6, 4, 2}},
        {{4, 3, 2, 1}, 9, 10, {3, 3, 2, 1}},   /* 3.6, 2.7, 1.8 and 0.9 */
        {{4, 3, 2, 1}, 11, 10, {5, 3, 2, 1}},  /* 4.4, 3.3, 2.2, 1.1 */
        {{9, 1, 1, 1}, 20, 10, {10, 4, 3, 3}}, /* 15 are more than tokens: 10, and 3.3 of each other */
        {{16, 8, 1, 1}, 20, 9, {9, 9, 1, 1}},  /* and once more, of those that are left */
        {{1, 0, 0, 0}, 12, 6, {6, 2, 2, 2}},   /* without a share only what nobody else has room for */
        {{0, 2, 0, 0}, 6, 6, {0, 6, 0, 0}},
        {{5, 5, 5, 5}, 24, 6, {6, 6, 6, 6}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int64_t count[EXPERTS];
        assumed_counts(rows[r].share, EXPERTS, rows[r].all, rows[r].most, count);
        for (int i = 0; i < EXPERTS; i++)
            if (count[i] != rows[r].count[i])
                fail_msg("row %zu: expert %d has %lld, not %lld", r, i, (long long)count[i],
                         (long long)rows[r].count[i]);
    }
}

/* By Zipf's law over 256 experts; whatever the exponent: all choices, no more than tokens, none more than the one before. */
static void zipf(void **state)
{
    (void)state;
    enum { E = 256 };
    double share[E];
    int64_t count[E];
    for (int quarters = 0; quarters <= 64; quarters++) {
        int64_t all = 0;
        for (int i = 0; i < E; i++) share[i] = pow(i + 1, -quarters / 4.0);
        assumed_counts(share, E, 4096 * 8, 4096, count);
        for (int i = 0; i < E; i++) {
            assert_true(count[i] >= 0 && count[i] <= 4096 && (i == 0 || count[i] <= count[i - 1]));
            all += count[i];
        }
        assert_int_equal(all, 4096 * 8);
        assert_true(quarters > 0 ? count[0] > 128 && count[0] > count[E - 1] : count[0] == 128);
    }
}

/* ---- whole runs ---- */

/* 40 tokens twice in a microbatch: 1, 1/2, 1/3, 1/4 of them are 38.4, 19.2, 12.8, 9.6; and of two microbatches twice. */
static void skewed(void **state)
{
    PlotPlace *place = *state;
    assert_int_equal(EXPERTS_WALK(place, "s.h5", "moe.skew=1"), STATUS_OK);
    ExpertsLoads l = experts_loads(place, "s.h5");
    for (int layer = 0; layer < LAYERS; layer++)
        experts_assert_loads(&l, layer, (const double[]){2 * 38, 2 * 19, 2 * 13, 2 * 10});
    assert_true(l.imbalance[0] == 38 / 20.0 && l.dropped[0] == 0);
    assert_says(place->said,
                "load        assumed, as a dry run routes no tokens: moe.skew = 1; fullest: expert 0 of "
                "layer 1, 1.90 times the mean\n");
    /* a capacity of 25: 13 of 80 find no room; of each sample by itself 7, of 10, 10, 9 and 9 in the first */
    assert_int_equal(EXPERTS_WALK(place, "c.h5", "moe.skew=1", "moe.capacity_factor=1.25"), STATUS_OK);
    assert_true(experts_loads(place, "c.h5").dropped[1] == 13 / 80.0);
    assert_int_equal(
        EXPERTS_WALK(place, "c.h5", "moe.skew=1", "moe.capacity_factor=1.25", "moe.balance_scope=sequence"),
        STATUS_OK);
    assert_true(experts_loads(place, "c.h5").dropped[1] == (3 + 3 + 2 + 2) / 80.0);
    assert_int_equal(EXPERTS_WALK(place, "e.h5", "train.microbatch=2"), STATUS_OK);
    l = experts_loads(place, "e.h5");
    experts_assert_loads(&l, 0, (const double[]){40, 40, 40, 40});
    assert_says(place->said, "load        assumed to be even: a dry run routes no tokens\n");
}

/* Two replicas have two experts each: 57 and 23 of a microbatch's 80 choices go to them from either. */
static void shared(void **state)
{
    PlotPlace *place = *state;
    Error error;
    assert_int_equal(EXPERTS_WALK(place, "p.h5", "moe.skew=1", "parallel.ep=2"), STATUS_OK);
    assert_says(place->said,
                "fullest: expert 0 of layer 1, 1.90 times the mean, and rank 0 with 2 of them, 1.43 "
                "times\n");
    RunFile *run = run_file_open(in_folder(place, "p.h5"), &error);
    if (!run) fail_msg("%s", error.text);
    assert_true(run->recorded == 2);
    double *sent = run_file_first(run, "/comm/bytes_sent", 1, &error),
           row = 24 * (double)sizeof(real) * 2 * LAYERS; /* twice, in either layer */
    assert_non_null(sent);
    for (size_t p = 0; p < run->purposes; p++) {
        const double rank0 = sent[p], rank1 = sent[run->purposes + p];
        if (!strcmp(run->purpose[p], "moe.dispatch")) assert_true(rank0 == 23 * row && rank1 == 57 * row);
        if (!strcmp(run->purpose[p], "moe.combine")) assert_true(rank0 == 57 * row && rank1 == 23 * row);
    }
    free(sent);
    run_file_close(run);
}

/* Of a run that was even for two steps and collapsed for two. */
static void as_recorded(void **state)
{
    PlotPlace *place = *state;
    char load[160];
    record_made_up(in_folder(place, "made.h5"), (MadeUp){.ranks = 2, .steps = 4, .sparse_layers = LAYERS});
    snprintf(load, sizeof load, "moe.load=%s", in_folder(place, "made.h5"));
    assert_int_equal(EXPERTS_WALK(place, "r.h5", load, "moe.load_step=2"), STATUS_OK);
    ExpertsLoads l = experts_loads(place, "r.h5");
    experts_assert_loads(&l, 1, (const double[]){40, 40, 40, 40});
    assert_int_equal(EXPERTS_WALK(place, "r.h5", load), STATUS_OK);
    l = experts_loads(
        place,
        "r.h5"); /* the only one that was chosen has one choice of each token, and the others the rest */
    experts_assert_loads(&l, 1, (const double[]){80, 2 * 14, 2 * 13, 2 * 13});
    assert_says(place->said, "fullest: expert 0 of layer 1, 2.00 times the mean\n");
    assert_int_equal(EXPERTS_WALK(place, "q.h5", load, "moe.load_step=5"), STATUS_BAD_REQUEST);
    assert_says(place->said, "moe.load_step=5: moe.load has steps 1 to 4; try one of them, or 0\n");
    assert_int_equal(EXPERTS_WALK(place, "q.h5", load, "moe.first_dense=0"), STATUS_BAD_REQUEST);
    assert_says(place->said,
                "it is of 4 experts in 2 layers, and this model has 4 in 3; try the file of a run with "
                "the same [moe]\n");
    assert_int_equal(EXPERTS_WALK(place, "q.h5", load, "moe.skew=1"), STATUS_BAD_REQUEST);
    assert_says(place->said, "moe.skew=1: has an effect only with moe.experts above 0 and without moe.load;");
    assert_int_equal(EXPERTS_WALK(place, "q.h5", "moe.load_step=2"), STATUS_BAD_REQUEST);
    assert_says(place->said, "has an effect only with moe.load;");
    assert_int_equal(EXPERTS_WALK(place, "q.h5", "moe.load=nowhere.h5"), STATUS_BAD_REQUEST);
    assert_says(place->said, "moe.load=nowhere.h5: nowhere.h5: ");
    assert_int_equal(EXPERTS_WALK(place, "made.h5", load), STATUS_BAD_REQUEST);
    assert_says(place->said, "are the same file;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_of_shares),
        cmocka_unit_test(zipf),
        cmocka_unit_test_setup_teardown(skewed, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(shared, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(as_recorded, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("assumed_load", tests, NULL, NULL);
}
