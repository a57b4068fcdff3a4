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
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/error.h"
#include "sim/file/layout.h"
#include "sim/file/run_info.h"
#include "sim/file/run_shape.h"

typedef struct RunFile {
    struct H5 *file;
    char *path;
    bool complete, dry;
    int ranks;
    int recorded; /* of the ranks, those that have rows: each stands for those after it, up to the next */
    int *rank;    /* (recorded), ascending from 0 */
    double parameters, entropy;  /* NaN: unknown */
    char precision[16];          /* "fp32", "fp64", ...; "" */
    char host[192];              /* the machine it trained on: its name, and its processor; "" */
    char hosts[RUN_HOSTS];       /* where they were several: "host0: 0-1; host1: 2-3", each one's ranks; "" */
    char hosts_later[RUN_HOSTS]; /* "from step 7 on host2": where it went on on others; "" */
    int across;                  /* tensor groups that were on more than one */
    RunShape shape;
    double late_link_messages, late_messages; /* of faults.late; NaN: unknown, as of a run that is not over */
    double timed_step;                        /* whose actions are recorded; NaN: none's */
    int64_t first;  /* step of the first row: above 0 where a run goes on that is recorded elsewhere */
    size_t steps;   /* finished ones */
    size_t rows;    /* there is room for */
    size_t actions; /* rows of the timeline, used or not */
    size_t purposes, categories, parts, kinds, routes;
    char **purpose, **category, **part, **kind, **route; /* their names: short, of plain letters */
} RunFile;

/* NULL with a line that names the file, what it holds and what was expected. */
RunFile *run_file_open(const char *path, Error *error);
void run_file_close(RunFile *run); /* NULL is left alone */

/* How long its axes are, and the names along one (layout.h); none along those that count. */
LayoutSizes run_file_sizes(const RunFile *run);
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

/* `values` become rows first..first+count-1 along the first axis of a dataset of the layout, "/comm/bytes_sent":
 * [count][the other axes]; of the one number of "/pipeline/bubble_ratio_theory" first and count are 0 and 1. */
bool run_file_rows(const RunFile *run, const char *dataset, size_t first, size_t count, double *values,
                   Error *error);

/* The same of the first `count` rows, malloc'd; NULL when they cannot be read. */
double *run_file_first(const RunFile *run, const char *dataset, size_t count, Error *error);

/* All rows of the timeline [actions], malloc'd; `memory` and `memory_peak` are 0 (/timeline/memory has them). */
TimelineRow *run_file_actions(const RunFile *run, Error *error);
#endif
