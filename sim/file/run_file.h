/* run_file.h - the one reader of run files: it trusts nothing.
 *
 * Opening checks the schema, the bounds of what the file claims to hold, every
 * dataset's type, shape and storage against those claims, and the names, and
 * reads all once, of a complete run to compare the checksums, before a value
 * is looked at. What is read afterwards fits the sizes below, and memory of
 * about the file's own size.
 *
 * Values are the file's: NaN where unknown, whatever their meaning. */
#ifndef SIM_FILE_RUN_FILE_H
#define SIM_FILE_RUN_FILE_H
#include "models/machine/error.h"
#include "sim/file/run_file_rows.h"

/* NULL with a line that names the file, what it holds and what was expected. */
RunFile *run_file_open(const char *path, Error *error);
/* The same, but for its checksums: of one that this process has just written, or of which only a fact is asked. */
RunFile *run_file_look(const char *path, Error *error);
void run_file_close(RunFile *run); /* NULL is left alone */

/* The names along an axis (layout.h); none along those that count. */
typedef struct RunNames {
    char **name; /* (count), the file's */
    size_t count;
} RunNames;
RunNames run_file_names(const RunFile *run, char axis);

/* For how many ranks a row stands. */
int run_file_stands_for(const RunFile *run, int row);
/* Which row is a rank's; -1: there is no such rank. */
int run_file_row(const RunFile *run, int rank);

/* A key of the run's configuration, "train.steps"; false, and "", when the file has none, as of a later sim. */
bool run_file_config(const RunFile *run, const char *key, char *text, size_t size);

/* All rows of the timeline [actions], malloc'd; `memory` and `memory_peak` are 0. */
TimelineRow *run_file_actions(const RunFile *run, Error *error);
/* What these held, bytes: [actions][the file's categories], and the most, [actions]; malloc'd; 0 of rows without an
 * action. */
bool run_file_memory(const RunFile *run, const TimelineRow *rows, double **held, double **peak, Error *error);
#endif
