/* measured_bubble.h - the bubble that ranks would have with a core each.
 *
 * Where ranks outnumber cores, wall-clock idling means nothing: a rank waits for the core, too. So the schedule
 * is walked on paper with the CPU time each action's compute really took, messages taking none. */
#ifndef SIM_RUN_MEASURED_BUBBLE_H
#define SIM_RUN_MEASURED_BUBBLE_H
#include "sim/file/recorder.h"
#include "sim/run/step.h"

/* The idle share of each rank, from the seconds that one step's actions computed, t->rows of each rank; NULL where
 * there are none. The caller frees it. */
double *bubble_measured(const Trainer *t, const double *computed);
#endif
