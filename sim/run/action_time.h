/* action_time.h - what an action of a step takes, on the simulated clock and on the wall's, and what is held meanwhile. */
#ifndef SIM_RUN_ACTION_TIME_H
#define SIM_RUN_ACTION_TIME_H
#include "sim/run/step.h"

/* The clocks as it began. */
typedef struct ActionBegun {
    Lanes lanes;
    double step, wall; /* as its step did, and it, seconds after that: NaN in a dry run */
} ActionBegun;

/* Around the action itself. `step`: the wall clock as its step began. From the one to the other the rank's compute lane
 * runs, but for a message. */
ActionBegun action_begin(Trainer *t, Action a, double step);
/* The whole row of the action. */
void action_end(Trainer *t, Action a, const ActionBegun *begun, TimelineRow *row);
#endif
