/* moments.c - what a run file says of memory over a step: bytes held as each action ended. */
#include "sim/plot/moments.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/tensor.h"

typedef struct Row {
    int32_t rank;
    char action[16];
    double start, end;
} Row;

/* By how much an action changes the number of microbatches whose activations wait for a backward. */
static int arrives(const char *action)
{
    if (!strcmp(action, "F")) return 1;
    return !strcmp(action, "B") || !strcmp(action, "W") ? -1 : 0;
}

/* Rows are in the order in which their rank performed them. */
static void keep(PlotMoments *m, int ranks, const Row *rows, size_t count, const double *peak)
{
    double begin = NAN, highest = 0;
    m->moment = allocate_zeroed(count, sizeof *m->moment);
    for (size_t i = 0; i < count; i++) {
        const Row *row = &rows[i];
        if (row->rank < 0 || row->rank >= ranks || !isfinite(row->start) || !isfinite(row->end)) continue;
        const bool same = m->count && m->moment[m->count - 1].rank == row->rank;
        PlotMoment *moment = &m->moment[m->count];
        *moment = (PlotMoment){.rank = row->rank, .start = row->start, .end = row->end, .highest = peak[i]};
        memcpy(moment->action, row->action, sizeof moment->action - 1);
        moment->waiting = (same ? moment[-1].waiting : 0) + arrives(moment->action);
        memmove(m->held + m->count * m->parts, m->held + i * m->parts, m->parts * sizeof *m->held);
        m->count++;
        highest = fmax(highest, peak[i]);
        begin = fmin(begin, row->start); /* fmin skips NaN */
        m->end = fmax(m->end, row->end);
    }
    for (size_t i = 0; i < m->count; i++) {
        m->moment[i].start -= begin;
        m->moment[i].end -= begin;
    }
    m->end -= begin;
    if (highest > 0) m->why[0] = '\0';
}

bool plot_moments_read(H5 *file, PlotRun *run, Error *error)
{
    const H5Field fields[] = {
        {.name = "rank", .offset = offsetof(Row, rank), .kind = H5_I32},
        {.name = "action", .offset = offsetof(Row, action), .text = true, .size = sizeof(((Row *)0)->action)},
        {.name = "simulated_start", .offset = offsetof(Row, start), .kind = H5_F64},
        {.name = "simulated_end", .offset = offsetof(Row, end), .kind = H5_F64},
    };
    PlotMoments *m = &run->moments;
    m->end = NAN;
    snprintf(m->why, PLOT_WHY, "no action's memory was recorded");
    if (!h5_exists(file, "/timeline/memory")) return true;
    size_t count = 0;
    Row *rows = h5_table_read(file, "/timeline/actions", fields, sizeof fields / sizeof *fields, sizeof *rows,
                              &count, error);
    if (!rows) return false;
    m->name = h5_read_names(file, "/timeline/category", &m->parts, error);
    size_t plane[2] = {count, m->parts};
    m->held = m->name ? plot_run_array(file, run, "/timeline/memory", 2, plane, error) : NULL;
    double *peak = m->held ? plot_run_array(file, run, "/timeline/memory_peak", 1, &count, error) : NULL;
    if (peak) keep(m, run->ranks, rows, count, peak);
    free(rows);
    free(peak);
    return peak != NULL;
}
