/* moments.h - what a run file says of memory over a step: bytes held as each action ended. */
#ifndef SIM_PLOT_MOMENTS_H
#define SIM_PLOT_MOMENTS_H
#include "sim/file/run_file.h"
#include "sim/plot/run.h"

/* Fills run->moments from the timeline's rows [file->actions], and what the file says was held. */
bool plot_moments_read(const RunFile *file, const TimelineRow *rows, PlotRun *run, Error *error);
#endif
