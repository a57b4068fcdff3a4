/* spread.h - trials by the ranks of a launch. */
#ifndef SIM_SWEEP_SPREAD_H
#define SIM_SWEEP_SPREAD_H
#include "parallel/wire/comm.h"
#include "sim/sweep/tally.h"
#include "sim/sweep/trial.h"

/* Collective: each rank tries its share; rank 0's tally takes all that came of it. */
void spread_try(const Trials *trials, Comm *comm, Tally *tally);
#endif
