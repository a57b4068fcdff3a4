/* single.h - a chart of its own, which is not one of runs: from its data to pictures. */
#ifndef SIM_PLOT_SINGLE_H
#define SIM_PLOT_SINGLE_H
#include <stdio.h>
#include "models/machine/error.h"

typedef struct PlotSingle {
    const char *name;                        /* "validation": of its template, script and pictures */
    void (*write)(FILE *out, void *context); /* the data, as gnuplot reads it */
    void *context;
} PlotSingle;

/* Draws folder/NAME.png and .svg by folder/NAME.gp; the folder is made if missing. */
bool plot_single(const PlotSingle *single, const char *program_directory, const char *folder, Error *error);
#endif
