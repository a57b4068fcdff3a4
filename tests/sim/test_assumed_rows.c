/* test_assumed_rows.c - rows of experts as a run's file has them, by replica and microbatch: given to a dry run, refused where
 * they cannot be, and missing. */
#include <stdlib.h>
#include <string.h>
#include "sim/base/standard.h"
#include "sim/file/checksums.h"
#include "sim/file/h5.h"
#include "sim/file/run_file.h"
#include "sim/report/report.h"
#include "tests/support/check.h"
#include "tests/support/experts_walked.h"

static H5 *edited(const PlotPlace *place, const char *name)
{
    Error error;
    H5 *file = h5_edit(in_folder(place, name), &error);
    if (!file) fail_msg("%s", error.text);
    return file;
}

/* As if the run had left it so. */
static void close_summed(H5 *file)
{
    Error error;
    if (!h5_unlink(file, "/checksums", &error) || !checksums_make(file, &error) ||
        !checksums_write(file, &error) || !h5_close(file, &error))
        fail_msg("%s", error.text);
}

/* The same seconds, bytes, and rows; `way` is what of the grid is another. */
static void given(void **state)
{
    PlotPlace *place = *state;
    char load[160];
    snprintf(load, sizeof load, "moe.load=%s", in_folder(place, "s.h5"));
    assert_int_equal(EXPERTS_WALK(place, "s.h5", "moe.skew=1", "train.microbatch=2", "parallel.ep=2"),
                     STATUS_OK);
    assert_int_equal(EXPERTS_WALK(place, "g.h5", load, "train.microbatch=2", "parallel.ep=2"), STATUS_OK);
    assert_says(place->said, "each replica's and microbatch's own, as moe.load = ");
    const char *const paths[] = {"/moe/rows", "/moe/load", "/comm/bytes_sent", "/steps/simulated_time"};
    Error error;
    RunFile *was = run_file_open(in_folder(place, "s.h5"), &error),
            *is = run_file_open(in_folder(place, "g.h5"), &error);
    assert_true(was->microbatches == 2 && was->replicas == 2 && is->given_rows && !was->given_rows);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const size_t values = i == 0   ? WALKED_LAYERS * 4 * WALKED_EXPERTS
                              : i == 1 ? WALKED_LAYERS * WALKED_EXPERTS
                              : i == 2 ? 2
                                       : 1;
        double *a = run_file_first(was, paths[i], 1, &error), *b = run_file_first(is, paths[i], 1, &error);
        assert_true(a && b && memcmp(a, b, values * sizeof *a) == 0);
        free(a);
        free(b);
    }
    double *all = run_file_first(was, "/moe/rows", 1, &error);
    for (int i = 0; i < WALKED_LAYERS * 2 * WALKED_EXPERTS; i++) { /* two microbatches, that are alike */
        const double *both = all + i / WALKED_EXPERTS * 2 * WALKED_EXPERTS + i % WALKED_EXPERTS;
        assert_true(both[0] == both[WALKED_EXPERTS] && both[0] > 0);
    }
    free(all);
    run_file_close(was);
    run_file_close(is);
    /* cut into others: shares */
    assert_int_equal(EXPERTS_WALK(place, "g.h5", load, "train.microbatch=4"), STATUS_OK);
    assert_says(place->said, "shares of it alike in every microbatch and replica");
    assert_int_equal(EXPERTS_WALK(place, "g.h5", load, "train.microbatch=2", "moe.capacity_factor=1.5"),
                     STATUS_OK);
    assert_says(place->said, "shares of it alike in every microbatch and replica");
}

/* Rows of an even load are whole where its mean is not: of 80 choices 27, 27 and 26 for 80 / 3 each. */
static void rows_of_an_even_load(void **state)
{
    PlotPlace *place = *state;
    static const char *const sets[][2] = {{"moe.capacity_factor=0", "moe.balance=none"},
                                          {"moe.capacity_factor=1", "moe.balance=none"},
                                          {"moe.capacity_factor=1", "moe.balance_scope=sequence"},
                                          {"moe.balance=auxiliary", "moe.balance_scope=sequence"}};
    char load[160], again[160];
    snprintf(load, sizeof load, "moe.load=%s", in_folder(place, "s.h5"));
    snprintf(again, sizeof again, "moe.load=%s", in_folder(place, "g.h5"));
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const char *const one = sets[i][0], *const two = sets[i][1];
        Error error;
        assert_int_equal(EXPERTS_WALK(place, "s.h5", "moe.experts=3", one, two), STATUS_OK);
        assert_int_equal(EXPERTS_WALK(place, "g.h5", "moe.experts=3", one, two, load), STATUS_OK);
        assert_says(place->said, "each replica's and microbatch's own, as moe.load = ");
        assert_int_equal(EXPERTS_WALK(place, "h.h5", "moe.experts=3", one, two, again), STATUS_OK);
        RunFile *was = run_file_open(in_folder(place, "s.h5"), &error),
                *is = run_file_open(in_folder(place, "h.h5"), &error);
        double *a = run_file_first(was, "/moe/rows", 1, &error),
               *b = run_file_first(is, "/moe/rows", 1, &error);
        const double *rows = i < 2 ? (const double[]){27, 27, 26} : (const double[]){28, 28, 24};
        assert_memory_equal(a, rows, 3 * sizeof *a);
        assert_memory_equal(a, b, WALKED_LAYERS * 2 * 3 * sizeof *a);
        free(a);
        free(b);
        run_file_close(was);
        run_file_close(is);
    }
}

/* 38, 19, 13 and 10 rows of 40 tokens' 80 choices. */
static void rows_that_cannot_be(void **state)
{
    PlotPlace *place = *state;
    static const struct {
        int32_t rows[WALKED_EXPERTS];
        const char *said;
    } damages[] = {
        {{41, 16, 13, 10},
         "its /moe/rows has 41 rows of expert 0 in a microbatch, of which it takes 0 to 40;"},
        {{38, 20, 13, 10}, "its /moe/rows has 81 rows of a microbatch, whose choices are 80;"},
        {{38, 19, 13, 9}, "its /moe/rows has 79 rows of a microbatch, whose choices are 80;"},
        {{38, 19, -1, 24},
         "its /moe/rows has -1 rows of expert 2 in a microbatch, of which it takes 0 to 40;"},
        {{37, 20, 13, 10},
         "its /moe/rows has 75 rows of expert 0 in layer 1 with experts, and its /moe/load 76"},
    };
    char load[160];
    Error error;
    snprintf(load, sizeof load, "moe.load=%s", in_folder(place, "s.h5"));
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        int32_t rows[WALKED_LAYERS][2][WALKED_EXPERTS];
        assert_int_equal(EXPERTS_WALK(place, "s.h5", "moe.skew=1"), STATUS_OK);
        H5 *file = edited(place, "s.h5");
        assert_true(h5_read_rows(file, "/moe/rows", 0, 1, H5_I32, rows, &error));
        assert_true(rows[0][0][0] == 38 && rows[WALKED_LAYERS - 1][1][3] == 10);
        memcpy(rows[0][0], damages[i].rows, sizeof damages[i].rows);
        assert_true(h5_write(file, "/moe/rows", 0, 1, H5_I32, rows, &error));
        close_summed(file);
        assert_int_equal(EXPERTS_WALK(place, "g.h5", load), STATUS_BAD_REQUEST);
        assert_says(place->said, damages[i].said);
    }
}

/* As those of a run whose rows are too many. */
static void files_that_lack_rows(void **state)
{
    PlotPlace *place = *state;
    static const char *const left_out[] = {"/moe/rows", "/moe/replica", "/moe/microbatch"};
    char load[160];
    Error error;
    snprintf(load, sizeof load, "moe.load=%s", in_folder(place, "s.h5"));
    assert_int_equal(EXPERTS_WALK(place, "s.h5", "moe.skew=1", "parallel.ep=2"), STATUS_OK);
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        H5 *file = edited(place, "s.h5");
        assert_true(h5_unlink(file, left_out[i], &error));
        close_summed(file);
        RunFile *run = run_file_open(in_folder(place, "s.h5"), &error);
        if (!run) fail_msg("%s", error.text);
        assert_true(!run_file_has(run, left_out[i]) && run_file_has(run, "/moe/load"));
        run_file_close(run);
    }
    assert_int_equal(EXPERTS_WALK(place, "g.h5", load, "parallel.ep=2"), STATUS_OK);
    assert_says(place->said, "shares of it alike in every microbatch and replica");
    ExpertsLoads l = experts_loads(place, "g.h5");
    experts_assert_loads(&l, 1, (const double[]){2 * 38, 2 * 19, 2 * 13, 2 * 10});
    Capture c = capture();
    assert_true(report_run(in_folder(place, "s.h5"), false, &error));
    captured(place, c);
    assert_says(place->said, "moe.skew = 1");
    /* what has its rows in place of a scale is damaged */
    assert_int_equal(EXPERTS_WALK(place, "s.h5", "moe.skew=1"), STATUS_OK);
    H5 *file = edited(place, "s.h5");
    assert_true(h5_unlink(file, "/moe/microbatch", &error));
    close_summed(file);
    assert_int_equal(EXPERTS_WALK(place, "g.h5", load), STATUS_BAD_REQUEST);
    assert_says(place->said, "/moe/rows is [1, 2, 2, 1, 4] of ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(given, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(rows_of_an_even_load, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(rows_that_cannot_be, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(files_that_lack_rows, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("assumed rows", tests, NULL, NULL);
}
