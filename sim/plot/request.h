/* request.h - the words after `sim plot`: which runs, which folder, which charts in which formats. */
#ifndef SIM_PLOT_REQUEST_H
#define SIM_PLOT_REQUEST_H
#include <stdbool.h>
#include <stdio.h>
#include "models/machine/error.h"
#include "sim/plot/charts.h"
#include "sim/plot/draw.h"

typedef struct PlotRequest {
    const char **path; /* of run files and of folders, as given; malloc'd */
    int paths;
    const char *out;         /* the folder to draw into; NULL: the default */
    bool chart[PLOT_CHARTS]; /* which are asked for; all, where none is named */
    bool named;              /* some were */
    bool format[PLOT_FORMATS];
    bool help;
} PlotRequest;

/* Looks at no file. False, with what to try, for words that are refused. Free `path` either way. */
bool plot_request_parse(PlotRequest *request, int argc, char **argv, Error *error);
void plot_request_help(FILE *out);
#endif
