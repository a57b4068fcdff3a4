/* test_plot_charts.c - `sim plot` on whole run files: one, several, odd ones,
 * names that gnuplot could misread, and what happens when gnuplot or a folder fails. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/support/check.h"
#include "tests/support/made_up.h"
#include "tests/support/plot_place.h"

enum { RANKS = 3 };

static void test_one_run(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "three.h5"), (MadeUp){.ranks = RANKS, .steps = 20, .seconds = 2});
    assert_int_equal(PLOT(place, in_folder(place, "three.h5")), 0);
    static const char *const names[] = {"loss", "comm", "memory", "step_time"};
    for (int i = 0; i < 4; i++) {
        char line[128];
        assert_drawn_png(place, "three-charts", names[i]);
        snprintf(line, sizeof line, "three-charts/%s.png", names[i]);
        assert_says(place->said, line);
    }
    /* a line a rank: the highest thing, formula, mark, parts */
    assert_file_says(in_folder(place, "three-charts/comm.gp"),
                     "$D << EOD\n1010 1000 NaN 1000 10\n2010 2000 NaN 2000 10\n3010 3000 NaN 3000 10\nEOD\n");
    assert_file_says(in_folder(place, "three-charts/comm.gp"), "Equal to the formula on every rank");
    assert_file_says(in_folder(place, "three-charts/comm.gp"), "no formula for control");
    assert_file_says(in_folder(place, "three-charts/memory.gp"),
                     "$D << EOD\n600000 300000 550000 100000 100000 100000 100000 100000 100000\n");
    assert_file_says(in_folder(place, "three-charts/step_time.gp"),
                     "Median of 20 steps, divided as step 20 was (1 s). ");
    assert_file_says(in_folder(place, "three-charts/step_time.gp"),
                     "\n2 NaN NaN 0.5 1 0.5\n"); /* rank 0 rests until rank 2 ends */
    assert_file_says(in_folder(place, "three-charts/loss.gp"), "FLOOR[1] = [1.5]");
    /* a file without a pipeline and simulated time, as older ones are */
    assert_says(place->said, "gantt               skipped: the file has no action's simulated time");
    assert_says(place->said, "bubble              skipped: no pipeline, no bubble");
    assert_says(place->said, "breakdown           skipped: the file has no simulated seconds by part");
    assert_drawn_png(place, "three-charts", "bytes_by_axis");
}

static void test_several_runs(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = RANKS, .steps = 20});
    record_made_up(in_folder(place, "b_%d.h5"), (MadeUp){.ranks = RANKS, .steps = 30, .distance = 2e-6});
    record_made_up(in_folder(place, "c.h5"), (MadeUp){.ranks = 2, .steps = 1, .dry = true});
    assert_int_equal(
        PLOT_SVG(place, in_folder(place, "a.h5"), in_folder(place, "b_%d.h5"), in_folder(place, "c.h5")), 0);
    assert_drawn(place, "a+b_%d+c-charts", "memory");
    assert_drawn(place, "a+b_%d+c-charts", "step_time");
    assert_file_says(in_folder(place, "a+b_%d+c-charts/memory.gp"), "array LABEL[3] = ['a', 'b\\_%d', 'c']");
    assert_file_says(in_folder(place, "a+b_%d+c-charts/memory.gp"),
                     "'rank 2 of 3', 'rank 2 of 3', 'rank 1 of 2, dry'");
    assert_file_says(in_folder(place, "a+b_%d+c-charts/loss.gp"), "RUNS = 2\n"); /* a dry run has no loss */
    assert_file_says(in_folder(place, "a+b_%d+c-charts/loss.gp"), "DIFF_HIGH = 1.0000000000000001e-05");
    assert_says(place->said, "loss                leaves out c: a dry run computes none");
    /* activations alone: the highest thing, formula, no mark, the one part */
    assert_drawn(place, "a+b_%d+c-charts", "activations");
    assert_file_says(
        in_folder(place, "a+b_%d+c-charts/activations.gp"),
        "$D << EOD\n300000 300000 NaN 300000\n300000 300000 NaN 300000\n200000 200000 NaN 200000\nEOD\n");
    assert_file_says(in_folder(place, "a+b_%d+c-charts/memory.gp"),
                     "Model states equal the formula everywhere");
    assert_file_says(in_folder(place, "a+b_%d+c-charts/loss.gp"), "SKIPPED = 0\n");
    record_made_up(in_folder(place, "d.h5"), (MadeUp){.ranks = 2, .steps = 1, .dry = true});
    assert_int_equal(PLOT_CHART(place, "loss", in_folder(place, "c.h5"), in_folder(place, "b_%d.h5"),
                                in_folder(place, "d.h5")),
                     0);
    assert_says(place->said, "loss                leaves out c, d: a dry run computes none");
    assert_int_equal(PLOT_CHART(place, "loss", in_folder(place, "c.h5"), in_folder(place, "d.h5")), 0);
    assert_says(place->said, "loss                skipped: a dry run computes none");
}

/* Losses whole nats apart: gnuplot divides whole numbers as C does. And its environment may name any terminal. */
static void test_far_apart(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = 1, .steps = 4});
    record_made_up(in_folder(place, "b.h5"), (MadeUp){.ranks = 1, .steps = 4, .distance = 3});
    setenv("GNUTERM", "nonsense", 1);
    const int status = PLOT(place, in_folder(place, "a.h5"), in_folder(place, "b.h5"), "--charts=loss",
                            "--format=svg", "--out", in_folder(place, "far"));
    unsetenv("GNUTERM");
    if (status) fail_msg("%s", place->said);
    assert_file_says(in_folder(place, "far/loss.gp"), "DIFF_LOW = 1.0\nDIFF_HIGH = 10.0\n");
}

/* Steps that an overflow cost stand below the losses. */
static void test_skipped_steps(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = 1, .steps = 20, .skipped = 2});
    record_made_up(in_folder(place, "b.h5"), (MadeUp){.ranks = 1, .steps = 20, .skipped = 1});
    assert_int_equal(PLOT_CHART(place, "loss,activations", in_folder(place, "a.h5")), 0);
    assert_drawn(place, "a-charts", "loss");
    assert_says(place->said, "activations         skipped: one run");
    assert_file_says(in_folder(place, "a-charts/loss.gp"), "20 steps, 2 skipped for an overflow (marks)'\n");
    assert_file_says(in_folder(place, "a-charts/loss.gp"), "SKIPPED = 2\n# a skipped step, the run\n"
                                                           "$S << EOD\n1 1\n2 1\nEOD\n");
    assert_int_equal(PLOT_CHART(place, "loss", in_folder(place, "a.h5"), in_folder(place, "b.h5")), 0);
    assert_drawn(place, "a+b-charts", "loss");
    assert_file_says(in_folder(place, "a+b-charts/loss.gp"), "$S << EOD\n1 1\n2 1\n1 2\nEOD\n");
}

static void test_odd_runs(void **state)
{
    static const struct {
        const char *name;
        MadeUp made;
        int drawn; /* of loss, comm, memory, step_time: bits 0 to 3 */
    } cases[] = {
        {"one rank", {.ranks = 1, .steps = 3}, 13},
        {"one step", {.ranks = 2, .steps = 1}, 15},
        {"no step", {.ranks = 2, .steps = 0}, 4},
        {"unfinished", {.ranks = 2, .steps = 3, .unfinished = true, .untimed = true}, 7},
        {"dry", {.ranks = 40, .steps = 1, .dry = true}, 6},
        {"no formula", {.ranks = 4, .steps = 3, .no_formula = true}, 15},
        {"a_b^{x}'q\"$D @home `touch x` ~t&\\n", {.ranks = 2, .steps = 3}, 15},
    };
    static const char *const names[] = {"loss", "comm", "memory", "step_time"};
    PlotPlace *place = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[128], out[32], line[64];
        snprintf(file, sizeof file, "%s.h5", cases[i].name);
        snprintf(out, sizeof out, "out %zu", i);
        record_made_up(in_folder(place, file), cases[i].made);
        if (PLOT_CHART(place, "loss,comm,memory,step_time", "--out", in_folder(place, out),
                       in_folder(place, file)) != 0)
            print_error("%s: %s\n", cases[i].name, place->said);
        for (int chart = 0; chart < 4; chart++) {
            snprintf(line, sizeof line, "%-19s skipped: ", names[chart]);
            const bool skipped = strstr(place->said, line) != NULL;
            assert_int_equal(skipped, !(cases[i].drawn >> chart & 1));
            if (!skipped) assert_drawn(place, out, names[chart]);
        }
    }
    assert_false(folder_has(".", "x"));
    assert_file_says(in_folder(place, "out 3/loss.gp"), "Unfinished: 3 steps'\n");
    assert_file_says(in_folder(place, "out 4/comm.gp"),
                     "21 of 40 ranks: one in 2, the lowest and the highest");
}

/* ---- failures ---- */

/* A gnuplot of the test's own, first on the PATH, that runs `script`; NULL: none at all. */
static void fake_gnuplot(const PlotPlace *place, const char *script)
{
    mkdir(in_folder(place, "bin"), 0755);
    setenv("PATH", in_folder(place, "bin"), 1);
    if (!script) return;
    FILE *out = fopen(in_folder(place, "bin/gnuplot"), "w");
    fprintf(out, "#!/bin/sh\n%s\n", script);
    fclose(out);
    chmod(in_folder(place, "bin/gnuplot"), 0755);
}

static void test_gnuplot_fails(void **state)
{
    PlotPlace *place = *state;
    char path[4096], run[64], out[64];
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    snprintf(run, sizeof run, "%s", in_folder(place, "run.h5"));
    snprintf(out, sizeof out, "%s", in_folder(place, "out"));
    record_made_up(run, (MadeUp){.ranks = 2, .steps = 3});

    fake_gnuplot(place, NULL);
    const int missing = PLOT(place, run, "--out", out);
    setenv("PATH", path, 1);
    assert_int_equal(missing, 1);
    assert_says(place->said, "gnuplot-nox");
    assert_true(folder_has(place->folder, "out/loss.gp") && folder_has(place->folder, "out/step_time.gp"));

    fake_gnuplot(place, "eval \"$3\"; : > $out; exit 0"); /* what a full disk looks like */
    const int empty = PLOT(place, run, "--out", out);
    setenv("PATH", path, 1);
    assert_int_equal(empty, 1);
    assert_says(place->said, "disk full");
    assert_false(folder_has(place->folder, "out/loss.png") || folder_has_draft(out));

    char other[sizeof path + 80]; /* what a terminal that is not there looks like */
    snprintf(other, sizeof other, "PATH=%s exec gnuplot -e 'set terminal pdfcairoo'", path);
    fake_gnuplot(place, other);
    const int no_terminal = PLOT(place, run, "--out", out, "--format", "pdf");
    setenv("PATH", path, 1);
    assert_int_equal(no_terminal, 1);
    assert_says(place->said, "out/loss.pdf: this gnuplot has no terminal that draws pdf; leave pdf out of");
    assert_int_equal(PLOT(place, run, "--charts", "loss", "--format", "pdf"), 0);
    assert_file_says(in_folder(place, "run-charts/loss.pdf"), "%PDF-1.");

    fake_gnuplot(place, "echo noise; echo 'line 7: it broke' >&2; exit 1");
    const int broken = PLOT(place, run, "--out", out);
    setenv("PATH", path, 1);
    assert_int_equal(broken, 1);
    assert_says(place->said, "line 7: it broke");
    assert_null(strstr(place->said, "noise"));
}

static void test_folder_refused(void **state)
{
    PlotPlace *place = *state;
    const char *run = in_folder(place, "run.h5");
    record_made_up(run, (MadeUp){.ranks = 2, .steps = 3});
    assert_int_equal(PLOT(place, run, "--out", "/dev/null/charts"), 1);
    assert_says(place->said, "sim: plot: /dev/null/charts: cannot make this folder: Not a directory; ");
    assert_int_equal(PLOT(place, run, "--out", run), 1);
    assert_says(place->said, "/run.h5/: cannot make this folder: Not a directory; ");
    assert_int_equal(PLOT_CHART(place, "loss", run, "--out", in_folder(place, "new/deep/folder")), 0);
    assert_drawn(place, "new/deep/folder", "loss");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_run, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_several_runs, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_far_apart, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_skipped_steps, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_odd_runs, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_gnuplot_fails, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_folder_refused, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
