/* checkpoints.h - what a run's checkpoints were, and what they cost its steps. */
#ifndef SIM_REPORT_CHECKPOINTS_H
#define SIM_REPORT_CHECKPOINTS_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Adds a line, where the run has written any. */
bool report_checkpoints(const RunFile *run, Sheet *sheet, Error *error);
/* Adds to the peaks of memory the copies they were written from beside training, in the host's, where any was taken; of a
 * dry run those foretold. */
bool report_copy(const RunFile *run, Sheet *sheet, Error *error);
#endif
