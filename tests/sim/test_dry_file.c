/* test_dry_file.c - the file of a dry run: of ranks that stand for others against that of every rank, row by row, and
 * what the report and the charts make of either. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/real.h"
#include "sim/file/checksums.h"
#include "sim/file/h5.h"
#include "sim/file/run_file.h"
#include "sim/report/report_command.h"
#include "sim/run/run.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"
#include "tests/support/plot_place.h"

enum { RANKS = 24 };
#define ON_A_MACHINE "slow.ini" /* a set: hardware.profile is config_text.h's */

static const char INI[] = "[model]\nlayers = 4\nhidden = 24\nheads = 4\nffn = 44\nvocab = 19\nsequence = 8\n"
                          "[train]\nglobal_batch = 24\nmicrobatch = 1\n";

static void record(PlotPlace *place, const char *name, const char *const *sets, bool all)
{
    char config[64], output[64];
    strcpy(config, in_folder(place, "grid.ini"));
    strcpy(output, in_folder(place, name));
    FILE *ini = fopen(config, "w");
    assert_non_null(ini);
    fputs(INI, ini);
    fclose(ini);
    char profile[128];
    const char *given[16];
    FILE *machine = fopen(in_folder(place, "slow.ini"), "w");
    assert_non_null(machine);
    fputs(slow_machine, machine);
    fclose(machine);
    snprintf(profile, sizeof profile, "hardware.profile=%s", in_folder(place, "slow.ini"));
    int count = 0;
    for (; sets[count]; count++) given[count] = strcmp(sets[count], ON_A_MACHINE) ? sets[count] : profile;
    RunOptions options = {.config = config,
                          .output = output,
                          .sets = given,
                          .set_count = count,
                          .dry = true,
                          .all_ranks = all,
                          .command_line = "sim",
                          .program_directory = place->folder};
    Capture c = capture();
    int status = run_dry(RANKS, &options);
    captured(place, c);
    assert_int_equal(status, STATUS_OK);
}

static RunFile *open_run(const PlotPlace *place, const char *name)
{
    Error error;
    RunFile *run = run_file_open(in_folder(place, name), &error);
    if (!run) print_error("%s\n", error.text);
    assert_non_null(run);
    return run;
}

/* Whether rank by rank the numbers of a dataset are those of the row that stands for it; `all` has a row a rank. */
static void compare(const RunFile *some, const RunFile *all, const char *dataset, size_t columns)
{
    bool steps = strncmp(dataset, "/comm/bytes_s", 13) == 0 || strcmp(dataset, "/comm/messages") == 0;
    Error error;
    double *a = run_file_first(all, dataset, steps ? 1 : (size_t)all->recorded, &error),
           *b = run_file_first(some, dataset, steps ? 1 : (size_t)some->recorded, &error);
    assert_true(a && b);
    for (int r = 0; r < RANKS; r++)
        for (size_t i = 0; i < columns; i++) {
            double is = b[(size_t)run_file_row(some, r) * columns + i], should = a[(size_t)r * columns + i];
            if (is != should && !(isnan(is) && isnan(should)))
                fail_msg("%s: column %zu of rank %d is %g, not %g", dataset, i, r, is, should);
        }
    free(a);
    free(b);
}

/* The actions of each row's own rank. */
static void compare_actions(const RunFile *some, const RunFile *all)
{
    Error error;
    TimelineRow *a = run_file_actions(all, &error), *b = run_file_actions(some, &error);
    size_t at = 0;
    assert_true(a && b);
    for (size_t i = 0; i < some->actions; i++, at++) {
        while (at < all->actions && a[at].rank != b[i].rank) at++;
        assert_true(at < all->actions);
        assert_string_equal(a[at].action, b[i].action);
        assert_true(a[at].microbatch == b[i].microbatch && a[at].simulated_end == b[i].simulated_end);
    }
    free(a);
    free(b);
}

/* Sums over all ranks, whoever was walked; they leave nodes as the formula says. */
static void compare_links(const RunFile *some, const RunFile *all)
{
    Error error;
    double *a = run_file_first(all, "/links/bytes", all->routes, &error),
           *b = run_file_first(some, "/links/bytes", all->routes, &error),
           *formula = run_file_first(some, "/links/theory_bytes", all->routes, &error);
    assert_true(a && b && formula);
    for (size_t i = 0; i < all->routes * all->purposes; i++) {
        assert_true(a[i] == b[i] || (isnan(a[i]) && isnan(b[i])));
        assert_true(a[i] == formula[i] || isnan(formula[i]));
    }
    free(a);
    free(b);
    free(formula);
}

static void rows_stand_for_ranks(void **state)
{
    PlotPlace *place = *state;
    static const struct {
        const char *sets[10];
        int recorded;
    } runs[] = {
        {{"parallel.data=zero1", "parallel.pp=2", "parallel.tp=4", "parallel.sequence_parallel=yes", NULL},
         3},
        {{"parallel.data=zero3", NULL}, 2},
        {{"parallel.data=dp", "parallel.tp=2", NULL}, 13},
        {{"parallel.data=dp", NULL}, RANKS},
        {{"parallel.data=ddp", "parallel.tp=4", "model.kv_heads=1", "model.hidden=36", "model.bias=yes",
          NULL},
         RANKS},
        {{ON_A_MACHINE, "parallel.data=zero2", "parallel.pp=2", "parallel.tp=4", "node.devices=4", NULL}, 3},
        {{ON_A_MACHINE, "parallel.data=ddp", "parallel.tp=4", NULL}, 2},
    };
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        record(place, "some.h5", runs[k].sets, false);
        char *said = strdup(place->said);
        record(place, "all.h5", runs[k].sets, true);
        RunFile *some = open_run(place, "some.h5"), *all = open_run(place, "all.h5");
        assert_int_equal(all->recorded, RANKS);
        assert_int_equal(some->recorded, runs[k].recorded);
        int sum = 0;
        for (int i = 0; i < some->recorded; i++) sum += run_file_stands_for(some, i);
        assert_int_equal(sum, RANKS);
        compare(some, all, "/comm/bytes_sent", some->purposes);
        compare(some, all, "/comm/messages", some->purposes);
        compare(some, all, "/comm/theory_bytes", some->purposes);
        compare(some, all, "/memory/peak", some->categories);
        compare(some, all, "/memory/theory", some->categories);
        compare(some, all, "/memory/peak_total", 1);
        compare(some, all, "/pipeline/bubble_ratio_simulated", 1);
        compare(some, all, "/breakdown/simulated", some->parts);
        compare(some, all, "/links/busy", some->routes);
        compare_links(some, all);
        compare_actions(some, all);
        run_file_close(some);
        run_file_close(all);
        /* the reports differ in the file's name alone */
        char *mine = strstr(said, "some.h5: "), *theirs = strstr(place->said, "all.h5: ");
        assert_true(mine && theirs);
        char *end = strstr(mine, "\n\n  draw it"), *other_end = strstr(theirs, "\n\n  draw it");
        assert_true(end && other_end);
        *end = *other_end = '\0';
        assert_string_equal(strchr(mine, ' '), strchr(theirs, ' '));
        free(said);
        assert_int_equal(remove(in_folder(place, "some.h5")) | remove(in_folder(place, "all.h5")), 0);
    }
}

/* What goes up a tree or to rank 0 outside of steps is that of the row's own rank. */
static void bytes_outside_steps_are_the_ranks_own(void **state)
{
    PlotPlace *place = *state;
    static const char *const sets[] = {"parallel.data=zero1", "parallel.pp=2", "parallel.tp=4", NULL};
    static const char *const datasets[] = {"/comm/bytes_outside", "/comm/messages_outside"};
    record(place, "some.h5", sets, false);
    record(place, "all.h5", sets, true);
    RunFile *some = open_run(place, "some.h5"), *all = open_run(place, "all.h5");
    for (int d = 0; d < 2; d++) {
        Error error;
        double *a = run_file_first(all, datasets[d], RANKS, &error),
               *b = run_file_first(some, datasets[d], (size_t)some->recorded, &error);
        for (int i = 0; i < some->recorded; i++)
            for (size_t p = 0; p < some->purposes; p++)
                assert_true(b[(size_t)i * some->purposes + p] ==
                            a[(size_t)some->rank[i] * some->purposes + p]);
        free(a);
        free(b);
    }
    run_file_close(some);
    run_file_close(all);
}

/* Tensor groups of 4 over nodes of 2: two of the four neighbours are in the other node, so half of the bytes leave; data
 * groups of 6 over 6 nodes leave theirs with all. */
static void bytes_by_link_are_reported(void **state)
{
    PlotPlace *place = *state;
    static const char *const sets[] = {ON_A_MACHINE, "parallel.tp=4", NULL},
                             *const two[] = {ON_A_MACHINE, "parallel.tp=2", NULL},
                             *const other[] = {ON_A_MACHINE, "parallel.tp=2", "hardware.order=dp-tp-pp",
                                               NULL};
    record(place, "run.h5", sets, false);
    assert_says(place->said,
                "\n  crossing    tensor groups of 4 reach over nodes of 2 devices, and wait for cards in "
                "every layer; try parallel.tp = 2\n");
    /* 4 microbatches: (4 L + 2) all-reduces of 8 * 24 values, 2 * 3/4 of their bytes each; 3 * 3 numbers a position of
     * the loss; 3 of the norm: 4 * (18 * 1.5 * 192 + 3 * 3 * 8) * 4 + 24 = 84120 */
    if (sizeof(real) == 4) {
        assert_says(place->said,
                    "\n  bytes a device, by link  inside a node              across nodes               "
                    "formula\n    tensor                 42.060 kB                  42.060 kB         "
                    "         equal\n    data                   0 B                        ");
    }
    assert_says(place->said, "\n    link busy sending      ");
    char *argv[] = {(char *)"report", (char *)in_folder(place, "run.h5"), (char *)"--json"};
    Capture c = capture();
    int status = report_command(3, argv);
    captured(place, c);
    assert_int_equal(status, 0);
    if (sizeof(real) == 4) {
        assert_says(place->said, "\"sent_inside.tensor_bytes\": 42060");
        assert_says(place->said, "\"sent_across.tensor_bytes\": 42060");
    }
    assert_says(place->said, "\"sent_inside.data_bytes\": 0");
    assert_says(place->said, "\"busy_across_ratio\": 0.");
    record(place, "two.h5", two, false);
    assert_null(strstr(place->said, "crossing"));
    assert_says(place->said, "0 B                        equal\n    data");
    record(place, "other.h5", other, false);
    assert_says(place->said, "every layer; try hardware.order = tp-dp-pp\n");
}

static void rows_that_cannot_be_are_refused(void **state)
{
    PlotPlace *place = *state;
    static const char *const sets[] = {"parallel.pp=2", "parallel.tp=4", NULL};
    static const struct {
        int32_t rank[3];
        const char *says;
    } cases[] = {{{1, 2, 12}, "row 0 is of rank 1, not 0 to 0"},
                 {{0, 0, 12}, "row 1 is of rank 0, not 1 to 23"},
                 {{0, 1, 24}, "row 2 is of rank 24, not 2 to 23"},
                 {{0, 1, -7}, "row 2 is of rank -7, not 2 to 23"}};
    record(place, "some.h5", sets, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error = {""};
        H5 *file = h5_edit(in_folder(place, "some.h5"), &error);
        assert_true(file && h5_write(file, "/rank", 0, 3, H5_I32, cases[i].rank, &error));
        assert_true(checksums_write(file, &error) && h5_close(file, &error));
        assert_null(run_file_open(in_folder(place, "some.h5"), &error));
        assert_says(error.text, cases[i].says);
    }
}

static void charts_name_the_ranks(void **state)
{
    PlotPlace *place = *state;
    static const char *const grid[] = {"parallel.data=zero1", "parallel.pp=2", "parallel.tp=4", NULL},
                             *const flat[] = {"parallel.data=zero1", NULL};
    record(place, "grid.h5", grid, false);
    record(place, "flat.h5", flat, false);
    assert_int_equal(PLOT(place, in_folder(place, "grid.h5"), "--format", "svg"), 0);
    char path[256];
    strcpy(path, in_folder(place, "grid-charts/memory.gp"));
    assert_file_says(path, "A bar is of its rank and those up to the next. ");
    assert_file_says(path, "['0', '1', '12']");
    strcpy(path, in_folder(place, "grid-charts/gantt.gp"));
    assert_file_says(path, "\n1 12 "); /* the second stage's first rank */
    assert_int_equal(PLOT(place, in_folder(place, "flat.h5"), "--format", "svg"), 0);
    strcpy(path, in_folder(place, "flat-charts/memory_timeline.gp"));
    assert_file_says(path, "All ranks peak alike");
}

int main(void)
{
    PlotPlace place;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(rows_stand_for_ranks, plot_setup_undrawn, plot_teardown,
                                                 &place),
        cmocka_unit_test_prestate_setup_teardown(bytes_outside_steps_are_the_ranks_own, plot_setup_undrawn,
                                                 plot_teardown, &place),
        cmocka_unit_test_prestate_setup_teardown(bytes_by_link_are_reported, plot_setup_undrawn,
                                                 plot_teardown, &place),
        cmocka_unit_test_prestate_setup_teardown(rows_that_cannot_be_are_refused, plot_setup_undrawn,
                                                 plot_teardown, &place),
        cmocka_unit_test_prestate_setup_teardown(charts_name_the_ranks, plot_setup_undrawn, plot_teardown,
                                                 &place),
    };
    return cmocka_run_group_tests_name("files of dry runs", tests, NULL, NULL);
}
