/* action_time.h - what an action of a step takes, on the simulated clock and on the wall's, and what is held meanwhile. */
#ifndef SIM_RUN_ACTION_TIME_H
#define SIM_RUN_ACTION_TIME_H
#include "models/machine/device.h"
#include "parallel/schedule/schedule.h"
#include "parallel/schedule/timeline.h"
#include "sim/run/laps.h"

/* The clocks as it began, and what seconds had gone into. */
typedef struct ActionBegun {
    double recompute, waited[4], cpu;
    double step, wall; /* as its step did, and it, seconds after that: NaN in a dry run */
} ActionBegun;

/* Around the action itself. `step`: the wall clock as its step began. From the one to the other the rank's compute lane
 * runs, but for a message. */
ActionBegun action_begin(Device *device, ActionKind kind, double step);
/* Lap i, which the action's is. `ideal`: what computing takes where the profile is ideal or given, and `again`, of B's or
 * I's, what computing again does. */
void action_end(Device *device, ActionKind kind, const Ideal *ideal, double again, const ActionBegun *begun,
                Laps *laps, int i);
#endif
