/* test_plot_legends.c - that what a chart draws can be read in it, of as many runs and parts as it admits. */
#include <stdio.h>
#include "parallel/wire/purpose.h"
#include "sim/base/posix.h"
#include "sim/plot/chart.h"
#include "tests/support/check.h"
#include "tests/support/made_up.h"
#include "tests/support/walked.h"
#include "tests/support/sample_run.h"

/* Every run's name beside the losses, and every purpose beside the bytes. */
static void test_legends(void **state)
{
    PlotPlace *place = *state;
    char path[PLOT_RUNS_MAX][FOLDER + 16], name[16];
    const char *words[PLOT_RUNS_MAX + 7] = {"--charts", "loss,comm", "--format", "svg", "--out", NULL};
    words[5] = in_folder(place, "out");
    for (int i = 0; i < PLOT_RUNS_MAX; i++) {
        snprintf(path[i], sizeof path[i], "%s/run-%d.h5", place->folder, i);
        if (i == 0)
            sample_run(path[i], true);
        else
            assert_true(files_copy(path[0], path[i], NULL));
        words[6 + i] = path[i];
    }
    assert_int_equal(plot_words(place, words), 0);
    for (int i = 0; i < PLOT_RUNS_MAX; i++) {
        snprintf(name, sizeof name, "run-%d", i);
        assert_in_picture(in_folder(place, "out/loss.svg"), name);
    }
    for (int p = 0; p < PURPOSES; p++)
        assert_in_picture(in_folder(place, "out/comm.svg"), purpose_row[p].name);
    assert_in_picture(in_folder(place, "out/comm.svg"), "formula");
}

/* A name of 32 letters stands whole under its bar, whatever they are. */
static void test_odd_names(void **state)
{
    PlotPlace *place = *state;
    static const char *const names[] = {"b.h5", "50% \"q\" 'r' `id` {a}_^@~&\\#D é%s.h5", "c.h5", "d.h5"};
    const char *path[4];
    for (int i = 0; i < 4; i++) {
        path[i] = in_folder(place, names[i]);
        record_made_up(path[i], (MadeUp){.ranks = i == 1 ? 40 : 2, .steps = 1, .unfinished = i == 1});
    }
    assert_int_equal(PLOT(place, path[0], path[1], path[2], path[3], "--charts", "memory", "--format", "svg",
                          "--out", in_folder(place, "out")),
                     0);
    assert_in_picture(in_folder(place, "out/memory.svg"),
                      "50% \"q\" 'r' `id` {a}_^@~&amp;\\#D é%s (rank 39 of 40, unfinished)");
}

/* Steps count from 1, and no tick stands between two. */
static void test_few_steps(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = 1, .steps = 2});
    assert_int_equal(PLOT(place, in_folder(place, "a.h5"), "--charts", "loss", "--format", "svg"), 0);
    const char *loss = in_folder(place, "a-charts/loss.svg");
    assert_file_says(in_folder(place, "a-charts/loss.gp"), "$D << EOD\n1 4 1 ");
    assert_in_picture(loss, "2");
    assert_int_equal(count_in(loss, ">1.2</tspan>") + count_in(loss, ">0.2</tspan>"), 0);
}

/* What is many times the first is said so, and not in thousands of percent. */
static void test_changes(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = 3, .steps = 2});
    record_made_up(in_folder(place, "b.h5"), (MadeUp){.ranks = 40, .steps = 1});
    record_made_up(in_folder(place, "c.h5"), (MadeUp){.ranks = 2, .steps = 1});
    assert_int_equal(PLOT(place, in_folder(place, "a.h5"), in_folder(place, "b.h5"), in_folder(place, "c.h5"),
                          "--charts", "comm,memory", "--format", "svg"),
                     0);
    const char *comm = in_folder(place, "a+b+c-charts/comm.svg");
    assert_in_picture(comm, "40.0");
    assert_in_picture(comm, "  (13.3 ×)");
    assert_in_picture(comm, "  (−33 %)");
    assert_file_says(comm, "filter:url(#textbox)"); /* on a white ground: no line of the grid strikes them */
    assert_in_picture(comm, "in brackets: compared");
    assert_in_picture(in_folder(place, "a+b+c-charts/memory.svg"), "in grey: the formula");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_legends, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_odd_names, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_few_steps, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_changes, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
