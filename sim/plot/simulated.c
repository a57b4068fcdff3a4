/* simulated.c - what a run file says of simulated time: spans of actions, bubbles, seconds by part. */
#include "sim/plot/simulated.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/lanes.h"
#include "sim/base/words.h"

/* ---- seconds by part ---- */

static bool is_work(const char *part)
{
    return !strcmp(part, part_name[PART_COMPUTE]) || !strcmp(part, part_name[PART_RECOMPUTE]) ||
           !strcmp(part, part_name[PART_OPTIMIZER]);
}

static bool read_breakdown(const RunFile *file, PlotRun *run, Error *error)
{
    PlotStack *stack = &run->breakdown;
    snprintf(stack->why, PLOT_WHY, "the file has no simulated seconds by part");
    double *seconds = run_file_first(file, "/breakdown/simulated", (size_t)run->recorded, error);
    if (!seconds) return false;
    plot_stack_name(stack, (const char *const *)file->part, file->parts);
    plot_stack_make(stack, run->recorded, stack->parts);
    for (int rank = 0; rank < run->recorded; rank++) stack->mark[rank] = 0;
    for (size_t cell = 0; cell < (size_t)run->recorded * stack->parts; cell++) {
        if (!(seconds[cell] > 0)) continue; /* NaN: the run ended before it knew */
        stack->value[cell] = seconds[cell];
        if (is_work(stack->name[cell % stack->parts])) stack->mark[cell / stack->parts] += seconds[cell];
        stack->why[0] = '\0';
    }
    free(seconds);
    return true;
}

bool plot_one_clock(const PlotRun *runs, int count, char *why, size_t size)
{
    why[0] = '\0';
    for (int i = 1; i < count; i++)
        if (runs[i].shape.ideal != runs[0].shape.ideal)
            snprintf(why, size, "ideal and measured times (hardware.profile) have no common axis");
    return !why[0];
}

void plot_explain_unit(const PlotRun *run, char *line, size_t size)
{
    if (run->shape.ideal) words_append(line, size, ". F: a microbatch's forward on one rank");
}

/* ---- bubbles ---- */

static bool read_bubble(const RunFile *file, PlotRun *run, Error *error)
{
    enum { SIMULATED, MEASURED, BUBBLES };
    static const char *const names[BUBBLES] = {"simulated", "measured"};
    static const char *const datasets[BUBBLES] = {"/pipeline/bubble_ratio_simulated",
                                                  "/pipeline/bubble_ratio_measured"};
    PlotStack *stack = &run->bubble;
    snprintf(stack->why, PLOT_WHY,
             run->shape.mesh.pp > 1 ? "no bubble was recorded" : "no pipeline, no bubble");
    if (!run_file_rows(file, "/pipeline/bubble_ratio_theory", 0, 1, &run->formula, error)) return false;
    plot_stack_name(stack, names, BUBBLES);
    plot_stack_make(stack, run->recorded, BUBBLES);
    stack->beside = true;
    for (size_t kind = 0; kind < BUBBLES; kind++) {
        const size_t ranks = (size_t)run->recorded;
        double *share = run_file_first(file, datasets[kind], ranks, error);
        if (!share) return false;
        for (size_t rank = 0; rank < ranks; rank++) {
            stack->value[rank * BUBBLES + kind] = share[rank];
            if (run->shape.mesh.pp > 1 && share[rank] > 0) stack->why[0] = '\0';
            if (kind == SIMULATED) stack->theory[rank * BUBBLES + kind] = run->formula;
        }
        free(share);
    }
    return true;
}

double plot_mean_bubble(const PlotRun *run)
{
    double sum = 0;
    for (int rank = 0; rank < run->recorded; rank++)
        sum += run->for_ranks[rank] * run->bubble.value[(size_t)rank * run->bubble.parts];
    return sum / run->ranks;
}

/* ---- spans ---- */

static int by_rank_and_start(const void *a, const void *b)
{
    const PlotSpan *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

void plot_spans_read(const TimelineRow *rows, size_t count, PlotRun *run)
{
    double begin = NAN;
    run->simulated_end = NAN;
    snprintf(run->span_why, PLOT_WHY, "the file has no action's simulated time");
    run->span = allocate_zeroed(count, sizeof *run->span);
    for (size_t i = 0; i < count; i++) {
        const TimelineRow *row = &rows[i];
        const double start = row->simulated_start, end = row->simulated_end;
        if (row->rank < 0 || row->rank >= run->recorded || !isfinite(start) || !isfinite(end)) continue;
        begin = fmin(begin, start); /* fmin and fmax skip NaN */
        run->simulated_end = fmax(run->simulated_end, end);
        if (!(end > start)) continue;
        PlotSpan *span = &run->span[run->spans++];
        *span = (PlotSpan){.rank = row->rank,
                           .stage = row->stage,
                           .microbatch = row->microbatch,
                           .start = start,
                           .end = end,
                           .recompute = row->recompute,
                           .communication = row->communication,
                           .overlapped = row->overlapped == 1};
        memcpy(span->action, row->action, sizeof span->action);
    }
    for (size_t i = 0; i < run->spans; i++) {
        run->span[i].start -= begin;
        run->span[i].end -= begin;
    }
    run->simulated_end -= begin;
    qsort(run->span, run->spans, sizeof *run->span, by_rank_and_start);
    if (run->spans) run->span_why[0] = '\0';
}

bool plot_simulated_read(const RunFile *file, PlotRun *run, Error *error)
{
    return read_breakdown(file, run, error) && read_bubble(file, run, error);
}
