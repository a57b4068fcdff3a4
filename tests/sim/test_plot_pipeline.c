/* test_plot_pipeline.c - what charts and report say of a pipeline: bubbles, seconds by part, bytes by axis,
 * from run files of schedules walked on paper. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/file/checksums.h"
#include "sim/file/h5.h"
#include "tests/support/check.h"
#include "tests/support/walked.h"

/* ---- bubbles ---- */

static void test_bubble(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 2}, .measured = 0.5}, 0.25);
    record_walk(in_folder(place, "b.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 2}, .dp = 1}, NAN);
    assert_int_equal(PLOT_SVG(place, in_folder(place, "a.h5")), 0);
    assert_int_equal(PLOT_CHART(place, "bubble", in_folder(place, "b.h5")), 0);
    assert_drawn(place, "a-charts", "bubble");
    const char *gp = in_folder(place, "a-charts/bubble.gp");
    assert_file_says(gp, "FORMULA = 'formula (p−1)/(m+p−1)'\n");
    assert_file_says(gp, "array PART[2] = ['simulated', 'measured']\n");
    assert_file_says(gp, "HIGHEST = 50.0\n"); /* the higher of both, not their sum */
    assert_file_says(gp, "$D << EOD\n0.5 0.25 NaN 0.31578947368421");
    assert_int_equal(count_in(gp, " 0.5\n"), 2);
    assert_file_says(gp, "nothing to do. Measured: from CPU times");
    gp = in_folder(place, "b-charts/bubble.gp");
    assert_file_says(gp, "array PART[1] = ['simulated']\n");
    assert_file_says(gp, "a rank has nothing to do'\n");
    assert_file_says(gp, " NaN NaN 0.31578947368421");
}

static void test_bubble_microbatches(void **state)
{
    PlotPlace *place = *state;
    static const ScheduleKind kind[] = {SCHEDULE_GPIPE, SCHEDULE_1F1B};
    for (int k = 0; k < 2; k++)
        for (int m = 2; m <= 4; m += 2) {
            char name[32];
            snprintf(name, sizeof name, "%d-%d.h5", k, m);
            record_walk(in_folder(place, name), (Walked){kind[k], {1, 2, m}, .tp = 2},
                        bubble_formula(1, 2, m));
        }
    assert_int_equal(PLOT_CHART(place, "bubble_microbatches", in_folder(place, "0-4.h5"),
                                in_folder(place, "1-2.h5"), in_folder(place, "0-2.h5"),
                                in_folder(place, "1-4.h5")),
                     0);
    assert_drawn(place, "0-4+1-2+0-2+1-4-charts", "bubble_microbatches");
    const char *gp = in_folder(place, "0-4+1-2+0-2+1-4-charts/bubble_microbatches.gp");
    assert_file_says(gp, "SERIES = 2\narray NAMES[2] = ['1f1b', 'gpipe']\n");
    assert_file_says(gp, "array TICK[2] = [2, 4]\n");
    assert_file_says(gp, "p = 2 pipeline ranks. ");
    assert_file_says(gp, "$D << EOD\n2 31.57894736842");
    assert_file_says(gp, " 33.33333333333"); /* the formula beside it */
    assert_int_equal(count_in(gp, "\n4 19.35483870967"), 2);
    assert_int_equal(count_in(gp, "\n\n\n"), 1);
    assert_int_equal(
        PLOT_CHART(place, "bubble_microbatches", in_folder(place, "0-4.h5"), in_folder(place, "1-4.h5")), 0);
    assert_says(place->said, "bubble_microbatches skipped: it needs pipelined runs that differ");
    assert_int_equal(PLOT_SVG(place, in_folder(place, "0-4.h5")), 0);
    assert_null(strstr(place->said, "bubble_microbatches"));
}

/* ---- stacks and words ---- */

static void test_breakdown(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"),
                (Walked){SCHEDULE_1F1B, {1, 2, 1}, .wire = 0.25, .recompute = 0.5, .waiting = 0.25}, NAN);
    assert_int_equal(PLOT_CHART(place, "breakdown", in_folder(place, "a.h5")), 0);
    assert_drawn(place, "a-charts", "breakdown");
    const char *gp = in_folder(place, "a-charts/breakdown.gp");
    assert_file_says(gp, "= ['compute', 'recompute', 'optimizer', 'tensor-parallel wait', 'pipeline wire', "
                         "'pipeline idle']\n");
    assert_file_says(gp, "UNIT = 'ms'\n");
    assert_file_says(gp, "XLABEL = 'stage'\n");
    record_walk(in_folder(place, "b.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .tp = 2, .dp = 2}, NAN);
    assert_int_equal(PLOT_CHART(place, "breakdown,bubble", in_folder(place, "b.h5")), 0);
    assert_file_says(in_folder(place, "b-charts/breakdown.gp"),
                     "XLABEL = 'stage'\narray LABEL[2] = ['0', '1']\n");
    assert_file_says(in_folder(place, "b-charts/breakdown.gp"), "A bar is of the stage''s first rank. ");
    assert_file_says(in_folder(place, "b-charts/bubble.gp"), "XLABEL = 'rank'\narray LABEL[8] = [");
    double value[9]; /* of rank 0: highest, formula, mark: what computes, parts */
    char *text = text_of(gp), *end = strstr(text, "$D << EOD\n") + 10;
    for (int i = 0; i < 9; i++) value[i] = strtod(end, &end);
    free(text);
    static const double expected[] = {7, NAN, 3, 2, 0.5, 0.5, 0.5, 0.25, 3.25};
    for (int i = 0; i < 9; i++)
        assert_true(i == 1 ? isnan(value[i]) : fabs(1e3 * value[i] - expected[i]) < 1e-9);
}

static void test_bytes_by_axis(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .tp = 2}, NAN);
    assert_int_equal(PLOT_CHART(place, "bytes_by_axis", in_folder(place, "a.h5")), 0);
    const char *gp = in_folder(place, "a-charts/bytes_by_axis.gp");
    assert_file_says(gp, "array PART[3] = ['data: dp, zero', 'tensor: tp', 'control (max 16 bytes)']\n");
    assert_file_says(gp, "\n4024 4008 NaN 3008 1000 16\n"); /* zero.norm is data's; control has no formula */
    assert_file_says(gp, "no formula for control");
}

static void test_report(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"),
                (Walked){SCHEDULE_INTERLEAVED, {2, 2, 4}, .dp = 3, .tp = 2, .measured = 0.5}, 0.125);
    report_says(place, "a.h5");
    assert_says(place->said,
                "  grid        pp 2 x dp 3 x tp 2; interleaved, 2 stages a rank; 4 microbatches a step\n"
                "  bubble      10.7 % of the step idle on every rank; formula 12.5 % (of equal stages, free "
                "messages); from measured CPU times 50.0 % on average\n");
    assert_says(place->said, "\n  simulated step, rank 0   14.0 ms                    share\n"
                             "    compute                12.0 ms                    85.7 %\n"
                             "    pp_idle                1.50 ms                    10.7 %\n"
                             "    optimizer              500 µs                     3.6 %\n");
}

/* A grid that its ranks cannot make up. */
static void test_bad_grid(void **state)
{
    PlotPlace *place = *state;
    Error error = {""};
    const char *path = in_folder(place, "a.h5");
    record_walk(path, (Walked){SCHEDULE_1F1B, {1, 2, 1}, .dp = 2}, NAN);
    H5 *file = h5_edit(path, &error);
    assert_true(h5_set_text(file, "/config", "parallel.pp", "3", &error));
    assert_true(checksums_write(file, &error) && h5_close(file, &error));
    assert_int_equal(PLOT(place, path), 2);
    assert_says(place->said, "parallel.pp = 3 times parallel.tp = 1 does not divide 4 ranks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bubble, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_bubble_microbatches, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_breakdown, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_bytes_by_axis, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_report, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_bad_grid, plot_setup_undrawn, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
