/* work.h - what a run file says of kernels, by kind, and of the machine they took their time on. */
#ifndef SIM_PLOT_WORK_H
#define SIM_PLOT_WORK_H
#include "sim/file/run_file.h"
#include "sim/plot/run.h"

bool plot_work_read(const RunFile *file, PlotRun *run, Error *error);
#endif
