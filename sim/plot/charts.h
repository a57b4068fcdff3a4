/* charts.h - all charts there are. */
#ifndef SIM_PLOT_CHARTS_H
#define SIM_PLOT_CHARTS_H
#include "sim/plot/chart.h"

typedef struct PlotChartRow {
    const char *name; /* of its template, and of the files drawn */
    const char *what; /* it shows, in one line */
    PlotChart write;
} PlotChartRow;

enum { PLOT_CHARTS = 14 };
extern const PlotChartRow plot_charts[PLOT_CHARTS];
#endif
