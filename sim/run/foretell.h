/* foretell.h - a dry run of one step, of which nothing is printed or kept: what it takes, as numbers, or whatever there
 * is to see of its ranks. */
#ifndef SIM_RUN_FORETELL_H
#define SIM_RUN_FORETELL_H
#include "sim/run/alike.h"
#include "sim/run/step.h"

/* Refuses a config whose seconds are no machine's. */
bool foretell_has_machine(const Config *config, Error *error);

/* Walks one step on so many ranks, as run_dry() does. False where that would refuse, or where the config's seconds are
 * no machine's. */
bool foretell_step(const RunOptions *options, int ranks, double *seconds, Error *error);

/* What a run's file has of the same step (README.md, "The run file"). */
typedef struct Foretold {
    double seconds;  /* /steps/simulated_time */
    double bubble;   /* the mean of /pipeline/bubble_ratio_simulated over all ranks */
    double memory;   /* bytes: the most of /memory/peak_total */
    double products; /* operations: the sum of /work/products */
} Foretold;
/* Walks the step of what alike_foresee() has taken. */
bool foretell(Alike *alike, Foretold *foretold, Error *error);

/* Walks it, whatever its seconds are, and looks at each rank that is walked when it has ended the step. */
typedef void ForetellLook(const Trainer *rank, void *context);
bool foretell_walk(Alike *alike, ForetellLook *look, void *context, Error *error);
#endif
