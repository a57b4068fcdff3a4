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

/* The same file where the steps before info->first are all that the run has: marked complete, with what it holds, or, where
 * it was so before, left as it is. ..._NOTHING with why where it is no record of just those; what fails then ends the
 * job. */
typedef enum { COMPLETED_NOTHING, COMPLETED_BEFORE, COMPLETED_NOW } Completed;
Completed continued_complete(const RunInfo *info, const Config *config, Error *why);
#endif
