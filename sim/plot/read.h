/* read.h - a run file becomes the record that charts are drawn from. */
#ifndef SIM_PLOT_READ_H
#define SIM_PLOT_READ_H
#include "models/machine/error.h"
#include "sim/plot/run.h"

/* Returns false with a message that names the file when it is not a run file
 * or contradicts itself. What a killed or dry run lacks is no error: see `why`. Free it either way. */
bool plot_run_read(PlotRun *run, const char *path, Error *error);
#endif
