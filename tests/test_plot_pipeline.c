/* test_plot_pipeline.c - the charts of simulated time: timelines, bubbles, seconds by
 * part, bytes by axis, from run files of schedules walked on paper. */
#include <math.h>
#include "parallel/timeline.h"
#include "sim/h5.h"
#include "sim/recorder.h"
#include "sim/report.h"
#include "tests/plot_place.h"

/* F takes 1 ms, B 2 ms, I and W 1 ms each, the optimizer 0.5 ms; a message `wire` ms. */
typedef struct Walked {
    ScheduleKind kind;
    Shape shape;
    int dp, tp;
    double wire, recompute, waiting; /* ms of every message; of every B again, of every F and B for others */
    bool dry, ideal;
    double measured; /* the bubble; 0: unknown */
    double reduce;   /* ms of REDUCE, a quarter of it communication and the rest idle; 0: there is none */
} Walked;

static double seconds(void *context, int rank, Action action)
{
    (void)rank;
    const Walked *walked = context;
    const int v = walked->shape.v; /* a stage is as much smaller */
    if (action.kind == ACTION_REDUCE) return 1e-3 * walked->reduce;
    return action.kind == ACTION_STEP ? 0.5e-3 : (action.kind == ACTION_BACKWARD ? 2e-3 : 1e-3) / v;
}

static double message(void *context, int from, int to, Action send)
{
    (void)from, (void)to, (void)send;
    return 1e-3 * ((const Walked *)context)->wire;
}

static void set_config(const char *path, const Walked *walked)
{
    Error error = {""};
    char pp[16], tp[16], stages[16], batch[16];
    snprintf(pp, sizeof pp, "%d", walked->shape.p);
    snprintf(tp, sizeof tp, "%d", walked->tp);
    snprintf(stages, sizeof stages, "%d", walked->shape.v);
    snprintf(batch, sizeof batch, "%d", walked->shape.m * walked->dp * 2);
    const char *const values[][2] = {
        {"parallel.pp", pp},
        {"parallel.tp", tp},
        {"parallel.virtual_stages", stages},
        {"parallel.schedule", schedule_name[walked->kind]},
        {"train.global_batch", batch},
        {"train.microbatch", "2"},
        {"hardware.profile", walked->ideal ? "ideal" : "measured"},
    };
    H5 *file = h5_edit(path, &error);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true(h5_set_text(file, "/config", values[i][0], values[i][1], &error));
    assert_true(h5_close(file, &error));
}

/* The rank's rows, and its seconds by part. It holds 1 MB of parameters, 1 MB of activations a microbatch, and another 0.5 MB while it computes. */
static int write_rank(const Walked *walked, const Plan *plan, const Timeline *timeline, int pipe, int rank,
                      TimelineRow *rows, double part[PARTS])
{
    const Schedule *list = &plan->list[pipe];
    uint64_t waiting = 0;
    for (int i = 0; i < list->count; i++) {
        const Action action = list->action[i];
        const Span span = timeline->rank[pipe].span[i];
        const bool computes = action.kind == ACTION_FORWARD || action.kind == ACTION_BACKWARD,
                   reduces = action.kind == ACTION_REDUCE,
                   receives = action.kind == ACTION_RECV_FORWARD || action.kind == ACTION_RECV_BACKWARD;
        const double wire = fmin(1e-3 * walked->wire, span.end - span.start);
        rows[i] = (TimelineRow){.rank = rank,
                                .stage = action.stage,
                                .microbatch = action.microbatch,
                                .lane = "compute",
                                .simulated_start = 7 + span.start, /* the charts begin at 0 */
                                .simulated_end = 7 + span.end,
                                .recompute = action.kind == ACTION_BACKWARD ? 1e-3 * walked->recompute : 0,
                                .communication = computes   ? 1e-3 * walked->waiting
                                                 : receives ? wire
                                                 : reduces  ? 0.25e-3 * walked->reduce
                                                            : 0,
                                .measured_start = NAN,
                                .measured_end = NAN,
                                .measured_compute = NAN};
        snprintf(rows[i].action, sizeof rows[i].action, "%s", action_name[action.kind]);
        const uint64_t before = 1000000 * (1 + waiting);
        waiting += action.kind == ACTION_FORWARD;
        waiting -= action.kind == ACTION_BACKWARD;
        rows[i].memory[MEM_PARAMETERS] = 1000000;
        rows[i].memory[MEM_ACTIVATIONS] = 1000000 * waiting;
        rows[i].memory[MEM_WORKSPACE] = 100; /* too little to see */
        rows[i].memory_peak = before + (computes ? 500000 : 0);
        part[PART_RECOMPUTE] += rows[i].recompute;
        part[PART_TP_EXPOSED] += computes ? rows[i].communication : 0;
        part[PART_OPTIMIZER] += action.kind == ACTION_STEP ? span.end - span.start : 0;
    }
    part[PART_PP_WIRE] = timeline->rank[pipe].wire;
    part[PART_PP_IDLE] = timeline->rank[pipe].idle;
    part[PART_COMPUTE] = timeline->end;
    for (int i = PART_COMPUTE + 1; i < PARTS; i++) part[PART_COMPUTE] -= part[i];
    return list->count;
}

/* All ranks of a replica behave alike. `formula`: the bubble's. */
static void record_walk(const char *path, Walked walked, double formula)
{
    if (walked.dp == 0) walked.dp = 1;
    if (walked.tp == 0) walked.tp = 1;
    Error error = {""};
    Plan plan;
    Timeline timeline;
    const Durations durations = {seconds, message, &walked};
    assert_true(plan_write(&plan, walked.kind, walked.shape, &error));
    plan_lower_messages(&plan);
    for (int p = 0; p < walked.shape.p; p++) {
        if (walked.reduce > 0) schedule_add(&plan.list[p], ACTION_REDUCE, -1, -1);
        schedule_add(&plan.list[p], ACTION_STEP, -1, -1);
    }
    assert_true(timeline_walk(&timeline, &plan, &durations, &error));

    const int replica = walked.dp * walked.tp, ranks = walked.shape.p * replica;
    int most = 0;
    for (int p = 0; p < walked.shape.p; p++) most += plan.list[p].count * replica;
    TimelineRow *rows = allocate((size_t)most * sizeof *rows);
    double *simulated = allocate((size_t)ranks * sizeof *simulated);
    double *measured = allocate((size_t)ranks * sizeof *measured);
    double *part = allocate_zeroed((size_t)ranks * PARTS, sizeof *part);
    double *theory = allocate_zeroed((size_t)ranks * PURPOSES, sizeof *theory);
    double *states = allocate_zeroed((size_t)ranks * MEMORY_CATEGORIES, sizeof *states);
    uint64_t *bytes = allocate_zeroed((size_t)ranks * PURPOSES, sizeof *bytes);
    int count = 0;
    for (int rank = 0; rank < ranks; rank++) {
        const int pipe = rank / replica;
        count += write_rank(&walked, &plan, &timeline, pipe, rank, rows + count, part + rank * PARTS);
        simulated[rank] = timeline.rank[pipe].bubble;
        measured[rank] = walked.measured > 0 ? walked.measured : NAN;
        bytes[rank * PURPOSES + DP_ALL_REDUCE] = 3000;
        bytes[rank * PURPOSES + ZERO_NORM] = 8;
        bytes[rank * PURPOSES + TP_ALL_REDUCE] = 500 * (uint64_t)walked.tp;
        bytes[rank * PURPOSES + CONTROL] = 16;
        for (int p = 0; p < PURPOSES; p++)
            theory[rank * PURPOSES + p] = p == CONTROL ? NAN : (double)bytes[rank * PURPOSES + p];
    }
    static char ini[] = "[train]\n";
    const RunInfo info = {.path = path,
                          .command_line = "sim",
                          .ranks = ranks,
                          .dry = walked.dry,
                          .parameters = 1234567,
                          .entropy = NAN,
                          .actions = most,
                          .theory_bytes = theory,
                          .theory_memory = states};
    Config *config = allocate_zeroed(1, sizeof *config);
    config->train.steps = 1;
    config->text = ini;
    char kept[512];
    Recorder *recorder = recorder_open(&info, config, kept, sizeof kept, &error);
    const StepRow row = {0, NAN, NAN, 0.1, 64, NAN, timeline.end, 1, 0, NAN};
    assert_true(recorder_step(recorder, &row, bytes, bytes, &error));
    assert_true(recorder_timeline(recorder, 0, rows, count, &error));
    assert_true(recorder_pipeline(recorder, simulated, measured, formula, &error));
    assert_true(recorder_breakdown(recorder, part, &error));
    assert_true(recorder_finish(recorder, &error));
    set_config(path, &walked);
    void *const all[] = {rows, simulated, measured, part, theory, states, bytes, config};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    timeline_free(&timeline);
    plan_free(&plan);
}

static double formula(int v, int p, int m)
{
    return (p - 1.0) / (v * m + p - 1);
}

/* How often `part` stands in a file. */
static int count_in(const char *path, const char *part)
{
    char *text = text_of(path);
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++) count++;
    free(text);
    return count;
}

/* ---- memory over a step ---- */

/* GPipe's activations pile up, 1F1B's do not. */
static void test_memory_timeline(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "g.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 3}, .dp = 2}, NAN);
    record_walk(in_folder(place, "f.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 3}, .dp = 2}, NAN);
    assert_int_equal(PLOT(place, in_folder(place, "g.h5")), 0);
    assert_drawn(place, "g-charts", "memory_timeline");
    const char *gp = in_folder(place, "g-charts/memory_timeline.gp");
    assert_file_says(gp, "TITLE = 'Memory over a step: g'\n");
    assert_file_says(gp, "HEAD[1] = 'rank 0. Peak 4.50 MB in B. At most 3 of 3 microbatches in flight'\n");
    assert_file_says(gp, "HEAD[2] = 'rank 2. Peak 4.50 MB in B. At most 3 of 3 microbatches in flight'\n");
    assert_file_says(gp, "BYTES = 'MB'\nTIME = 'ms'\nHIGHEST = 4.5\nEND = 12.5\nKINDS = 2\n");
    assert_file_says(gp, "KIND[2] = 'activations'\n");
    /* F of microbatch 0: as it begins and while it runs the stack is as before, then a microbatch higher */
    assert_file_says(gp, "$D << EOD\n0 1 1 1\n0 1 1 1\n0 1.5 1 1\n1 1.5 1 1\n1 2 1 2\n");
    assert_int_equal(PLOT(place, in_folder(place, "g.h5"), in_folder(place, "f.h5")), 0);
    gp = in_folder(place, "compare-charts/memory_timeline.gp");
    assert_file_says(gp, "PANELS = 2\n");
    assert_file_says(gp, "LABEL[2] = 'f'\n");
    assert_file_says(gp, "HEAD[2] = 'rank 0. Peak 3.50 MB in B. At most 2 of 3 microbatches in flight'\n");
}

/* ---- timelines ---- */

static void test_gantt(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 2}, .dp = 2}, formula(1, 2, 2));
    assert_int_equal(PLOT(place, in_folder(place, "a.h5")), 0);
    assert_drawn(place, "a-charts", "gantt");
    const char *gp = in_folder(place, "a-charts/gantt.gp");
    assert_file_says(gp, "TITLE = 'Timeline of a step: a'\n");
    assert_file_says(gp, "HEAD[1] = '1f1b, p = 2, m = 2. Step 9.50 ms. Bubble 31.6 %, "
                         "formula (p−1)/(m+p−1) = 33.3 %'\n");
    assert_file_says(gp, "array KIND[8] = ['forward', 'backward', 'optimizer step', 'idle']\n");
    /* ranks 0 and 2 are the pipeline of replica 0; sends and receives take no time, so no box */
    assert_file_says(gp, "$R << EOD\n0 0 9.5 31.578947368421");
    assert_file_says(gp, "\n1 2 9.5 31.578947368421");
    assert_file_says(gp, "$D << EOD\n"
                         "0 0 1 0x4477aa 0xffffff 0\n"
                         "0 1 2 0x4477aa 0xffffff 1\n"
                         "0 4 6 0xe69f00 0x222222 0\n"
                         "0 7 9 0xe69f00 0x222222 1\n"
                         "0 9 9.5 0x228833 0xffffff -1\n"
                         "1 1 2 0x4477aa 0xffffff 0\n"
                         "1 2 4 0xe69f00 0x222222 0\n"
                         "1 4 5 0x4477aa 0xffffff 1\n"
                         "1 5 7 0xe69f00 0x222222 1\n"
                         "1 7 7.5 0x228833 0xffffff -1\n"
                         "EOD\n");
}

/* Recomputation first, communication last; of a receive only its wire. */
static void test_gantt_parts(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"),
                (Walked){SCHEDULE_1F1B, {1, 2, 1}, .wire = 0.25, .recompute = 0.5, .waiting = 0.25}, NAN);
    assert_int_equal(PLOT(place, in_folder(place, "a.h5")), 0);
    const char *gp = in_folder(place, "a-charts/gantt.gp");
    assert_file_says(gp, "$D << EOD\n"
                         "0 0 0.75 0x4477aa 0xffffff 0\n"
                         "0 0.75 1 0xaa3377 0xffffff -1\n"
                         "0 4.25 4.5 0xaa3377 0xffffff -1\n"
                         "0 4.5 5 0x66ccee 0x222222 -1\n"
                         "0 5 6.25 0xe69f00 0x222222 0\n"
                         "0 6.25 6.5 0xaa3377 0xffffff -1\n"
                         "0 6.5 7 0x228833 0xffffff -1\n"
                         "1 1 1.25 0xaa3377 0xffffff -1\n");
    assert_file_says(gp, "'recompute', 'optimizer step', 'communication', 'idle']\n");
    assert_file_says(gp, "Bubble 46.4 %'\n"); /* no formula */
}

/* Of REDUCE only what it communicates, at its end: its idling is bubble. */
static void test_gantt_reduce(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .reduce = 2}, NAN);
    assert_int_equal(PLOT(place, in_folder(place, "a.h5")), 0);
    const char *gp = in_folder(place, "a-charts/gantt.gp");
    assert_file_says(gp, "$D << EOD\n"
                         "0 0 1 0x4477aa 0xffffff 0\n"
                         "0 4 6 0xe69f00 0x222222 0\n"
                         "0 7.5 8 0xaa3377 0xffffff -1\n"
                         "0 8 8.5 0x228833 0xffffff -1\n"
                         "1 1 2 0x4477aa 0xffffff 0\n");
}

/* Ideal seconds are forwards, and stand on no axis with measured ones. */
static void test_ideal_unit(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .ideal = true}, NAN);
    record_walk(in_folder(place, "b.h5"), (Walked){SCHEDULE_1F1B, {1, 2, 1}, .dp = 1}, NAN);
    assert_int_equal(PLOT(place, in_folder(place, "a.h5")), 0);
    assert_file_says(in_folder(place, "a-charts/gantt.gp"), "UNIT = 'F'\n");
    assert_file_says(in_folder(place, "a-charts/gantt.gp"), "F: a microbatch''s forward on one rank");
    assert_file_says(in_folder(place, "a-charts/breakdown.gp"), "UNIT = 'F'\n");
    assert_file_says(in_folder(place, "a-charts/breakdown.gp"), "F: a microbatch''s forward on one rank");
    assert_int_equal(PLOT(place, in_folder(place, "a.h5"), in_folder(place, "b.h5")), 0);
    assert_says(place->said, "gantt               skipped: ideal and measured times");
    assert_says(place->said, "breakdown           skipped: ideal and measured times");
    Error error = {""};
    const Capture c = capture();
    const bool reported = report_run(in_folder(place, "a.h5"), &error);
    captured(place, c);
    assert_true(reported);
    assert_says(place->said,
                " F                     share                      F: a microbatch's forward on one rank\n");
}

/* A panel a run on one axis; a rank's second stage is darker; zb-h1 cuts the backward in two. */
static void test_gantt_panels(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "gpipe.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 4}, .dp = 1}, formula(1, 2, 4));
    record_walk(in_folder(place, "x.h5"), (Walked){SCHEDULE_INTERLEAVED, {2, 2, 4}, .dp = 1},
                formula(2, 2, 4));
    record_walk(in_folder(place, "zb.h5"), (Walked){SCHEDULE_ZB_H1, {1, 2, 4}, .dp = 1}, 0.1);
    assert_int_equal(
        PLOT(place, in_folder(place, "gpipe.h5"), in_folder(place, "x.h5"), in_folder(place, "zb.h5")), 0);
    assert_drawn(place, "compare-charts", "gantt");
    const char *gp = in_folder(place, "compare-charts/gantt.gp");
    assert_file_says(gp, "PANELS = 3\n");
    assert_file_says(gp, "END = 15.5\n"); /* gpipe's, the longest */
    assert_file_says(gp, "LABEL[1] = 'gpipe'\n");
    assert_file_says(gp, "HEAD[1] = 'p = 2, m = 4. Step 15.5 ms.");
    assert_file_says(gp, "HEAD[2] = 'interleaved, p = 2, m = 4, v = 2. Step 14.0 ms.");
    assert_file_says(gp, "(p−1)/(vm+p−1) = 11.1 %'\n");
    assert_file_says(gp, "formula 10.0 %'\n");
    assert_file_says(gp, "Darker: a rank''s later stages");
    assert_int_equal(count_in(gp, " 0x4477aa "), 3 * 8); /* F of 2 ranks and 4 microbatches in 3 runs */
    assert_int_equal(count_in(gp, " 0x31567a "), 8);     /* once more in the second stage */
    assert_int_equal(count_in(gp, " 0xe69f00 "), 2 * 8); /* B */
    assert_int_equal(count_in(gp, " 0xee7733 "), 8);     /* I */
    assert_int_equal(count_in(gp, " 0xccbb44 "), 8);     /* W */
    assert_int_equal(count_in(gp, "\n\n\n"), 4);         /* between the blocks of $R and of $D */
}

/* Without a pipeline the first ranks; of many stages 64. */
static void test_gantt_rows(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "dp.h5"), (Walked){SCHEDULE_1F1B, {1, 1, 2}, .dp = 10}, 0);
    record_walk(in_folder(place, "deep.h5"), (Walked){SCHEDULE_GPIPE, {1, 80, 2}, .dry = true}, NAN);
    assert_int_equal(PLOT(place, in_folder(place, "dp.h5")), 0);
    assert_int_equal(PLOT(place, in_folder(place, "deep.h5")), 0);
    assert_file_says(in_folder(place, "dp-charts/gantt.gp"), "ROWS[1] = 8\n");
    assert_file_says(in_folder(place, "dp-charts/gantt.gp"), "HEAD[1] = 'p = 1, m = 2. Step 6.50 ms'\n");
    assert_file_says(in_folder(place, "deep-charts/gantt.gp"), "ROWS[1] = 40\n"); /* every other */
    assert_drawn(place, "deep-charts", "gantt");
    assert_says(place->said, "step_time           skipped: a dry run takes no time");
}

/* ---- bubbles ---- */

static void test_bubble(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 2}, .measured = 0.5}, 0.25);
    record_walk(in_folder(place, "b.h5"), (Walked){SCHEDULE_GPIPE, {1, 2, 2}, .dp = 1}, NAN);
    assert_int_equal(PLOT(place, in_folder(place, "a.h5")), 0);
    assert_int_equal(PLOT(place, in_folder(place, "b.h5")), 0);
    assert_drawn(place, "a-charts", "bubble");
    const char *gp = in_folder(place, "a-charts/bubble.gp");
    assert_file_says(gp, "FORMULA = 'formula (p−1)/(m+p−1)'\n");
    assert_file_says(gp, "array PART[2] = ['simulated', 'measured']\n");
    assert_file_says(gp, "HIGHEST = 50\n"); /* the higher of both, not their sum */
    assert_file_says(gp, "$D << EOD\n0.5 0.25 NaN 0.31578947368421");
    assert_int_equal(count_in(gp, " 0.5\n"), 2);
    gp = in_folder(place, "b-charts/bubble.gp");
    assert_file_says(gp, "array PART[1] = ['simulated']\n");
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
            record_walk(in_folder(place, name), (Walked){kind[k], {1, 2, m}, .tp = 2}, formula(1, 2, m));
        }
    assert_int_equal(PLOT(place, in_folder(place, "0-4.h5"), in_folder(place, "1-2.h5"),
                          in_folder(place, "0-2.h5"), in_folder(place, "1-4.h5")),
                     0);
    assert_drawn(place, "compare-charts", "bubble_microbatches");
    const char *gp = in_folder(place, "compare-charts/bubble_microbatches.gp");
    assert_file_says(gp, "SERIES = 2\narray NAMES[2] = ['1f1b', 'gpipe']\n");
    assert_file_says(gp, "array TICK[2] = [2, 4]\n");
    assert_file_says(gp, "p = 2 pipeline ranks. ");
    assert_file_says(gp, "$D << EOD\n2 31.57894736842");
    assert_file_says(gp, " 33.33333333333"); /* the formula beside it */
    assert_int_equal(count_in(gp, "\n4 19.35483870967"), 2);
    assert_int_equal(count_in(gp, "\n\n\n"), 1);
    assert_int_equal(PLOT(place, in_folder(place, "0-4.h5"), in_folder(place, "1-4.h5")), 0);
    assert_says(place->said, "bubble_microbatches skipped: it needs pipelined runs that differ");
    assert_int_equal(PLOT(place, in_folder(place, "0-4.h5")), 0);
    assert_null(strstr(place->said, "bubble_microbatches"));
}

/* ---- stacks and words ---- */

static void test_breakdown(void **state)
{
    PlotPlace *place = *state;
    record_walk(in_folder(place, "a.h5"),
                (Walked){SCHEDULE_1F1B, {1, 2, 1}, .wire = 0.25, .recompute = 0.5, .waiting = 0.25}, NAN);
    assert_int_equal(PLOT(place, in_folder(place, "a.h5")), 0);
    assert_drawn(place, "a-charts", "breakdown");
    const char *gp = in_folder(place, "a-charts/breakdown.gp");
    assert_file_says(gp, "= ['compute', 'recompute', 'optimizer', 'tensor-parallel wait', 'pipeline wire', "
                         "'pipeline idle']\n");
    assert_file_says(gp, "UNIT = 'ms'\n");
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
    assert_int_equal(PLOT(place, in_folder(place, "a.h5")), 0);
    const char *gp = in_folder(place, "a-charts/bytes_by_axis.gp");
    assert_file_says(gp, "array PART[3] = ['data: dp, zero', 'tensor: tp', 'control (max 16 bytes)']\n");
    assert_file_says(gp, "\n4024 4008 NaN 3008 1000 16\n"); /* zero.norm is data's; control has no formula */
    assert_file_says(gp, "no formula for control");
}

static void test_report(void **state)
{
    PlotPlace *place = *state;
    Error error = {""};
    record_walk(in_folder(place, "a.h5"),
                (Walked){SCHEDULE_INTERLEAVED, {2, 2, 4}, .dp = 3, .tp = 2, .measured = 0.5}, 0.125);
    const Capture c = capture();
    const bool reported = report_run(in_folder(place, "a.h5"), &error);
    captured(place, c);
    assert_true(reported);
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
    assert_true(h5_close(file, &error));
    assert_int_equal(PLOT(place, path), 2);
    assert_says(place->said, "parallel.pp = 3 times parallel.tp = 1 does not divide 4 ranks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memory_timeline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gantt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gantt_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gantt_reduce, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gantt_panels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ideal_unit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gantt_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bubble, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bubble_microbatches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_breakdown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_by_axis, setup, teardown),
        cmocka_unit_test_setup_teardown(test_report, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_grid, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
