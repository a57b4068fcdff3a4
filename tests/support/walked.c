/* walked.c - walking a schedule on paper, and writing it down. */
#include "tests/support/walked.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/schedule/notation.h"
#include "parallel/schedule/timeline.h"
#include "sim/file/checksums.h"
#include "sim/file/h5.h"
#include "sim/file/recorder.h"
#include "sim/report/report.h"
#include "tests/support/check.h"

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
        {"parallel.schedule", walked->own ? "own.csv" : schedule_name[walked->kind]},
        {"train.global_batch", batch},
        {"train.microbatch", "2"},
        {"hardware.profile", walked->ideal ? "ideal" : "measured"},
    };
    H5 *file = h5_edit(path, &error);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true(h5_set_text(file, "/config", values[i][0], values[i][1], &error));
    assert_true(checksums_write(file, &error) && h5_close(file, &error));
}

/* The rank's rows, and its seconds by part. It holds 1 MB of parameters, 1 MB of activations a microbatch, and
 * another 0.5 MB while it computes. */
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
                                .measured_compute = NAN,
                                .overlapped = action.overlapped};
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

void record_walk(const char *path, Walked walked, double formula)
{
    if (walked.dp == 0) walked.dp = 1;
    if (walked.tp == 0) walked.tp = 1;
    Error error = {""};
    Plan plan;
    Timeline timeline;
    const Durations durations = {.seconds = seconds, .message = message, .context = &walked};
    if (walked.own)
        assert_true(notation_read(&plan, walked.own, (int64_t)strlen(walked.own), "own.csv", &error));
    else
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
    double *hidden = allocate_zeroed((size_t)ranks * PARTS, sizeof *hidden);
    assert_true(recorder_breakdown(recorder, part, hidden, &error));
    assert_true(recorder_finish(recorder, &error));
    set_config(path, &walked);
    void *const all[] = {rows, simulated, measured, part, theory, states, bytes, config, hidden};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    timeline_free(&timeline);
    plan_free(&plan);
}

double bubble_formula(int v, int p, int m)
{
    return (p - 1.0) / (v * m + p - 1);
}

int count_in(const char *path, const char *part)
{
    char *text = text_of(path);
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++) count++;
    free(text);
    return count;
}

void report_says(PlotPlace *place, const char *name)
{
    Error error = {""};
    const Capture c = capture();
    const bool reported = report_run(in_folder(place, name), false, &error);
    captured(place, c);
    assert_true(reported);
}
