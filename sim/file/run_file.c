/* run_file.c - opens a run file and hands out rows. */
#include "sim/file/run_file.h"
#include <stdlib.h>
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

TimelineRow *run_file_actions(const RunFile *run, Error *error)
{
    TimelineRow *rows = allocate_zeroed(run->actions, sizeof *rows);
    if (h5_table_rows(run->file, layout_actions, layout_action_row, 0, run->actions, rows, error)) {
        for (size_t i = 0; i < run->actions; i++) {
            rows[i].action[sizeof rows->action - 1] = rows[i].lane[sizeof rows->lane - 1] = '\0';
            if (!rows[i].action[0]) rows[i].rank = -1; /* of a dry run that did not end nothing is written */
        }
        return rows;
    }
    free(rows);
    return NULL;
}
