/* run_file.c - opens a run file and hands out rows. */
#include "sim/file/run_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/h5.h"
#include "sim/file/layout.h"
#include "sim/file/run_file_check.h"

static RunFile *open_file(const char *path, bool sums, Error *error)
{
    H5 *file = h5_open(path, error);
    if (!file) return NULL;
    RunFile *run = allocate_zeroed(1, sizeof *run);
    run->file = file;
    run->path = words_copy(path);
    if (run_file_check(run, sums, error)) return run;
    run_file_close(run);
    return NULL;
}

RunFile *run_file_open(const char *path, Error *error)
{
    return open_file(path, true, error);
}

RunFile *run_file_look(const char *path, Error *error)
{
    return open_file(path, false, error);
}

void run_file_close(RunFile *run)
{
    if (!run) return;
    h5_close(run->file, NULL);
    for (int i = 0; i < LAYOUT_NAMES; i++) {
        RunNames names = run_file_names(run, layout_names[i].axis);
        h5_free_names(names.name, names.count);
    }
    free(run->rank);
    free(run->path);
    free(run);
}

RunNames run_file_names(const RunFile *run, char axis)
{
    switch (axis) {
    case 'p': return (RunNames){run->purpose, run->purposes};
    case 'c': return (RunNames){run->category, run->categories};
    case 'b': return (RunNames){run->part, run->parts};
    case 'k': return (RunNames){run->kind, run->kinds};
    case 'l': return (RunNames){run->route, run->routes};
    default: return (RunNames){NULL, 0};
    }
}

int run_file_stands_for(const RunFile *run, int row)
{
    return (row + 1 < run->recorded ? run->rank[row + 1] : run->ranks) - run->rank[row];
}

int run_file_row(const RunFile *run, int rank)
{
    int row = 0, end = run->recorded;
    if (rank < 0 || rank >= run->ranks) return -1;
    while (row + 1 < end) {
        int middle = row + (end - row) / 2;
        *(run->rank[middle] <= rank ? &row : &end) = middle;
    }
    return row;
}

bool run_file_config(const RunFile *run, const char *key, char *text, size_t size)
{
    return run_file_text(run, "/config", key, text, size);
}

/* Of a dry run that did not end nothing is written, or actions before what they held, which then is unknown; and nothing is
 * measured by any. */
static bool mend(const RunFile *run, size_t i, TimelineRow *row, Error *error)
{
    row->action[sizeof row->action - 1] = row->lane[sizeof row->lane - 1] = '\0';
    if (run->dry) row->measured_start = row->measured_end = row->measured_compute = (double)NAN;
    if (!row->action[0]) row->rank = -1;
    const bool holds = row->action[0] && !isnan(run->timed_step);
    if (!holds) row->held = -1;
    return !holds || (row->held >= 0 && (size_t)row->held < run->held) ||
           error_set(error, "%s: row %zu of %s held what row %d of %zu says; is the file damaged?", run->path,
                     i, layout_actions, row->held, run->held);
}

TimelineRow *run_file_actions(const RunFile *run, Error *error)
{
    TimelineRow *rows = allocate_zeroed(run->actions, sizeof *rows);
    bool ok =
        h5_table_rows(run->file, layout_actions, layout_action_row(run->dry), 0, run->actions, rows, error);
    for (size_t i = 0; ok && i < run->actions; i++) ok = mend(run, i, &rows[i], error);
    if (ok) return rows;
    free(rows);
    return NULL;
}

bool run_file_memory(const RunFile *run, const TimelineRow *rows, double **held, double **peak, Error *error)
{
    const size_t categories = run->categories;
    double *kept = run_file_first(run, "/timeline/memory", run->held, error);
    double *most = kept ? run_file_first(run, "/timeline/memory_peak", run->held, error) : NULL;
    const bool ok = most != NULL;
    *held = ok ? allocate_zeroed(run->actions * categories, sizeof **held) : NULL;
    *peak = ok ? allocate_zeroed(run->actions, sizeof **peak) : NULL;
    for (size_t i = 0; ok && i < run->actions; i++) {
        if (rows[i].held < 0) continue;
        memcpy(*held + i * categories, kept + (size_t)rows[i].held * categories, categories * sizeof *kept);
        (*peak)[i] = most[rows[i].held];
    }
    free(kept);
    free(most);
    return ok;
}
