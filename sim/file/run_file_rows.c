/* run_file_rows.c - read as the layout has them. */
#include "sim/file/run_file_rows.h"
#include <stdlib.h>
#include "sim/file/h5.h"

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

bool run_file_has(const RunFile *run, const char *dataset)
{
    return h5_exists(run->file, dataset);
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
