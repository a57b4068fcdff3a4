/* run.c - the record of a run: stacks made, named and summed, and all of it freed. */
#include "sim/plot/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *filled(size_t count, double value)
{
    double *values = allocate(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = value;
    return values;
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

char **plot_copy_names(const char *const *names, size_t count)
{
    char **copy = allocate(count * sizeof *copy);
    for (size_t i = 0; i < count; i++) copy[i] = strcpy(allocate(strlen(names[i]) + 1), names[i]);
    return copy;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count && names; i++) free(names[i]);
    free(names);
}

void plot_stack_name(PlotStack *stack, const char *const *names, size_t parts)
{
    stack->parts = parts;
    stack->name = plot_copy_names(names, parts);
}

double plot_stack_total(const PlotStack *stack, int rank)
{
    double total = 0;
    for (size_t part = 0; part < stack->parts; part++) {
        const double value = stack->value[(size_t)rank * stack->parts + part];
        total = stack->beside ? fmax(total, value) : total + value; /* fmax skips NaN */
    }
    return total;
}

int plot_row_at(const PlotRun *run, MeshPlace place)
{
    int rank = mesh_rank(run->shape.mesh, place), row = 0;
    while (row + 1 < run->recorded && run->rank[row + 1] <= rank) row++;
    return row;
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

static void free_stack(PlotStack *stack)
{
    free_names(stack->name, stack->parts);
    free(stack->value);
    free(stack->theory);
    free(stack->mark);
}

void plot_run_free(PlotRun *run)
{
    free(run->path);
    free(run->rank);
    free(run->for_ranks);
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
    free(run->work.kind);
    free(run->routing.layer);
    free(run->routing.load);
    free(run->routing.imbalance);
    free_names(run->moments.name, run->moments.parts);
    free(run->moments.held);
    free(run->moments.moment);
}
