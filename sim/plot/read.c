/* read.c - reads a run file and reduces it to what is drawn: a loss a step,
 * and one stack of parts a rank for bytes, memory and time. */
#include "sim/plot/read.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/file/run_file.h"
#include "sim/plot/axes.h"
#include "sim/plot/moments.h"
#include "sim/plot/routing.h"
#include "sim/plot/simulated.h"
#include "sim/plot/time.h"
#include "sim/plot/work.h"

/* ---- a value a step ---- */

static void explain_losses(PlotRun *run)
{
    size_t losses = 0;
    for (size_t i = 0; i < run->steps; i++) losses += isfinite(run->loss[i]) != 0;
    if (run->dry)
        snprintf(run->loss_why, PLOT_WHY, "a dry run computes none");
    else if (run->steps == 0)
        snprintf(run->loss_why, PLOT_WHY, "no step was finished");
    else if (losses == 0)
        snprintf(run->loss_why, PLOT_WHY,
                 run->steps == 1 ? "its one step has no finite loss"
                                 : "none of the %zu steps has a finite loss",
                 run->steps);
}

/* The median of the steps' times: of tokens over tokens a second, which is NaN where no time was taken. */
static bool read_step_seconds(const RunFile *file, PlotRun *run, Error *error)
{
    double *tokens = run_file_first(file, "/steps/tokens", run->steps, error);
    double *rate = tokens ? run_file_first(file, "/steps/tokens_per_second", run->steps, error) : NULL;
    size_t timed = 0;
    for (size_t i = 0; rate && i < run->steps; i++)
        if (rate[i] > 0) rate[timed++] = tokens[i] / rate[i];
    if (rate) run->step_seconds = plot_median(rate, timed);
    const bool read = rate != NULL;
    free(tokens);
    free(rate);
    return read;
}

static bool read_steps(const RunFile *file, PlotRun *run, Error *error)
{
    const struct {
        const char *dataset;
        double **column;
    } columns[] = {{"/step", &run->step},
                   {"/steps/loss", &run->loss},
                   {"/steps/grad_norm", &run->grad_norm},
                   {"/steps/learning_rate", &run->learning_rate},
                   {"/steps/skipped", &run->skipped}};
    run->steps = file->steps;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (!(*columns[i].column = run_file_first(file, columns[i].dataset, run->steps, error))) return false;
    for (size_t i = 0; i < run->steps; i++) run->step[i]++;
    explain_losses(run);
    return read_step_seconds(file, run, error);
}

/* ---- bytes sent ---- */

/* Adds one step's bytes [ranks][parts], and notes whether they are the first step's and the formulas'. */
static void add_step(PlotRun *run, const double *bytes, const double *first)
{
    PlotStack *comm = &run->comm;
    for (size_t cell = 0; cell < (size_t)run->recorded * comm->parts; cell++) {
        const double off = fabs(bytes[cell] - comm->theory[cell]);
        comm->value[cell] += bytes[cell];
        run->comm_alike = run->comm_alike && bytes[cell] == first[cell];
        if (isnan(off) || off <= run->comm_off) continue;
        run->comm_off = off;
        run->comm_off_rank = run->rank[cell / comm->parts];
        run->comm_off_part = cell % comm->parts;
    }
}

/* From the sum of all steps to their mean. */
static void take_mean(PlotRun *run)
{
    PlotStack *comm = &run->comm;
    double total = 0;
    for (size_t cell = 0; cell < (size_t)run->recorded * comm->parts; cell++) {
        comm->value[cell] /= (double)run->steps;
        total += comm->value[cell] + (comm->theory[cell] > 0 ? comm->theory[cell] : 0);
    }
    if (total == 0)
        snprintf(comm->why, PLOT_WHY, "no bytes were sent (%d rank%s)", run->ranks,
                 run->ranks == 1 ? "" : "s");
}

static bool read_comm(const RunFile *file, PlotRun *run, Error *error)
{
    PlotStack *comm = &run->comm;
    if (run->steps == 0) {
        snprintf(comm->why, PLOT_WHY, "no step was finished");
        snprintf(run->axes.why, PLOT_WHY, "%s", comm->why);
        return true;
    }
    plot_stack_name(comm, (const char *const *)file->purpose, file->purposes);
    comm->theory = run_file_first(file, "/comm/theory_bytes", (size_t)run->recorded, error);
    double *first = comm->theory ? run_file_first(file, "/comm/bytes_sent", 1, error) : NULL;
    if (!first) return false;
    plot_stack_make(comm, run->recorded, comm->parts);
    run->comm_alike = true;
    run->comm_off = NAN;
    double *bytes = allocate((size_t)run->recorded * comm->parts * sizeof *bytes);
    bool read = true;
    for (size_t step = 0; read && step < run->steps; step++) {
        read = run_file_rows(file, "/comm/bytes_sent", step, 1, bytes, error);
        if (read) add_step(run, bytes, first);
    }
    free(bytes);
    free(first);
    if (!read) return false;
    take_mean(run);
    plot_axes_sum(run);
    return true;
}

/* ---- memory ---- */

static bool model_state(const char *category)
{
    return !strcmp(category, "parameters") || !strcmp(category, "gradients") ||
           !strcmp(category, "optimizer");
}

/* The category of memory that techniques are compared by. Before memory->theory forgets it. */
static void take_activations(PlotRun *run, const double *peak)
{
    static const char *const name[] = {"activations"};
    const PlotStack *memory = &run->memory;
    PlotStack *stack = &run->activations;
    plot_stack_name(stack, name, 1);
    plot_stack_make(stack, run->recorded, 1);
    snprintf(stack->why, PLOT_WHY, "no activations were recorded");
    for (size_t cell = 0; cell < (size_t)run->recorded * memory->parts; cell++) {
        if (strcmp(memory->name[cell % memory->parts], *name) != 0 || !(peak[cell] > 0)) continue;
        stack->value[cell / memory->parts] = peak[cell];
        stack->theory[cell / memory->parts] = memory->theory[cell];
        stack->why[0] = '\0';
    }
}

static void take_memory(PlotRun *run, const double *peak, const double *total)
{
    PlotStack *memory = &run->memory;
    const size_t ranks = (size_t)run->recorded;
    double sum = 0;
    for (size_t cell = 0; cell < ranks * memory->parts; cell++) {
        memory->value[cell] = peak[cell];
        sum += peak[cell];
        if (!model_state(memory->name[cell % memory->parts])) memory->theory[cell] = NAN;
    }
    for (size_t rank = 0; rank < ranks; rank++) memory->mark[rank] = total[rank];
    if (sum == 0) snprintf(memory->why, PLOT_WHY, "no peak was recorded before the run ended");
}

static bool read_memory(const RunFile *file, PlotRun *run, Error *error)
{
    PlotStack *memory = &run->memory;
    const size_t ranks = (size_t)run->recorded;
    plot_stack_name(memory, (const char *const *)file->category, file->categories);
    memory->theory = run_file_first(file, "/memory/theory", ranks, error);
    double *peak = memory->theory ? run_file_first(file, "/memory/peak", ranks, error) : NULL;
    double *total = peak ? run_file_first(file, "/memory/peak_total", ranks, error) : NULL;
    if (total) {
        plot_stack_make(memory, run->recorded, memory->parts);
        take_activations(run, peak);
        take_memory(run, peak, total);
    }
    const bool read = total != NULL;
    free(peak);
    free(total);
    return read;
}

/* ---- a file ---- */

static bool read_timeline(const RunFile *file, PlotRun *run, Error *error)
{
    TimelineRow *rows = run_file_actions(file, error);
    if (!rows) return false;
    for (size_t i = 0; i < file->actions; i++) rows[i].rank = run_file_row(file, rows[i].rank);
    plot_time_read(rows, file->actions, run);
    plot_spans_read(rows, file->actions, run);
    const bool read = plot_moments_read(file, rows, run, error);
    free(rows);
    return read;
}

bool plot_run_read(PlotRun *run, const char *path, Error *error)
{
    memset(run, 0, sizeof *run);
    RunFile *file = run_file_open(path, error);
    if (!file) return false;
    run->path = strcpy(allocate(strlen(path) + 1), path);
    run->shape = file->shape;
    run->ranks = file->ranks;
    run->recorded = file->recorded;
    run->rank = allocate((size_t)file->recorded * sizeof *run->rank);
    run->for_ranks = allocate((size_t)file->recorded * sizeof *run->for_ranks);
    for (int i = 0; i < file->recorded; i++) {
        run->rank[i] = file->rank[i];
        run->for_ranks[i] = run_file_stands_for(file, i);
    }
    run->complete = file->complete;
    run->dry = file->dry;
    run->parameters = file->parameters;
    run->entropy = file->entropy;
    run->timed_step = file->timed_step + 1;
    memcpy(run->precision, file->precision, sizeof run->precision);
    const bool read = read_steps(file, run, error) && read_comm(file, run, error) &&
                      read_memory(file, run, error) && plot_simulated_read(file, run, error) &&
                      read_timeline(file, run, error) && plot_work_read(file, run, error) &&
                      plot_routing_read(file, run, error);
    run_file_close(file);
    return read;
}
