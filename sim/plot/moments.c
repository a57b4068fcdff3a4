/* moments.c - what a run file says of memory over a step: bytes held as each action ended. */
#include "sim/plot/moments.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/tensor.h"

/* By how much an action changes the number of microbatches whose activations wait for a backward. */
static int arrives(const char *action)
{
    if (!strcmp(action, "F")) return 1;
    return !strcmp(action, "B") || !strcmp(action, "W") ? -1 : 0;
}

/* Rows are in the order in which their rank performed them. */
static void keep(PlotMoments *m, int ranks, const TimelineRow *rows, size_t count, const double *peak)
{
    double begin = NAN, highest = 0;
    m->moment = allocate_zeroed(count, sizeof *m->moment);
    for (size_t i = 0; i < count; i++) {
        const TimelineRow *row = &rows[i];
        if (row->rank < 0 || row->rank >= ranks || !isfinite(row->simulated_start) ||
            !isfinite(row->simulated_end))
            continue;
        const bool same = m->count && m->moment[m->count - 1].rank == row->rank;
        PlotMoment *moment = &m->moment[m->count];
        *moment = (PlotMoment){
            .rank = row->rank, .start = row->simulated_start, .end = row->simulated_end, .highest = peak[i]};
        memcpy(moment->action, row->action, sizeof moment->action);
        moment->waiting = (same ? moment[-1].waiting : 0) + arrives(moment->action);
        memmove(m->held + m->count * m->parts, m->held + i * m->parts, m->parts * sizeof *m->held);
        m->count++;
        highest = fmax(highest, peak[i]);
        begin = fmin(begin, row->simulated_start); /* fmin skips NaN */
        m->end = fmax(m->end, row->simulated_end);
    }
    for (size_t i = 0; i < m->count; i++) {
        m->moment[i].start -= begin;
        m->moment[i].end -= begin;
    }
    m->end -= begin;
    if (highest > 0) m->why[0] = '\0';
}

bool plot_moments_read(const RunFile *file, const TimelineRow *rows, PlotRun *run, Error *error)
{
    PlotMoments *m = &run->moments;
    m->end = NAN;
    snprintf(m->why, PLOT_WHY, "no action's memory was recorded");
    m->parts = file->categories;
    m->name = plot_copy_names((const char *const *)file->category, m->parts);
    double *peak;
    const bool read = run_file_memory(file, rows, &m->held, &peak, error);
    if (read) keep(m, run->recorded, rows, file->actions, peak);
    free(peak);
    return read;
}
