/* test_plot.c - what `sim plot` makes of names and numbers: text for gnuplot,
 * units, labels, which ranks get a bar, where the time of a step went. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "sim/base/units.h"
#include "sim/plot/chart.h"
#include "sim/plot/text.h"
#include "sim/plot/time.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12)) print_error("%.17g is not %.17g\n", value, expected);
    assert_true(fabs(value - expected) <= 1e-12);
}

/* ---- text ---- */

static void assert_quoted(const char *text, const char *quoted)
{
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    plot_quote(out, text);
    fclose(out);
    assert_string_equal(written, quoted);
    free(written);
}

static void test_quote(void **state)
{
    (void)state;
    assert_quoted("zero3", "'zero3'");
    assert_quoted("a_b^c{d}@e&f~g\\", "'a\\_b\\^c\\{d\\}\\@e\\&f\\~g\\\\'");
    assert_quoted("it's \"$D\" `x`", "'it''s \"$D\" `x`'");
    assert_quoted("µs …", "'µs …'");
    assert_quoted("a\nb\x80 \xc3", "'a?b? ?'");
}

static void assert_shown(double value, Unit (*unit)(double), const char *expected)
{
    char text[32];
    unit_show(text, sizeof text, value, unit);
    assert_string_equal(text, expected);
}

static void test_units(void **state)
{
    (void)state;
    assert_shown(0, unit_of_bytes, "0 bytes");
    assert_shown(999, unit_of_bytes, "999 bytes");
    assert_shown(1000, unit_of_bytes, "1.00 kB");
    assert_shown(12.34e6, unit_of_bytes, "12.3 MB");
    assert_shown(5e9, unit_of_bytes, "5.00 GB");
    assert_shown(2.5e12, unit_of_bytes, "2.50 TB");
    assert_shown(0.1234, unit_of_seconds, "123 ms");
    assert_shown(12.5e-6, unit_of_seconds, "12.5 µs");
    assert_shown(3, unit_of_seconds, "3 s");
}

static void test_labels(void **state)
{
    (void)state;
    PlotRun runs[3] = {{.path = "r/dp.h5", .shape.data = "dp"},
                       {.path = "r/zero3.h5", .shape.data = "zero3"}};
    plot_label_runs(runs, 2);
    assert_string_equal(runs[0].label, "dp");
    assert_string_equal(runs[1].label, "zero3");
    runs[0].path = "x/run.h5", runs[1].path = "y/run.h5"; /* same stems: the strategies */
    plot_label_runs(runs, 2);
    assert_string_equal(runs[0].label, "dp");
    runs[2] = (PlotRun){.path = "y/walk.h5", .shape.data = "dp"}; /* some stems alike, some strategies */
    plot_label_runs(runs, 3);
    assert_string_equal(runs[0].label, "run dp");
    assert_string_equal(runs[2].label, "walk dp");
    strcpy(runs[1].shape.data, "dp"); /* only the folders differ */
    plot_label_runs(runs, 2);
    assert_string_equal(runs[1].label, "y/run.h5");
    runs[1].path = "x/run.h5"; /* the same file twice */
    plot_label_runs(runs, 2);
    assert_string_equal(runs[0].label, "1: run");
    assert_string_equal(runs[1].label, "2: run");

    char label[PLOT_LABEL];
    plot_shorten("0123456789abcdefghijklmnopqrstuv", label); /* 32 letters stay */
    assert_string_equal(label, "0123456789abcdefghijklmnopqrstuv");
    plot_shorten("0123456789abcdef-cut-this-out-ghijklmnopqrstu", label);
    assert_string_equal(label, "0123456789abcdef…ghijklmnopqrstu");
    char path[2][300]; /* what differs only at the end of a long name is told apart by that end */
    for (int i = 0; i < 2; i++) {
        memset(path[i], 'a', 240);
        snprintf(path[i] + 240, sizeof path[i] - 240, "-%d.h5", i);
        runs[i].path = path[i];
    }
    plot_label_runs(runs, 2);
    assert_string_equal(runs[0].label, "aaaaaaaaaaaaaaaa…aaaaaaaaaaaaa-0");
    assert_string_equal(runs[1].label, "aaaaaaaaaaaaaaaa…aaaaaaaaaaaaa-1");
}

/* Letters are shown that some font here has; where none can be asked, Latin ones. */
static void test_letters(void **state)
{
    (void)state;
    char folder[FOLDER], program[FOLDER + 16], before[PATH_MAX], after[PATH_MAX + FOLDER];
    assert_int_equal(folder_make(folder), 0);
    snprintf(program, sizeof program, "%s/fc-list", folder);
    FILE *fonts = fopen(program, "w");
    fputs("#!/bin/sh\necho ':charset=20-7e 4e00'\necho\necho ':charset=20-7e 3b1 1f600-1f602'\n", fonts);
    fclose(fonts);
    chmod(program, 0755);
    snprintf(before, sizeof before, "%s", getenv("PATH"));
    snprintf(after, sizeof after, "%s:%s", folder, before);
    PlotRun runs[3] = {
        {.path = "é一二三β.h5", .shape.schedule = "αβ.csv"}, {.path = "é一四五β.h5"}, {.path = "😀.h5"}};
    setenv("PATH", after, 1);
    plot_label_runs(runs, 3);
    setenv("PATH", "/nowhere", 1);
    PlotRun alone = {.path = "é一.h5"};
    plot_label_runs(&alone, 1);
    setenv("PATH", before, 1);
    assert_int_equal(folder_remove(folder), 0);
    assert_string_equal(runs[0].label, "1: é一???"); /* as the next one, so a number tells them apart */
    assert_string_equal(runs[1].label, "2: é一???");
    assert_string_equal(runs[2].label, "3: 😀");
    assert_string_equal(runs[0].schedule, "α?.csv");
    assert_string_equal(alone.label, "é?");
}

/* ---- choosing and reducing ---- */

static void test_choose_ranks(void **state)
{
    (void)state;
    double height[1024] = {0};
    int chosen[PLOT_BARS_MAX], stride;
    assert_int_equal(plot_choose_ranks(height, 1, chosen, &stride), 1);
    assert_int_equal(plot_choose_ranks(height, 32, chosen, &stride), 32);
    assert_int_equal(stride, 1);
    for (int i = 0; i < 32; i++) assert_int_equal(chosen[i], i);

    height[517] = 9;
    height[1023] = -1;
    assert_int_equal(plot_choose_ranks(height, 1024, chosen, &stride), 34);
    assert_int_equal(stride, 32);
    assert_int_equal(chosen[0], 0);
    assert_int_equal(chosen[1], 32);
    assert_int_equal(chosen[17], 517);
    assert_int_equal(chosen[33], 1023);
    assert_int_equal(plot_choose_ranks(height, 33, chosen, &stride), 17);
    assert_int_equal(stride, 2);
}

static void test_divide_time(void **state)
{
    (void)state;
    enum { F, B, REDUCE, STEP, KINDS };
    /* REDUCE hides behind B from 3 to 4 and shows from 4 to 6; nothing runs from 2 to 2.5 and 6 to 7 */
    PlotAction actions[] = {
        {STEP, true, 7, 8}, {REDUCE, false, 3, 6}, {F, true, 0, 2}, {B, true, 2.5, 4}, {F, true, 5, 5}};
    double seconds[KINDS] = {0};
    plot_divide_time(actions, 5, seconds);
    assert_near(seconds[F], 2);
    assert_near(seconds[B], 1.5);
    assert_near(seconds[REDUCE], 2);
    assert_near(seconds[STEP], 1);

    /* of two on the network, the one that began last counts: no moment counts twice */
    PlotAction network[] = {{F, false, 0, 10}, {B, false, 4, 6}};
    double twice[KINDS] = {0};
    plot_divide_time(network, 2, twice);
    assert_near(twice[F], 8);
    assert_near(twice[B], 2);
    plot_divide_time(network, 0, twice);
}

static void test_median(void **state)
{
    (void)state;
    double values[] = {3, 1, 2, 10};
    assert_near(plot_median(values, 3), 2);
    assert_near(plot_median(values, 4), 2.5);
    assert_true(isnan(plot_median(values, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quote),        cmocka_unit_test(test_units),
        cmocka_unit_test(test_labels),       cmocka_unit_test(test_letters),
        cmocka_unit_test(test_choose_ranks), cmocka_unit_test(test_divide_time),
        cmocka_unit_test(test_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
