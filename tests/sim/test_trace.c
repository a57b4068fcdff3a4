/* test_trace.c - `sim trace`: its JSON, read back and held against the run file; what it refuses. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "sim/run/run.h"
#include "sim/trace/event.h"
#include "sim/trace/trace_command.h"
#include "tests/support/check.h"
#include "tests/support/made_up.h"
#include "tests/support/sample_run.h"
#include "tests/support/traced.h"
#include "tests/support/walked.h"

static int run_trace(int argc, char **argv, const PlotPlace *place)
{
    (void)place;
    return trace_command(argc, argv);
}
#define TRACE(place, ...) command_words(place, "trace", run_trace, (const char *const[]){__VA_ARGS__, NULL})

/* ---- what it says ---- */

/* The trace of a run file of the place, NAME.h5, held against it; the caller closes it. */
static Traced check_trace(PlotPlace *place, const char *name, int messages, bool measured)
{
    char run[64], trace[64];
    snprintf(run, sizeof run, "%s.h5", name);
    snprintf(trace, sizeof trace, "%s.trace.json", name);
    const char *path = in_folder(place, run);
    if (measured ? TRACE(place, path, "--measured") : TRACE(place, path)) fail_msg("%s", place->said);
    Traced t = traced_open(in_folder(place, trace), path);
    traced_has_rows(&t, measured);
    traced_has_arrows(&t, messages, measured);
    traced_nests(&t);
    return t;
}

/* A tenth of a percent of times in µs, printed as they are, lie a trifle below the ns that they mean: 1.001 does. */
static void test_times(void **state)
{
    (void)state;
    enum { TIMES = 4000 };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    TraceFile file = trace_file_begin(out);
    for (int64_t ns = 0; ns < TIMES; ns++)
        trace_file_event(
            &file, &(TraceEvent){.phase = TRACE_SLICE, .name = "F", .begin = ns, .length = 1000000007 + ns});
    trace_file_end(&file, NULL, 0);
    fclose(out);
    json_t *root = json_loads(text, 0, NULL), *events = json_object_get(root, "traceEvents");
    assert_int_equal(json_array_size(events), TIMES);
    for (size_t ns = 0; ns < TIMES; ns++) {
        json_t *event = json_array_get(events, ns);
        assert_int_equal(traced_nanoseconds(json_object_get(event, "ts")), ns);
        assert_int_equal(traced_nanoseconds(json_object_get(event, "dur")), 1000000007 + ns);
    }
    json_decref(root);
    free(text);
}

/* Lengths that are no whole ns: rounded, slices still follow one another. */
static void test_schedules(void **state)
{
    PlotPlace *place = *state;
    const Walked grid = {
        SCHEDULE_1F1B,        {1, 3, 4},           .dp = 2,           .tp = 2, .wire = 1 / 3.0,
        .recompute = 1 / 7.0, .waiting = 1 / 11.0, .reduce = 1 / 13.0};
    record_walk(in_folder(place, "grid.h5"), grid, NAN);
    Traced t =
        check_trace(place, "grid", 4 * 2 * 2 * 4, false); /* replicas, directions, borders, microbatches */
    assert_string_equal(traced_name(&t, "process_name", 7, 0, "name"), "rank 7: pp 1, dp 1, tp 1");
    assert_string_equal(traced_name(&t, "process_labels", 7, 0, "labels"), "simulated time");
    assert_null(traced_name(&t, "process_name", 12, 0, "name"));
    assert_says(place->said, "grid.trace.json: 12 of 12 ranks, ");
    assert_says(place->said, " actions, 64 messages; simulated time\n");
    traced_close(&t);

    const Walked chunks = {SCHEDULE_INTERLEAVED, {2, 2, 4}, .wire = 0.1, .ideal = true};
    record_walk(in_folder(place, "chunks.h5"), chunks, NAN);
    t = check_trace(place, "chunks", 2 * 3 * 4, false);
    assert_string_equal(traced_name(&t, "process_labels", 0, 0, "labels"),
                        "simulated time, one F (a microbatch's forward on one rank) as 1 s");
    const json_t *about = json_object_get(t.root, "otherData");
    assert_says(json_string_value(json_object_get(about, "clock")), "as 1 s");
    assert_says(json_string_value(json_object_get(about, "run")), "chunks.h5");
    assert_int_equal(json_integer_value(json_object_get(about, "step")), 1);
    traced_close(&t);
}

/* A run that did not end is shown as far as it goes; the wall clock of a real one. */
static void test_real(void **state)
{
    PlotPlace *place = *state;
    sample_run(in_folder(place, "whole.h5"), true);
    sample_run(in_folder(place, "killed.h5"), false);
    Traced t = check_trace(place, "whole", 0, false);
    traced_close(&t);
    t = check_trace(place, "whole", 0, true);
    assert_string_equal(traced_name(&t, "process_labels", 0, 0, "labels"),
                        "wall clock, of each rank since it began the step");
    traced_close(&t);
    /* that of the first call is kept */
    assert_says(place->said, "/whole.trace.1.json now\n");
    assert_true(folder_has(place->folder, "whole.trace.1.json"));
    t = check_trace(place, "killed", 0, false);
    traced_close(&t);
}

/* Of a dry run that recorded a rank for others, the ranks it recorded. */
static void test_representatives(void **state)
{
    PlotPlace *place = *state;
    static const char *const sets[] = {"model.layers=2", "parallel.pp=2", "parallel.tp=2",
                                       "train.global_batch=12"};
    const char *output = in_folder(place, "dry.h5");
    const RunOptions options = {.config = "configs/single.ini",
                                .output = output,
                                .sets = sets,
                                .set_count = sizeof sets / sizeof *sets,
                                .dry = true,
                                .command_line = "sim",
                                .program_directory = place->folder};
    const Capture c = capture();
    const int status = run_dry(24, &options);
    captured(place, c);
    if (status) fail_msg("%s", place->said);
    Traced t = check_trace(place, "dry", 2, false);
    assert_string_equal(traced_name(&t, "process_name", 0, 0, "name"),
                        "ranks 0 to 11, all as 0: pp 0, dp 0, tp 0");
    assert_string_equal(traced_name(&t, "process_name", 12, 0, "name"),
                        "ranks 12 to 23, all as 12: pp 1, dp 0, tp 0");
    assert_null(traced_name(&t, "process_name", 1, 0, "name"));
    traced_close(&t);
    assert_int_equal(TRACE(place, output, "--measured"), 2);
    assert_says(place->said, "/dry.h5: a dry run measures no time; try sim trace without --measured\n");
}

/* ---- where it goes, and what is refused ---- */

static void test_places(void **state)
{
    PlotPlace *place = *state;
    const char *run = in_folder(place, "a.h5"), *other = in_folder(place, "made/b.json");
    sample_run(run, true);
    assert_int_equal(TRACE(place, run, "--out", other), 0);
    Traced t = traced_open(other, run);
    traced_close(&t);
    assert_int_equal(TRACE(place, run, "--out=-"), 0);
    char *written = text_of(other);
    assert_true(strlen(written) > SAID && strncmp(written, place->said, SAID - 1) == 0);
    free(written);
    assert_false(folder_has(place->folder, "a.trace.json"));

    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 5000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const int status = TRACE(place, run);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, 1);
    assert_says(place->said, "sim: trace: ");
    assert_says(place->said, "/a.trace.json: cannot write: File too large");
    assert_false(folder_has(place->folder, "a.trace.json") || folder_has_draft(place->folder));
}

static void test_refusals(void **state)
{
    PlotPlace *place = *state;
    const char *run = in_folder(place, "a.h5"), *untimed = in_folder(place, "u.h5");
    sample_run(run, true);
    record_made_up(untimed, (MadeUp){.ranks = 2, .steps = 2, .unfinished = true, .untimed = true});
    const struct {
        const char *words[5], *says;
    } cases[] = {
        {{NULL}, "no run file given; try sim trace results/NAME.h5, or sim trace --help"},
        {{""}, "the run's name is empty; try sim trace results/NAME.h5"},
        {{"--fast", run}, "--fast: no such option of sim trace; try sim trace --help"},
        {{run, "b.h5"}, "b.h5: given after "},
        {{run, "--out"}, "--out needs a file; try --out FILE, or - to print it"},
        {{run, "--out=a", "--out", "b"}, "--out b: given again, after --out a; try one of the two"},
        {{in_folder(place, "gone.h5")}, "/gone.h5: cannot open: No such file or directory; check the name"},
        {{place->folder}, place->folder},
        {{untimed},
         "/u.h5: no step's actions are recorded: a run writes them as it ends, and this one was killed, "
         "or still runs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(command_words(place, "trace", run_trace, cases[i].words), 2);
        assert_refuses(place->said, "sim: trace: ", cases[i].says);
    }
    assert_int_equal(TRACE(place, run, "--out", run), 2);
    assert_says(place->said, "/a.h5 is the run itself; try another name\n");
    assert_false(folder_has(place->folder, "a.trace.json") || folder_has(place->folder, "u.trace.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test_setup_teardown(test_schedules, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_real, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_representatives, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_places, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(test_refusals, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
