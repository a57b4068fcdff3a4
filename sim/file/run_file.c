/* run_file.c - opens a run file and hands out rows. */
#include "sim/file/run_file.h"
#include <stdlib.h>
#include "sim/base/words.h"
#include "sim/file/h5.h"
#include "sim/file/layout.h"
#include "sim/file/run_file_check.h"

RunFile *run_file_open(const char *path, Error *error)
{
    H5 *file = h5_open(path, error);
    if (!file) return NULL;
    RunFile *run = allocate_zeroed(1, sizeof *run);
    run->file = file;
    run->path = words_copy(path);
    if (run_file_check(run, error)) return run;
    run_file_close(run);
    return NULL;
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

LayoutSizes run_file_sizes(const RunFile *run)
{
    return (LayoutSizes){run->rows,       (size_t)run->recorded,
                         run->actions,    run->purposes,
                         run->categories, run->parts,
                         run->kinds,      run->routes};
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

/* How many rows a dataset has along its first axis, and how many values each. */
static size_t rows_of(const RunFile *run, const char *dataset, size_t *row)
{
    const LayoutDataset *d = layout_find(dataset);
    const LayoutSizes sizes = run_file_sizes(run);
    size_t dims[H5_MAX_RANK] = {1};
    const int rank = layout_shape(d, &sizes, dims);
    *row = 1;
    for (int i = 1; i < rank; i++) *row *= dims[i];
    return dims[0];
}

bool run_file_rows(const RunFile *run, const char *dataset, size_t first, size_t count, double *values,
                   Error *error)
{
    size_t row;
    const size_t rows = rows_of(run, dataset, &row);
    if (first > rows || count > rows - first)
        return error_set(error, "%s: rows %zu to %zu of %s were asked for; it has %zu", run->path, first,
                         first + count, dataset, rows);
    return h5_read_rows(run->file, dataset, first, count, H5_F64, values, error);
}

double *run_file_first(const RunFile *run, const char *dataset, size_t count, Error *error)
{
    size_t row;
    rows_of(run, dataset, &row);
    double *values = allocate(count * row * sizeof *values);
    if (run_file_rows(run, dataset, 0, count, values, error)) return values;
    free(values);
    return NULL;
}

TimelineRow *run_file_actions(const RunFile *run, Error *error)
{
    TimelineRow *rows = allocate_zeroed(run->actions, sizeof *rows);
    if (h5_table_rows(run->file, layout_actions, layout_action_row, 0, run->actions, rows, error)) {
        for (size_t i = 0; i < run->actions; i++)
            rows[i].action[sizeof rows->action - 1] = rows[i].lane[sizeof rows->lane - 1] = '\0';
        return rows;
    }
    free(rows);
    return NULL;
}
