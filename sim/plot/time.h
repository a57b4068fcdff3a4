/* time.h - where the time of the median step went. */
#ifndef SIM_PLOT_TIME_H
#define SIM_PLOT_TIME_H
#include "sim/file/run_info.h"
#include "sim/plot/run.h"

/* One action of one rank; `kind` is the caller's number for what it does. */
typedef struct PlotAction {
    int kind;
    bool compute; /* on the compute lane */
    double start, end;
} PlotAction;

/* Adds to seconds[kind] so that each moment counts once: for what the compute
 * lane does then, else for the action of another lane that began last (so time
 * hidden behind compute is not counted), else for none. Sorts `actions`. */
void plot_divide_time(PlotAction *actions, size_t count, double *seconds);

/* Fills run->time from the timeline's rows. */
void plot_time_read(const TimelineRow *rows, size_t count, PlotRun *run);

extern const char plot_rest[]; /* the last part's name: the step's time that no action took */
#endif
