/* layout.h - what a run file "sim-run/6" is made of: the table that its writer and its reader share. */
#ifndef SIM_FILE_LAYOUT_H
#define SIM_FILE_LAYOUT_H
#include "sim/file/h5.h"

/* Axes, a letter each: s = step, r = rank, p = purpose, c = category, b = part, a = action, k = kind of work,
 * l = link, h = what actions held; of layers with experts y = layer, e = expert, d = replica, m = microbatch; none: one
 * number. What has s as its axis grows, and in a dry run's file what has h. */
typedef struct LayoutDataset {
    const char *path, *axes;
    H5Kind kind;
    const char *units, *long_name;
} LayoutDataset;

/* The scales of what is counted come first: netCDF looks for scales beside or above a dataset, so they stand at
 * the root. */
enum { LAYOUT_SCALES = 4, LAYOUT_DATASETS = 45 };
/* Behind those of every file those of a model with experts, the scales of its axes first. */
enum { LAYOUT_MOE_SCALES = 4, LAYOUT_ALL = LAYOUT_DATASETS + 13 };
extern const LayoutDataset layout_datasets[LAYOUT_ALL];

/* The scales of what has names: texts along one axis. */
typedef struct LayoutNames {
    const char *path, *long_name;
    char axis;
    const char *(*name)(size_t i); /* of what sim has today */
    size_t count;
} LayoutNames;
enum { LAYOUT_NAMES = 5 };
extern const LayoutNames layout_names[LAYOUT_NAMES];

/* A row of layout_actions, as TimelineRow's (run_info.h), its `held` last, but that behind it a real run's has what was
 * measured. What was held, `memory` and `memory_peak`, is a row of datasets, one for many actions. */
H5Row layout_action_row(bool dry);
extern const char layout_actions[];

extern const char layout_step[]; /* the dataset whose row, written last, says that a step is finished */

/* How long the axes are. */
typedef struct LayoutSizes {
    size_t steps, ranks, actions, held, purposes, categories, parts, kinds, routes;
    size_t layers, experts;        /* with experts, and of each; 0: there are none */
    size_t replicas, microbatches; /* whose rows of experts are told apart; 0: they are not */
} LayoutSizes;
/* How many of the datasets such a file may have. */
int layout_count(const LayoutSizes *sizes);

size_t layout_axis(const LayoutSizes *sizes, char axis);
const char *layout_axis_scale(char axis);
/* Returns a dataset's rank, and its extents in `dims`. */
int layout_shape(const LayoutDataset *dataset, const LayoutSizes *sizes, size_t dims[H5_MAX_RANK]);
/* Files without it are whole: of a run that leaves it out, whose rows of experts are too many. */
bool layout_is_optional(const LayoutDataset *dataset);
/* The row of that path; the layout has one, or the caller is wrong and the program ends. */
const LayoutDataset *layout_find(const char *path);
#endif
