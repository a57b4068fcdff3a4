/* test_plot_command.c - `sim plot` beside its pictures: the templates it finds, the script it makes of them, and
 * words it refuses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sim/plot/draw.h"
#include "tests/support/check.h"
#include "tests/support/made_up.h"
#include "tests/support/plot_place.h"
#include "tests/support/sample_run.h"

static void test_script(void **state)
{
    PlotPlace *place = *state;
    Error error = {""};
    char templates[PLOT_PATH];
    assert_true(plot_find_templates(place->program, templates, &error));
    assert_true(plot_write_script(templates, "comm", "THE_DATA = 1\n", place->folder, &error));
    char *script = text_of(in_folder(place, "comm.gp"));
    assert_says(script, "THE_DATA = 1\n");
    assert_says(script, "set terminal svg");
    assert_null(strstr(script, "load '"));
    assert_int_equal(strncmp(script, "# comm.gp", 9), 0);
    free(script);
    assert_false(folder_has_draft(place->folder));

    assert_false(plot_write_script(templates, "pie", "", place->folder, &error));
    assert_says(error.text, "pie.gp");
    assert_false(folder_has_draft(place->folder));
    assert_false(plot_find_templates(place->folder, templates, &error));
    assert_says(error.text, "make install");
}

static void write_text(const char *path)
{
    FILE *text = fopen(path, "w");
    assert_true(text && fputs("not a run\n", text) >= 0 && fclose(text) == 0);
}

static void test_bad_requests(void **state)
{
    PlotPlace *place = *state;
    assert_int_equal(PLOT(place, "--help"), 0);
    assert_says(place->said, "--out DIR");
    assert_int_equal(plot_words(place, (const char *const[]){NULL}), 2);
    assert_says(place->said, "sim plot --help");
    assert_int_equal(PLOT(place, ""), 2);
    assert_says(place->said, "sim: plot: a name is empty");
    assert_int_equal(PLOT(place, "--fast"), 2);
    assert_says(place->said, "--fast");
    /* options are looked at before any file */
    const char *gone = in_folder(place, "gone.h5");
    assert_int_equal(PLOT(place, gone, "--charts", "loss,memori"), 2);
    assert_says(place->said, "--charts: 'memori' is no chart; try memory; there are loss, comm, ");
    assert_int_equal(PLOT(place, gone, "--charts=loss,"), 2);
    assert_says(place->said, "--charts: a chart's name is missing; there are loss, ");
    assert_int_equal(PLOT(place, gone, "--charts"), 2);
    assert_says(place->said, "--charts: a chart's name is missing");
    assert_int_equal(PLOT(place, gone, "--format", "pmg"), 2);
    assert_says(place->said, "--format: 'pmg' is no format; try png; there are png, svg, pdf\n");
    assert_int_equal(PLOT(place, gone, "--out="), 2);
    assert_says(place->said, "--out needs a folder");
    assert_int_equal(PLOT(place, gone), 2);
    assert_says(place->said, "gone.h5");
    write_text(in_folder(place, "text.h5"));
    assert_int_equal(PLOT(place, in_folder(place, "text.h5")), 2);
    assert_says(place->said, "text.h5");
    const char *many[34];
    for (int i = 0; i < 33; i++) many[i] = "a.h5";
    many[33] = NULL;
    assert_int_equal(plot_words(place, many), 2);
    assert_says(place->said, "at most 32");
}

/* Only the charts and formats that are asked for. */
static void test_chosen(void **state)
{
    PlotPlace *place = *state;
    const char *run = in_folder(place, "run.h5");
    sample_run(run, true);
    assert_int_equal(
        PLOT(place, run, "--charts", "memory,bubble_microbatches", "--charts=loss", "--format", "pdf"), 0);
    assert_says(place->said, "\nmemory              /");
    assert_says(place->said, "run-charts/memory.pdf, .gp\n");
    assert_says(place->said, "bubble_microbatches skipped: it shows several runs\n");
    assert_null(strstr(place->said, "comm"));
    assert_true(folder_has(place->folder, "run-charts/loss.pdf"));
    assert_false(folder_has(place->folder, "run-charts/loss.png"));
    assert_false(folder_has(place->folder, "run-charts/comm.gp"));
    assert_int_equal(PLOT(place, run, "--charts", "memory", "--format=svg,png"), 0);
    assert_says(place->said, "run-charts/memory.png, .svg, .gp\n");
    assert_null(strstr(place->said, "skipped"));
}

/* Of whatever chart, and no other's files. */
static void test_abandoned(void **state)
{
    PlotPlace *place = *state;
    const char *run = in_folder(place, "run.h5");
    sample_run(run, true);
    assert_int_equal(PLOT_CHART(place, "comm", run), 0);
    write_text(in_folder(place, "run-charts/loss.png.sim-123.tmp"));
    write_text(in_folder(place, "run-charts/memory.gp.sim-123.1.tmp"));
    write_text(in_folder(place, "run-charts/mine.png.sim-123.tmp"));
    assert_int_equal(PLOT_CHART(place, "comm", run), 0);
    assert_false(folder_has(place->folder, "run-charts/loss.png.sim-123.tmp") ||
                 folder_has(place->folder, "run-charts/memory.gp.sim-123.1.tmp"));
    assert_true(folder_has(place->folder, "run-charts/mine.png.sim-123.tmp"));
}

/* Of a folder what is a run's, by name; a line for what is named like one. */
static void test_folder(void **state)
{
    PlotPlace *place = *state;
    char name[32];
    mkdir(in_folder(place, "runs"), 0755);
    assert_int_equal(PLOT(place, in_folder(place, "runs")), 2);
    assert_says(place->said, "/runs: no file in this folder ends in .h5");
    write_text(in_folder(place, "runs/notes.txt"));
    write_text(in_folder(place, "runs/w\033.h5"));
    assert_int_equal(PLOT(place, in_folder(place, "runs")), 2);
    assert_says(place->said, "/runs: no run's file in this folder; 1 ends in .h5: /");
    assert_says(place->said, "/w?.h5: ");
    assert_null(strchr(strchr(place->said, '\n') + 1, '\n'));

    sample_run(in_folder(place, "runs/b.h5"), true);
    sample_run(in_folder(place, "runs/a.h5"), true);
    sample_run(in_folder(place, "runs/.hidden.h5"), true);
    assert_int_equal(PLOT(place, in_folder(place, "runs"), "--charts", "memory"), 0);
    assert_int_equal(strncmp(place->said, "sim: plot: skipped /", 20), 0);
    assert_null(strstr(place->said, "notes.txt"));
    assert_file_says(in_folder(place, "runs/a+b-charts/memory.gp"), "LABEL[2] = ['a', 'b']");
    /* one that was named before stands first, and once */
    assert_int_equal(
        PLOT(place, in_folder(place, "runs/./b.h5"), in_folder(place, "runs/"), "--charts=memory"), 0);
    assert_file_says(in_folder(place, "runs/b+a-charts/memory.gp"), "LABEL[2] = ['b', 'a']");

    for (int i = 0; i < 31; i++) {
        snprintf(name, sizeof name, "runs/link%d.h5", i);
        assert_int_equal(symlink("a.h5", in_folder(place, name)), 0);
    }
    assert_int_equal(PLOT(place, in_folder(place, "runs")), 2);
    assert_int_equal(strcmp(place->said, "sim: plot: 33 run files; at most 32 fit one chart: give fewer\n"),
                     0);
}

/* Names of control bytes stay on their lines. */
static void test_control_bytes(void **state)
{
    PlotPlace *place = *state;
    sample_run(in_folder(place, "n\nl.h5"), true);
    record_made_up(in_folder(place, "dry\033[31m.h5"), (MadeUp){.ranks = 1, .steps = 1, .dry = true});
    assert_int_equal(PLOT(place, in_folder(place, "n\nl.h5"), in_folder(place, "dry\033[31m.h5"),
                          "--charts=loss,memory", "--format=svg", "--out", in_folder(place, "to\nhere")),
                     0);
    assert_says(place->said, "leaves out dry?[31m: a dry run");
    assert_says(place->said, "to?here/memory.svg, .gp\n");
    assert_says(place->said, "to?here/index.html\n");
    assert_null(strchr(place->said, '\033'));
}

/* Calls that draw into one folder at once do not meet in a picture that is half drawn. */
static void test_at_once(void **state)
{
    enum { CALLS = 3 };
    PlotPlace *place = *state;
    const char *run = in_folder(place, "run.h5");
    pid_t call[CALLS];
    sample_run(run, true);
    FILE *slow = fopen(in_folder(place, "gnuplot"), "w");
    assert_true(slow &&
                fputs("#!/bin/sh\neval \"$3\"\nexec >$out\nsleep 0.0$(($$ % 5))\necho '</svg>'\n", slow) >=
                    0 &&
                fclose(slow) == 0);
    for (int i = 0; i < CALLS; i++) {
        call[i] = fork();
        if (call[i] == 0) {
            int status = 0;
            for (int again = 0; again < 3 && status == 0; again++)
                status = PLOT(place, run, "--charts=loss,memory", "--format=svg");
            if (status) print_error("%s\n", place->said);
            _exit(status);
        }
    }
    for (int i = 0; i < CALLS; i++) {
        int status;
        assert_int_equal(waitpid(call[i], &status, 0), call[i]);
        assert_int_equal(status, 0);
    }
    assert_false(folder_has_draft(in_folder(place, "run-charts")));
    assert_false(folder_has(place->folder, "run-charts/index.1.html"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_script, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_bad_requests, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_chosen, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_abandoned, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_control_bytes, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_at_once, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(test_folder, plot_setup_undrawn, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
