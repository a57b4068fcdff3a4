/* time.c - where the time of a step went: the recorded one's rows, which may
 * overlap, become seconds by action that add up to the median step. */
#include "sim/plot/time.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char plot_rest[] = "rest";

static int by_rank(const void *a, const void *b)
{
    const TimelineRow *x = *(const TimelineRow *const *)a, *y = *(const TimelineRow *const *)b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static int by_start(const void *a, const void *b)
{
    const PlotAction *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

void plot_divide_time(PlotAction *actions, size_t count, double *seconds)
{
    qsort(actions, count, sizeof *actions, by_start);
    double *bounds = allocate(2 * count * sizeof *bounds);
    size_t *open = allocate(count * sizeof *open); /* the actions that have begun and not ended */
    for (size_t i = 0; i < count; i++) {
        bounds[2 * i] = actions[i].start;
        bounds[2 * i + 1] = actions[i].end;
    }
    qsort(bounds, 2 * count, sizeof *bounds, plot_ascending);
    size_t opened = 0, next = 0;
    for (size_t b = 0; b + 1 < 2 * count; b++) {
        /* between two neighbouring bounds the same actions are open */
        size_t kept = 0;
        for (size_t i = 0; i < opened; i++)
            if (actions[open[i]].end > bounds[b]) open[kept++] = open[i];
        opened = kept;
        for (; next < count && actions[next].start <= bounds[b]; next++)
            if (actions[next].end > bounds[b]) open[opened++] = next;
        const PlotAction *seen = NULL;
        for (size_t i = 0; i < opened; i++)
            if (!seen || actions[open[i]].compute >= seen->compute) seen = &actions[open[i]];
        if (seen) seconds[seen->kind] += bounds[b + 1] - bounds[b];
    }
    free(bounds);
    free(open);
}

/* The number of `name` in the list, added when new. */
static int part_number(PlotStack *stack, const char *name)
{
    for (size_t i = 0; i < stack->parts; i++)
        if (!strcmp(stack->name[i], name)) return (int)i;
    char **longer = allocate((stack->parts + 1) * sizeof *longer);
    if (stack->parts) memcpy(longer, stack->name, stack->parts * sizeof *longer);
    free(stack->name);
    stack->name = longer;
    longer[stack->parts] = allocate(strlen(name) + 1);
    strcpy(longer[stack->parts], name);
    return (int)stack->parts++;
}

/* The rows with a measured time, by rank; `begin` and `end` of all together. */
static size_t keep_measured(const PlotRun *run, const TimelineRow *rows, size_t count,
                            const TimelineRow **kept, double *begin, double *end)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const TimelineRow *row = &rows[i];
        if (!row->action[0] || !isfinite(row->measured_start) ||
            !(row->measured_end >= row->measured_start) || row->rank < 0 || row->rank >= run->recorded)
            continue;
        *begin = fmin(*begin, row->measured_start);
        *end = fmax(*end, row->measured_end);
        kept[n++] = row;
    }
    qsort(kept, n, sizeof(TimelineRow *), by_rank);
    return n;
}

void plot_time_read(const TimelineRow *rows, size_t count, PlotRun *run)
{
    PlotStack *time = &run->time;
    double begin = INFINITY, end = -INFINITY;
    const TimelineRow **row = allocate(count * sizeof *row);
    const size_t kept = keep_measured(run, rows, count, row, &begin, &end);
    if (kept == 0) {
        snprintf(time->why, PLOT_WHY,
                 run->dry ? "a dry run has no measured time, only simulated"
                          : "no step's actions were recorded");
        free(row);
        return;
    }
    for (size_t i = 0; i < kept; i++) part_number(time, row[i]->action);
    const int rest = part_number(time, plot_rest);
    plot_stack_make(time, run->recorded, time->parts);

    run->timed_seconds = end - begin;
    const double scale = run->step_seconds / run->timed_seconds; /* NaN: no median */
    PlotAction *actions = allocate(kept * sizeof *actions);
    size_t next = 0;
    for (int rank = 0; rank < run->recorded; rank++) {
        size_t mine = 0;
        for (; next < kept && row[next]->rank == rank; next++)
            actions[mine++] =
                (PlotAction){part_number(time, row[next]->action), !strcmp(row[next]->lane, "compute"),
                             row[next]->measured_start, row[next]->measured_end};
        double *seconds = time->value + (size_t)rank * time->parts;
        plot_divide_time(actions, mine, seconds);
        seconds[rest] = fmax(0, end - begin - plot_stack_total(time, rank));
        for (size_t part = 0; part < time->parts && scale > 0; part++) seconds[part] *= scale;
    }
    free(actions);
    free(row);
}
