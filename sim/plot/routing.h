/* routing.h - what a run file says of experts: which tokens chose, step by step and layer by layer. */
#ifndef SIM_PLOT_ROUTING_H
#define SIM_PLOT_ROUTING_H
#include "sim/file/run_file.h"
#include "sim/plot/run.h"

/* Fills run->routing from /moe, after run->steps and run->step. */
bool plot_routing_read(const RunFile *file, PlotRun *run, Error *error);

/* Of `count` in equal distances `shown`, the first and the last among them: the i-th. */
size_t plot_spread(size_t i, size_t shown, size_t count);
/* The step in the middle of a column. */
double plot_routing_step(const PlotRun *run, size_t column);
/* Appends what a chart leaves out: of one run, the layers beyond the `shown` ones; and of long ones, that a `mark` of the
 * chart, "column", is the mean of steps. */
void plot_routing_words(char *text, size_t size, const PlotRun *runs, int count, int shown, const char *mark);
#endif
