/* foretell.h - what a step takes in simulated time, as numbers: a dry run of which nothing is printed or kept. */
#ifndef SIM_RUN_FORETELL_H
#define SIM_RUN_FORETELL_H
#include "sim/run/alike.h"

/* Walks one step on so many ranks, as run_dry() does. False where that would refuse, or where the config's seconds are no
 * machine's. */
bool foretell_step(const RunOptions *options, int ranks, double *seconds, Error *error);

/* What a run's file has of the same step (README.md, "The run file"). */
typedef struct Foretold {
    double seconds;  /* /steps/simulated_time */
    double bubble;   /* the mean of /pipeline/bubble_ratio_simulated over all ranks */
    double memory;   /* bytes: the most of /memory/peak_total */
    double products; /* operations: the sum of /work/products */
} Foretold;
/* Walks the step of what alike_foresee() has taken. */
bool foretell(const Alike *alike, Foretold *foretold, Error *error);
#endif
