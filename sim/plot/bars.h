/* bars.h - the bars of a stacked chart, a bar a rank of one run or a bar a run, and their parts. */
#ifndef SIM_PLOT_BARS_H
#define SIM_PLOT_BARS_H
#include "sim/base/units.h"
#include "sim/plot/chart.h"
#include "sim/plot/text.h"

typedef struct PlotLook {
    const char *name, *title, *colour; /* as in the file, in a legend, "#rrggbb" */
} PlotLook;
const PlotLook *plot_look(const char *name); /* of a name that the table in bars.c holds */
bool plot_dark(const char *colour);          /* so that text on it is white */

typedef struct PlotBar {
    const PlotRun *run;
    const PlotStack *stack;
    int rank;
} PlotBar;

typedef struct PlotPart {
    const char *name, *title, *colour; /* as in the file, in the legend, "#rrggbb" */
    double highest;                    /* of all bars */
    bool covered;                      /* by a formula wherever it is not 0 */
    int place;                         /* in the stack */
} PlotPart;

typedef struct PlotBars {
    PlotBar bar[PLOT_BARS_MAX];
    int count;
    PlotPart *part; /* from the bottom up; malloc'd */
    size_t parts;
    double highest;         /* of all stacks, formulas and marks */
    char sampled[PLOT_WHY]; /* which ranks were chosen, when not all; else "" */
    char left_out[1024];    /* which runs have nothing to draw, and why; else "" */
} PlotBars;

/* What a kind of chart draws. */
typedef struct PlotKind {
    const PlotStack *(*stack)(const PlotRun *run);
    double (*height)(const PlotStack *stack, int rank); /* the rank with the highest stands for its run */
    double (*shown)(const PlotStack *stack, int rank);  /* the number above a bar */
    Unit (*unit)(double highest);
    bool by_stage; /* of one run in a pipeline: a bar a pipeline rank, of the first replica's first slice */
} PlotKind;
bool plot_bars_are_stages(const PlotKind *kind, const PlotRun *run);

/* Fills `bars`; false when no run has anything to draw (left_out says why). */
bool plot_bars_make(PlotBars *bars, const PlotKind *kind, const PlotRun *runs, int count);
double plot_bar_value(const PlotBar *bar, const char *part);
double plot_bar_formula(const PlotBar *bar); /* the sum of its formulas; NaN when it has none */
double plot_bar_crest(const PlotBar *bar);   /* the highest of its stack, formula and mark */

/* Begins the first of the two lines below a title: "8 ranks, 0.84 M parameters, fp32. " and what a reader must
 * know of an odd run. */
void plot_bars_begin(char *line, size_t size, const PlotBars *bars, const PlotRun *runs, int count);
/* What a chart says: the name of its data, its title, and two lines below. */
typedef struct PlotWords {
    const char *name, *title, *first, *second;
} PlotWords;
/* Writes the words and the bars; `compare`: a bar a run. Frees what `bars` holds; true. */
bool plot_bars_write(FILE *out, PlotBars *bars, const PlotKind *kind, bool compare, PlotWords words);
#endif
