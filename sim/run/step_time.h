/* step_time.h - whether a step's simulated seconds are a time at all. */
#ifndef SIM_RUN_STEP_TIME_H
#define SIM_RUN_STEP_TIME_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* Refuses seconds above 1e12 (32,000 years), infinity and NaN among them: they come of a profile's number that is a
 * slip, and what would be said of them, tokens a second or a share, has no meaning. */
bool step_time_check(const Config *config, double seconds, Error *error);
#endif
