/* chart.h - what a chart's template draws: names, units and numbers, as gnuplot text. */
#ifndef SIM_PLOT_CHART_H
#define SIM_PLOT_CHART_H
#include <stdbool.h>
#include <stdio.h>
#include "sim/plot/run.h"

enum { PLOT_RUNS_MAX = 32, PLOT_RANKS_ALL = 32, PLOT_BARS_MAX = PLOT_RANKS_ALL + 2 };

/* Writes what the template NAME.gp expects of these runs. False when none of
 * them has anything to draw; `why` says why ("": nobody expected it), and
 * after true which runs were left out, if any. */
typedef bool (*PlotChart)(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_loss(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_comm(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_memory(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_activations(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_memory_timeline(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_gantt(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_bubble(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_bubble_microbatches(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_breakdown(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_bytes_by_axis(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_roofline(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_expert_load(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_expert_imbalance(FILE *out, const PlotRun *runs, int count, char *why, size_t size);
bool plot_step_time(FILE *out, const PlotRun *runs, int count, char *why, size_t size);

/* The ranks that get a bar: all up to PLOT_RANKS_ALL, else about that many in
 * equal distances, and those of the lowest and the highest `height`. Returns
 * how many; `stride` is the distance. */
int plot_choose_ranks(const double *height, int ranks, int chosen[PLOT_BARS_MAX], int *stride);
#endif
