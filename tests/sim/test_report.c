/* test_report.c - `sim report`: what it says of a run that is not complete, and of names that are no plain words. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/report/report_command.h"
#include "sim/report/sheet.h"
#include "sim/report/table.h"
#include "tests/support/check.h"
#include "tests/support/made_up.h"
#include "tests/support/plot_place.h"
#include "tests/support/sample_run.h"

/* Runs sim report on words given up to NULL: its exit status. */
static int report(int argc, char **argv, const PlotPlace *place)
{
    (void)place;
    return report_command(argc, argv);
}
#define REPORT(place, ...) command_words(place, "report", report, (const char *const[]){__VA_ARGS__, NULL})

static void test_not_complete(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "stopped.h5");
    sample_run(path, false);
    assert_int_equal(REPORT(place, path), 0);
    assert_says(place->said, "stopped.h5: zero3 on 4 ranks, 12 of 24 steps, running or stopped\n");
    sample_run(path, true);
    assert_int_equal(REPORT(place, path), 0);
    assert_says(place->said, "stopped.h5: zero3 on 4 ranks, complete\n");
    assert_says(place->said, "  hosts       ranks on host0: 0-1; host1: 2-3\n");
    assert_says(place->said,
                "tensor groups on several of them: 1 of 4; try ranks side by side (mpirun --map-by slot), as "
                "many a host as parallel.tp = 1 divides\n");
}

static void test_checkpoints(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "beside.h5");
    record_made_up(path, (MadeUp){.ranks = 2, .steps = 16, .checkpoint_every = 5});
    assert_int_equal(REPORT(place, path), 0);
    assert_says(
        place->said,
        "  checkpoints 3 of 1.000 MB; training waits 2.00 ms for one, in its place after 1.10 s "
        "(medians)\n"
        "  beside them 3 steps, which took +4.0 %; copies of 500.000 kB a rank in the host's memory\n");
    record_made_up(path, (MadeUp){.ranks = 2, .steps = 10, .checkpoint_every = 5});
    assert_int_equal(REPORT(place, path), 0);
    assert_says(place->said,
                "  checkpoints 1 of 1.000 MB; training waits 2.00 ms for one, in its place after 1.10 s\n"
                "  beside them 1 step; copies of 500.000 kB a rank in the host's memory\n");
}

/* A step that took much longer than foretold, though it computed as foretold, was waiting; one rank for no other. */
static void test_waiting(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "here.h5");
    record_made_up(path, (MadeUp){.ranks = 2, .steps = 3, .foretold = true});
    assert_int_equal(REPORT(place, path), 0);
    assert_says(place->said,
                "  predicted   500 ms a step by localhost, measured 1 s in the median (-50.0 %)\n"
                "  computing   375 ms of it, measured 375 ms of CPU time in step 3 on rank 0 (+0.0 %)\n"
                "  waiting     125 ms of it, measured 625 ms: ranks waited for each other, or for a core "
                "that others had\n");
    record_made_up(path, (MadeUp){.ranks = 1, .steps = 3, .foretold = true});
    assert_int_equal(REPORT(place, path), 0);
    assert_says(place->said,
                "  computing   500 ms of it, measured 500 ms of CPU time in step 3 on rank 0 (+0.0 %)\n"
                "  waiting     none of it, measured 500 ms: for a core that others had\n");
    record_made_up(path, (MadeUp){.ranks = 1, .steps = 3, .foretold = true, .seconds = 0.6});
    assert_int_equal(REPORT(place, path), 0);
    assert_says(place->said, "  computing   500 ms of it");
    assert_null(strstr(place->said, "waiting"));
}

static void check_quoted(const char *name, const char *expected)
{
    char quoted[64];
    words_quote(quoted, sizeof quoted, name);
    assert_string_equal(quoted, expected);
}

static void test_quotes(void **state)
{
    (void)state;
    check_quoted("results/zero3-1.h5", "results/zero3-1.h5");
    check_quoted("", "''");
    check_quoted("a b", "'a b'");
    check_quoted("it's", "'it'\\''s'");
    check_quoted("$(x)`y`", "'$(x)`y`'");
    check_quoted("~", "'~'");
    check_quoted("für", "für");
    check_quoted("a\n'\\\033", "$'a\\012\\'\\\\\\033'");
}

static void test_names(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "a\tb'c.h5");
    sample_run(path, true);
    assert_int_equal(REPORT(place, path), 0);
    assert_says(place->said, "/a?b'c.h5: zero3");
    assert_says(place->said, "draw it     sim plot $'/");
    assert_says(place->said, "/a\\011b\\'c.h5'\n");
}

static void test_bad_requests(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "run.h5");
    sample_run(path, true);
    assert_int_equal(REPORT(place, NULL), 2);
    assert_says(place->said, "sim: report: no run file given; try sim report results/NAME.h5");
    assert_int_equal(REPORT(place, path, "--cvs"), 2);
    assert_int_equal(strncmp(place->said, "sim: report: --cvs: no such option", 34), 0);
    assert_int_equal(REPORT(place, "--help"), 0);
    assert_says(place->said, "sim report RUN.h5|FOLDER... [--csv | --json]");
}

/* Columns by what is seen, no blanks at the end, nothing that a terminal would obey. */
static void test_layout(void **state)
{
    PlotPlace *place = *state;
    Sheet sheet = {.lines = 0};
    sheet_line(&sheet, SHEET_TITLE, "a\033.h5");
    sheet_more(&sheet, ": %d ranks", 2);
    sheet_line(&sheet, SHEET_FACT, "speed");
    sheet_cell(&sheet, "%.1f ms", 1.5);
    sheet_more(&sheet, " a step");
    sheet_line(&sheet, SHEET_HEAD, "time");
    sheet_cell(&sheet, "12.5 µs");
    sheet_cell(&sheet, "share");
    for (int i = 0; i < 2; i++) {
        sheet_line(&sheet, SHEET_ROW, i ? "a name that is longer than its room" : "compute");
        sheet_cell(&sheet, "12.5 µs");
        sheet_cell(&sheet, "%d %%", i);
    }
    const Capture c = capture();
    sheet_print(&sheet);
    captured(place, c);
    assert_string_equal(place->said,
                        "\na?.h5: 2 ranks\n"
                        "  speed       1.5 ms a step\n"
                        "\n"
                        "  time                     12.5 µs                    share\n"
                        "    compute                12.5 µs                    0 %\n"
                        "    a name that is longer than its room 12.5 µs                    1 %\n");
    sheet_free(&sheet);
}

/* Two runs, one of them stopped, whose name has what CSV and JSON escape. */
static void test_table(void **state)
{
    PlotPlace *place = *state;
    const char *a = in_folder(place, "a.h5"), *b = in_folder(place, "b,\"\\\t.h5");
    sample_run(a, true);
    sample_run(b, false);
    assert_int_equal(REPORT(place, a, b), 0);
    char line[512];
    snprintf(line, sizeof line, "\n  %-32s  %*s  %*s\n", "steps_planned", (int)strlen(a), "12",
             (int)strlen(b), "24");
    assert_says(place->said, line);
    assert_null(strstr(place->said, "draw it"));
    assert_int_equal(REPORT(place, "--csv", a, b), 0);
    assert_int_equal(strncmp(place->said, "run,data,precision,schedule,ranks,pp,dp,tp,", 43), 0);
    assert_says(place->said, ",loss_last_nats,");
    assert_says(place->said, ",peak_of_sum_bytes,process_rss_bytes\r\n/");
    assert_says(place->said, "/b,\"\"\\\t.h5\",zero3,");
    assert_says(place->said, ",2.9,2.9,");
    assert_says(place->said, ",8000000,30000000\r\n\"/");
    assert_int_equal(REPORT(place, "--json", a, b), 0);
    assert_says(place->said, "/b,\\\"\\\\\\u0009.h5\", \"data\": \"zero3\"");
    assert_says(place->said, "\"complete\": true");
    assert_says(place->said, "\"complete\": false, \"dry\": false, \"steps\": 12, \"steps_planned\": 24");
    assert_int_equal(REPORT(place, "--json", a, in_folder(place, "gone.h5")), 2);
    assert_int_equal(strncmp(place->said, "sim: ", 5), 0); /* nothing before it */
    assert_int_equal(REPORT(place, "--json", "--csv", a), 2);
    assert_int_equal(REPORT(place, "--csv", place->folder), 0);
    assert_says(place->said, "run,data,");
    assert_true(strstr(place->said, "/a.h5,") < strstr(place->said, "/b,"));
}

/* Of runs that stand under each other, each without the lines that only the other has. */
static void test_table_is_short(void **state)
{
    PlotPlace *place = *state;
    RunTable t = {.runs = 2};
    char wide[60];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    for (size_t r = 0; r < 2; r++) {
        run_table_text(&t, r, "run", wide);
        run_table_number(&t, r, LINE_BYTES, "sent.a", r == 0 ? 5 : 0);
        run_table_number(&t, r, LINE_BYTES, "sent.b", 7);
        run_table_number(&t, r, LINE_BYTES, "sent_formula.a", r == 0 ? 5 : 0);
        run_table_number(&t, r, LINE_BYTES, "sent_formula.b", r == 0 ? 7 : 8);
    }
    Capture c = capture();
    run_table_print(&t);
    fflush(stdout);
    captured(place, c);
    run_table_free(&t);
    const char *second = strstr(place->said + 5, "\n  run ");
    assert_non_null(second);
    const char *a = strstr(place->said, "\n  sent.a "), *b = strstr(place->said, "\n  sent_formula.b ");
    assert_true(a && a < second && b && b > second);
    assert_null(strstr(second, "sent.a "));
    assert_null(strstr(place->said, "sent_formula.a"));
    assert_non_null(strstr(second, "sent.b "));
    const char *rest = strstr(place->said, "equal what was counted, where they have no line\n");
    assert_true(rest && rest < second);
    assert_null(strstr(second, "equal what was counted"));
}

static void check_cell(LineKind kind, double value, const char *expected)
{
    char cell[RUN_TABLE_CELL];
    run_table_cell(&(Line){.kind = kind, .number = &value}, 0, cell);
    assert_string_equal(cell, expected);
}

/* As a person writes them, with their units. */
static void test_cells(void **state)
{
    (void)state;
    check_cell(LINE_NUMBER, 16612.7, "16613");
    check_cell(LINE_NUMBER, 1.25e7 + 0.5, "12500000");
    check_cell(LINE_NUMBER, 797.84, "797.8");
    check_cell(LINE_NUMBER, 8, "8");
    check_cell(LINE_NATS, 1.21301, "1.2130 nats");
    check_cell(LINE_SECONDS, 0.0125, "12.5 ms");
    check_cell(LINE_BYTES, (double)NAN, "-");
}

/* What a dry run's process held is not known, and not nothing. */
static void test_dry_process(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "dry.h5");
    record_made_up(path, (MadeUp){.ranks = 2, .steps = 1, .dry = true});
    assert_int_equal(REPORT(place, "--json", path), 0);
    assert_says(place->said, "\"process_rss_bytes\": null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_not_complete, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_checkpoints, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_waiting, plot_setup, plot_teardown),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test_setup_teardown(test_names, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_layout, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_table, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_table_is_short, plot_setup, plot_teardown),
        cmocka_unit_test(test_cells),
        cmocka_unit_test_setup_teardown(test_dry_process, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_bad_requests, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
