/* cores.h - trials over the cores of this machine. */
#ifndef SIM_SWEEP_CORES_H
#define SIM_SWEEP_CORES_H
#include "sim/sweep/tally.h"
#include "sim/sweep/trial.h"

/* Tries all combinations, by as many processes. False where one ended before its time. TERM, INT and HUP end all of them
 * and then, after a line on what was done, this process. */
bool cores_try(const Trials *trials, int workers, Tally *tally, Error *error);
#endif
