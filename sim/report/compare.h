/* compare.h - a run's figures, for a table of several. */
#ifndef SIM_REPORT_COMPARE_H
#define SIM_REPORT_COMPARE_H
#include <stdbool.h>
#include "models/machine/error.h"
#include "sim/file/run_file.h"
#include "sim/report/table.h"

/* Reads the run into column `i`. What differs over ranks is that of the rank with the most; bytes are those of the
 * last finished step, speed and time means of the last tenth. */
bool compare_read(RunTable *t, size_t i, const RunFile *run, Error *error);
#endif
