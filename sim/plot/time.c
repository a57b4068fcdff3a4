/* time.c - where the time of the recorded step went: the timeline's rows,
 * which may overlap, become seconds by action that add up to the step. */
#include "sim/plot/time.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char plot_rest[] = "rest";

typedef struct Row {
    int32_t rank;
    char action[16], lane[16];
    double start, end;
} Row;

static int by_rank(const void *a, const void *b)
{
    const Row *x = a, *y = b;
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

static void reduce_time(PlotRun *run, Row *rows, size_t count)
{
    PlotStack *time = &run->time;
    double begin = INFINITY, end = -INFINITY;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        rows[i].action[sizeof rows[i].action - 1] = rows[i].lane[sizeof rows[i].lane - 1] = '\0';
        if (!rows[i].action[0] || !isfinite(rows[i].start) || !(rows[i].end >= rows[i].start) ||
            rows[i].rank < 0 || rows[i].rank >= run->ranks)
            continue;
        begin = fmin(begin, rows[i].start);
        end = fmax(end, rows[i].end);
        rows[kept++] = rows[i];
    }
    if (kept == 0) {
        snprintf(time->why, PLOT_WHY,
                 run->dry ? "a dry run takes no time" : "no step's actions were recorded");
        return;
    }
    qsort(rows, kept, sizeof *rows, by_rank);
    for (size_t i = 0; i < kept; i++) part_number(time, rows[i].action);
    const int rest = part_number(time, plot_rest);
    plot_stack_make(time, run->ranks, time->parts);

    PlotAction *actions = allocate(kept * sizeof *actions);
    size_t next = 0;
    for (int rank = 0; rank < run->ranks; rank++) {
        size_t mine = 0;
        for (; next < kept && rows[next].rank == rank; next++)
            actions[mine++] =
                (PlotAction){part_number(time, rows[next].action), !strcmp(rows[next].lane, "compute"),
                             rows[next].start, rows[next].end};
        double *seconds = time->value + (size_t)rank * time->parts;
        plot_divide_time(actions, mine, seconds);
        seconds[rest] = fmax(0, end - begin - plot_stack_total(time, rank));
        time->mark[rank] = run->step_seconds;
    }
    free(actions);
}

bool plot_time_read(H5 *file, PlotRun *run, Error *error)
{
    const H5Field fields[] = {
        {.name = "rank", .offset = offsetof(Row, rank), .kind = H5_I32},
        {.name = "action", .offset = offsetof(Row, action), .text = true, .size = sizeof(((Row *)0)->action)},
        {.name = "lane", .offset = offsetof(Row, lane), .text = true, .size = sizeof(((Row *)0)->lane)},
        {.name = "measured_start", .offset = offsetof(Row, start), .kind = H5_F64},
        {.name = "measured_end", .offset = offsetof(Row, end), .kind = H5_F64},
    };
    size_t count = 0;
    Row *rows = NULL;
    if (h5_exists(file, "/timeline/actions")) {
        rows = h5_table_read(file, "/timeline/actions", fields, sizeof fields / sizeof *fields, sizeof(Row),
                             &count, error);
        if (!rows) return false;
    }
    double step;
    const bool known = count && h5_get_number(file, "/timeline", "step", &step) && step >= 0;
    run->timed_step = known ? step : NAN;
    reduce_time(run, rows, count);
    free(rows);
    return true;
}
