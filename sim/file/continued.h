/* continued.h - a run's file that the run goes on in, from a checkpoint. */
#ifndef SIM_FILE_CONTINUED_H
#define SIM_FILE_CONTINUED_H
#include "sim/config/config.h"
#include "sim/file/h5.h"
#include "sim/file/run_info.h"

/* A copy of the file at info->path, to take its place (h5_edit): with the steps before info->first and room for
 * `rows` rows more, this config's keys and nothing of its end. `done`: the rows it keeps. NULL with why where that is
 * no record of those steps, or of another split, whose bytes and memory stand in one table for all steps. */
H5 *continued_open(const RunInfo *info, const Config *config, size_t rows, size_t *done, Error *why);
#endif
