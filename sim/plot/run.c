/* run.c - reads a run file and reduces it to what is drawn: a loss a step,
 * and one stack of parts a rank for bytes, memory and time. */
#include "sim/plot/run.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/plot/axes.h"
#include "sim/plot/moments.h"
#include "sim/plot/simulated.h"
#include "sim/plot/time.h"
#include "sim/file/layout.h"

double plot_stack_total(const PlotStack *stack, int rank)
{
    double total = 0;
    for (size_t part = 0; part < stack->parts; part++) {
        const double value = stack->value[(size_t)rank * stack->parts + part];
        total = stack->beside ? fmax(total, value) : total + value; /* fmax skips NaN */
    }
    return total;
}

int plot_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double plot_median(double *values, size_t count)
{
    if (count == 0) return NAN;
    qsort(values, count, sizeof *values, plot_ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* ---- reading ---- */

double *plot_run_array(H5 *file, const PlotRun *run, const char *path, int want_rank, size_t *want,
                       Error *error)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    double *values = h5_read_numbers(file, path, &rank, dims, error);
    if (!values) return NULL;
    bool fits = rank == want_rank;
    for (int i = 0; fits && i < rank; i++) {
        fits = want[i] == 0 || dims[i] == want[i];
        want[i] = dims[i];
    }
    if (fits) return values;
    free(values);
    error_set(error, "%s: the shape of %s does not match its ranks, steps and names; is it damaged?",
              run->path, path);
    return NULL;
}

static double *filled(size_t count, double value)
{
    double *values = allocate(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = value;
    return values;
}

/* A column of /steps, cut to the finished steps; all NaN when the file has none. */
static bool read_column(H5 *file, PlotRun *run, const char *name, double **column, Error *error)
{
    char path[64];
    snprintf(path, sizeof path, "/steps/%s", name);
    *column = NULL;
    if (!h5_exists(file, path)) {
        *column = filled(run->steps, NAN);
        return true;
    }
    size_t rows = 0;
    *column = plot_run_array(file, run, path, 1, &rows, error);
    if (!*column) return false;
    if (rows >= run->steps) return true;
    return error_set(error, "%s: %s has %zu rows, but %zu steps were finished; is it damaged?", run->path,
                     path, rows, run->steps);
}

static bool read_steps(H5 *file, PlotRun *run, Error *error)
{
    size_t rows = 0;
    if (h5_exists(file, "/steps/step")) {
        run->step = plot_run_array(file, run, "/steps/step", 1, &rows, error);
        if (!run->step) return false;
    }
    while (run->steps < rows && run->step[run->steps] >= 0) run->steps++;

    double *tokens = NULL, *rate = NULL;
    const bool read = read_column(file, run, "loss", &run->loss, error) &&
                      read_column(file, run, "grad_norm", &run->grad_norm, error) &&
                      read_column(file, run, "learning_rate", &run->learning_rate, error) &&
                      read_column(file, run, "skipped", &run->skipped, error) &&
                      read_column(file, run, "tokens", &tokens, error) &&
                      read_column(file, run, "tokens_per_second", &rate, error);
    run->step_seconds = NAN;
    if (read) {
        size_t timed = 0, losses = 0;
        for (size_t i = 0; i < run->steps; i++) {
            if (rate[i] > 0) rate[timed++] = tokens[i] / rate[i];
            losses += isfinite(run->loss[i]) != 0;
        }
        run->step_seconds = plot_median(rate, timed);
        if (run->dry)
            snprintf(run->loss_why, PLOT_WHY, "a dry run computes none");
        else if (run->steps == 0)
            snprintf(run->loss_why, PLOT_WHY, "no step was finished");
        else if (losses == 0)
            snprintf(run->loss_why, PLOT_WHY, "none of the %zu steps has a finite loss", run->steps);
    }
    free(tokens);
    free(rate);
    return read;
}

void plot_stack_make(PlotStack *stack, int ranks, size_t parts)
{
    const size_t cells = (size_t)ranks * parts;
    stack->ranks = ranks;
    stack->parts = parts;
    stack->value = filled(cells, 0);
    stack->mark = filled((size_t)ranks, NAN);
    if (!stack->theory) stack->theory = filled(cells, NAN);
}

void plot_stack_name(PlotStack *stack, const char *const *names, size_t parts)
{
    stack->parts = parts;
    stack->name = allocate(parts * sizeof *stack->name);
    for (size_t i = 0; i < parts; i++) stack->name[i] = strcpy(allocate(strlen(names[i]) + 1), names[i]);
}

/* The mean bytes of a step, and whether all steps and the formulas agree. */
static void reduce_comm(PlotRun *run, const double *bytes)
{
    PlotStack *comm = &run->comm;
    const size_t cells = (size_t)run->ranks * comm->parts;
    run->comm_alike = true;
    run->comm_off = NAN;
    for (size_t step = 0; step < run->steps; step++)
        for (size_t cell = 0; cell < cells; cell++) {
            const double sent = bytes[step * cells + cell], off = fabs(sent - comm->theory[cell]);
            comm->value[cell] += sent;
            run->comm_alike = run->comm_alike && sent == bytes[cell];
            if (isnan(off) || off <= run->comm_off) continue;
            run->comm_off = off;
            run->comm_off_rank = (int)(cell / comm->parts);
            run->comm_off_part = cell % comm->parts;
        }
    double total = 0;
    for (size_t cell = 0; cell < cells; cell++) {
        comm->value[cell] /= (double)run->steps;
        total += comm->value[cell] + (comm->theory[cell] > 0 ? comm->theory[cell] : 0);
    }
    if (total == 0)
        snprintf(comm->why, PLOT_WHY, "no bytes were sent (%d rank%s)", run->ranks,
                 run->ranks == 1 ? "" : "s");
}

static bool read_comm(H5 *file, PlotRun *run, Error *error)
{
    PlotStack *comm = &run->comm;
    if (run->steps == 0 || !h5_exists(file, "/comm/bytes_sent")) {
        snprintf(comm->why, PLOT_WHY,
                 run->steps ? "the file has no /comm/bytes_sent" : "no step was finished");
        snprintf(run->axes.why, PLOT_WHY, "%s", comm->why);
        return true;
    }
    comm->name = h5_read_names(file, "/comm/purpose", &comm->parts, error);
    if (!comm->name) return false;
    size_t dims[3] = {0, (size_t)run->ranks, comm->parts}, plane[2] = {(size_t)run->ranks, comm->parts};
    double *bytes = plot_run_array(file, run, "/comm/bytes_sent", 3, dims, error);
    if (!bytes) return false;
    if (dims[0] < run->steps) {
        free(bytes);
        return error_set(error,
                         "%s: /comm/bytes_sent has %zu rows, but %zu steps were finished; is it damaged?",
                         run->path, dims[0], run->steps);
    }
    bool read = true;
    if (h5_exists(file, "/comm/theory_bytes")) {
        comm->theory = plot_run_array(file, run, "/comm/theory_bytes", 2, plane, error);
        read = comm->theory != NULL;
    }
    if (read) {
        plot_stack_make(comm, run->ranks, comm->parts);
        reduce_comm(run, bytes);
        plot_axes_sum(run);
    }
    free(bytes);
    return read;
}

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
    plot_stack_make(stack, run->ranks, 1);
    snprintf(stack->why, PLOT_WHY, "no activations were recorded");
    for (size_t cell = 0; cell < (size_t)run->ranks * memory->parts; cell++) {
        if (strcmp(memory->name[cell % memory->parts], *name) != 0 || !(peak[cell] > 0)) continue;
        stack->value[cell / memory->parts] = peak[cell];
        stack->theory[cell / memory->parts] = memory->theory[cell];
        stack->why[0] = '\0';
    }
}

static bool read_memory(H5 *file, PlotRun *run, Error *error)
{
    PlotStack *memory = &run->memory;
    if (!h5_exists(file, "/memory/peak")) {
        snprintf(memory->why, PLOT_WHY, "the file has no /memory/peak");
        snprintf(run->activations.why, PLOT_WHY, "%s", memory->why);
        return true;
    }
    memory->name = h5_read_names(file, "/memory/category", &memory->parts, error);
    if (!memory->name) return false;
    const size_t ranks = (size_t)run->ranks;
    size_t plane[2] = {ranks, memory->parts}, column = ranks;
    if (h5_exists(file, "/memory/theory")) {
        memory->theory = plot_run_array(file, run, "/memory/theory", 2, plane, error);
        if (!memory->theory) return false;
    }
    plot_stack_make(memory, run->ranks, memory->parts);
    double *peak = plot_run_array(file, run, "/memory/peak", 2, plane, error);
    double *total = peak ? plot_run_array(file, run, "/memory/peak_total", 1, &column, error) : NULL;
    if (!total) {
        free(peak);
        return false;
    }
    take_activations(run, peak);
    double sum = 0;
    for (size_t cell = 0; cell < ranks * memory->parts; cell++) {
        memory->value[cell] = peak[cell] > 0 ? peak[cell] : 0; /* NaN: not recorded */
        sum += memory->value[cell];
        if (!model_state(memory->name[cell % memory->parts])) memory->theory[cell] = NAN;
    }
    for (size_t rank = 0; rank < ranks; rank++) memory->mark[rank] = total[rank] > 0 ? total[rank] : 0;
    if (sum == 0) snprintf(memory->why, PLOT_WHY, "no peak was recorded before the run ended");
    free(peak);
    free(total);
    return true;
}

/* ---- a file ---- */

static bool read_run(H5 *file, PlotRun *run, Error *error)
{
    char schema[LAYOUT_SCHEMA];
    double number;
    if (!layout_is_run(file, schema))
        return error_set(error,
                         "%s: not a run file: its attribute schema is \"%s\", not \"sim-run/1\"; give a file "
                         "that a run of sim recorded",
                         run->path, schema);
    if (!h5_get_number(file, "/", "ranks", &number) || !(number >= 1 && number <= 1 << 24))
        return error_set(error, "%s: the attribute ranks is missing or no count; is the file damaged?",
                         run->path);
    run->ranks = (int)number;
    run->complete = h5_get_number(file, "/", "complete", &number) && number != 0;
    run->dry = h5_get_number(file, "/", "dry", &number) && number != 0;
    run->parameters = h5_get_number(file, "/", "parameters", &number) ? number : NAN;
    run->entropy = h5_get_number(file, "/", "entropy", &number) ? number : NAN;
    if (!h5_get_text(file, "/", "precision", run->precision, sizeof run->precision)) run->precision[0] = '\0';
    Error split;
    if (!run_shape_read(&run->shape, file, run->ranks, &split))
        return error_set(error, "%s: %s; is the file damaged?", run->path, split.text);
    return read_steps(file, run, error) && read_comm(file, run, error) && read_memory(file, run, error) &&
           plot_time_read(file, run, error) && plot_simulated_read(file, run, error) &&
           plot_moments_read(file, run, error);
}

bool plot_run_read(PlotRun *run, const char *path, Error *error)
{
    memset(run, 0, sizeof *run);
    run->path = allocate(strlen(path) + 1);
    strcpy(run->path, path);
    H5 *file = h5_open(path, error);
    if (!file) return false;
    const bool read = read_run(file, run, error);
    return h5_close(file, read ? error : NULL) && read;
}

static void free_stack(PlotStack *stack)
{
    for (size_t i = 0; i < stack->parts && stack->name; i++) free(stack->name[i]);
    free(stack->name);
    free(stack->value);
    free(stack->theory);
    free(stack->mark);
}

void plot_run_free(PlotRun *run)
{
    free(run->path);
    free(run->step);
    free(run->loss);
    free(run->grad_norm);
    free(run->learning_rate);
    free(run->skipped);
    free_stack(&run->comm);
    free_stack(&run->axes);
    free_stack(&run->memory);
    free_stack(&run->activations);
    free_stack(&run->time);
    free_stack(&run->breakdown);
    free_stack(&run->bubble);
    free(run->span);
    h5_free_names(run->moments.name, run->moments.parts);
    free(run->moments.held);
    free(run->moments.moment);
}
