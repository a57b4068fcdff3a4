/* simulated.h - what a run file says of simulated time: spans of actions, bubbles, seconds by part. */
#ifndef SIM_PLOT_SIMULATED_H
#define SIM_PLOT_SIMULATED_H
#include "sim/file/run_file.h"
#include "sim/plot/run.h"

/* Fills run->breakdown, run->bubble and run->formula. */
bool plot_simulated_read(const RunFile *file, PlotRun *run, Error *error);
/* Fills run->span from the timeline's rows. */
void plot_spans_read(const TimelineRow *rows, size_t count, PlotRun *run);
/* The simulated bubble of all ranks together. Only when run->bubble has no `why`. */
double plot_mean_bubble(const PlotRun *run);
/* Whether all runs' simulated times are of one kind, ideal or measured, and so fit one axis; else `why`. */
bool plot_one_clock(const PlotRun *runs, int count, char *why, size_t size);
/* Appends what the unit of ideal times is; nothing to measured ones. */
void plot_explain_unit(const PlotRun *run, char *line, size_t size);
#endif
