/* simulated.h - what a run file says of simulated time: spans of actions, bubbles, seconds by part. */
#ifndef SIM_PLOT_SIMULATED_H
#define SIM_PLOT_SIMULATED_H
#include "sim/plot/run.h"

/* Fills what PlotRun has from `breakdown` on; files older than these figures lack them. */
bool plot_simulated_read(H5 *file, PlotRun *run, Error *error);
/* The simulated bubble of all ranks together. Only when run->bubble has no `why`. */
double plot_mean_bubble(const PlotRun *run);
/* Whether all runs' simulated times are of one kind, ideal or measured, and so fit one axis; else `why`. */
bool plot_one_clock(const PlotRun *runs, int count, char *why, size_t size);
/* Appends what the unit of ideal times is; nothing to measured ones. */
void plot_explain_unit(const PlotRun *run, char *line, size_t size);
#endif
