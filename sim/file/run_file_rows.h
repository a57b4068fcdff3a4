/* run_file_rows.h - the rows of a run file's datasets. */
#ifndef SIM_FILE_RUN_FILE_ROWS_H
#define SIM_FILE_RUN_FILE_ROWS_H
#include "models/machine/error.h"
#include "sim/file/run_file_held.h"

/* Whether the file has a dataset of the layout: all do but what is optional there. */
bool run_file_has(const RunFile *run, const char *dataset);

/* `values` become rows first..first+count-1 along the first axis of a dataset of the layout, "/comm/bytes_sent":
 * [count][the other axes]; of the one number of "/pipeline/bubble_ratio_theory" first and count are 0 and 1. */
bool run_file_rows(const RunFile *run, const char *dataset, size_t first, size_t count, double *values,
                   Error *error);

/* The same of the first `count` rows, malloc'd; NULL when they cannot be read. */
double *run_file_first(const RunFile *run, const char *dataset, size_t count, Error *error);
#endif
