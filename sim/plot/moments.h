/* moments.h - what a run file says of memory over a step: bytes held as each action ended. */
#ifndef SIM_PLOT_MOMENTS_H
#define SIM_PLOT_MOMENTS_H
#include "sim/plot/run.h"

/* Fills run->moments; files older than these figures lack them. */
bool plot_moments_read(H5 *file, PlotRun *run, Error *error);
#endif
