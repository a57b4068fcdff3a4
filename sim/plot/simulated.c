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

static bool read_breakdown(H5 *file, PlotRun *run, Error *error)
{
    PlotStack *stack = &run->breakdown;
    snprintf(stack->why, PLOT_WHY, "the file has no simulated seconds by part");
    if (!h5_exists(file, "/breakdown/simulated")) return true;
    stack->name = h5_read_names(file, "/breakdown/part", &stack->parts, error);
    if (!stack->name) return false;
    size_t plane[2] = {(size_t)run->ranks, stack->parts};
    double *seconds = plot_run_array(file, run, "/breakdown/simulated", 2, plane, error);
    if (!seconds) return false;
    plot_stack_make(stack, run->ranks, stack->parts);
    for (int rank = 0; rank < run->ranks; rank++) stack->mark[rank] = 0;
    for (size_t cell = 0; cell < plane[0] * plane[1]; cell++) {
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

static bool read_bubble(H5 *file, PlotRun *run, Error *error)
{
    enum { SIMULATED, MEASURED, BUBBLES };
    static const char *const names[BUBBLES] = {"simulated", "measured"};
    static const char *const paths[BUBBLES] = {"/pipeline/bubble_ratio_simulated",
                                               "/pipeline/bubble_ratio_measured"};
    PlotStack *stack = &run->bubble;
    run->formula = NAN;
    snprintf(stack->why, PLOT_WHY,
             run->shape.mesh.pp > 1 ? "no bubble was recorded" : "no pipeline, no bubble");
    if (!h5_exists(file, paths[SIMULATED])) return true;
    double *formula = plot_run_array(file, run, "/pipeline/bubble_ratio_theory", 0, NULL, error);
    if (!formula) return false;
    run->formula = *formula;
    free(formula);
    plot_stack_name(stack, names, BUBBLES);
    plot_stack_make(stack, run->ranks, BUBBLES);
    stack->beside = true;
    for (size_t kind = 0; kind < BUBBLES; kind++) {
        size_t ranks = (size_t)run->ranks;
        double *share = plot_run_array(file, run, paths[kind], 1, &ranks, error);
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
    for (int rank = 0; rank < run->ranks; rank++) sum += run->bubble.value[(size_t)rank * run->bubble.parts];
    return sum / run->ranks;
}

/* ---- spans ---- */

static int by_rank_and_start(const void *a, const void *b)
{
    const PlotSpan *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

static bool read_spans(H5 *file, PlotRun *run, Error *error)
{
    const H5Field fields[] = {
        {.name = "rank", .offset = offsetof(PlotSpan, rank), .kind = H5_I32},
        {.name = "stage", .offset = offsetof(PlotSpan, stage), .kind = H5_I32},
        {.name = "microbatch", .offset = offsetof(PlotSpan, microbatch), .kind = H5_I32},
        {.name = "action",
         .offset = offsetof(PlotSpan, action),
         .text = true,
         .size = sizeof(((PlotSpan *)0)->action)},
        {.name = "simulated_start", .offset = offsetof(PlotSpan, start), .kind = H5_F64},
        {.name = "simulated_end", .offset = offsetof(PlotSpan, end), .kind = H5_F64},
        {.name = "recompute", .offset = offsetof(PlotSpan, recompute), .kind = H5_F64},
        {.name = "communication", .offset = offsetof(PlotSpan, communication), .kind = H5_F64},
    };
    run->simulated_end = NAN;
    snprintf(run->span_why, PLOT_WHY, "the file has no action's simulated time");
    if (!h5_exists(file, "/timeline/actions")) return true;
    size_t rows = 0;
    run->span = h5_table_read(file, "/timeline/actions", fields, sizeof fields / sizeof *fields,
                              sizeof *run->span, &rows, error);
    if (!run->span) return false;
    double begin = NAN;
    for (size_t i = 0; i < rows; i++) {
        PlotSpan span = run->span[i];
        if (span.rank < 0 || span.rank >= run->ranks || !isfinite(span.start) || !isfinite(span.end))
            continue;
        begin = fmin(begin, span.start); /* fmin and fmax skip NaN */
        run->simulated_end = fmax(run->simulated_end, span.end);
        if (!(span.end > span.start)) continue;
        span.action[sizeof span.action - 1] = '\0';
        run->span[run->spans++] = span;
    }
    for (size_t i = 0; i < run->spans; i++) {
        run->span[i].start -= begin;
        run->span[i].end -= begin;
    }
    run->simulated_end -= begin;
    qsort(run->span, run->spans, sizeof *run->span, by_rank_and_start);
    if (run->spans) run->span_why[0] = '\0';
    return true;
}

bool plot_simulated_read(H5 *file, PlotRun *run, Error *error)
{
    return read_breakdown(file, run, error) && read_bubble(file, run, error) && read_spans(file, run, error);
}
