/* compare.h - a run's figures, for a table of several. */
#ifndef SIM_REPORT_COMPARE_H
#define SIM_REPORT_COMPARE_H
#include <stdbool.h>
#include "models/machine/error.h"
#include "sim/report/table.h"

/* Reads the file into column `run`. What differs over ranks is that of the rank with the most; bytes are those of the
 * last finished step, speed and time means of the last tenth. */
bool compare_read(RunTable *t, size_t run, const char *path, Error *error);
#endif
