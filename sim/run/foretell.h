/* foretell.h - what a step takes in simulated time, as a number: a dry run of which nothing is printed or kept. */
#ifndef SIM_RUN_FORETELL_H
#define SIM_RUN_FORETELL_H
#include "models/machine/error.h"
#include "sim/run/options.h"

/* Walks one step on so many ranks, as run_dry() does. False where that would refuse, or where the config's seconds are no
 * machine's. */
bool foretell_step(const RunOptions *options, int ranks, double *seconds, Error *error);
#endif
