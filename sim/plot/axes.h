/* axes.h - the bytes of a step, summed by the axis of the grid that they move along. */
#ifndef SIM_PLOT_AXES_H
#define SIM_PLOT_AXES_H
#include "sim/plot/run.h"

/* Fills run->axes from run->comm. Formulas add up as bytes do; an axis with bytes that no formula foretells
 * has none. */
void plot_axes_sum(PlotRun *run);
#endif
