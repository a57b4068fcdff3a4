/* test_plot_legends.c - that what a chart draws can be read in it, of as many runs and parts as it admits. */
#include <stdio.h>
#include "parallel/wire/purpose.h"
#include "sim/base/posix.h"
#include "sim/plot/chart.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_legends, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
