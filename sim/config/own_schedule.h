/* own_schedule.h - whether a config fits the schedule of the user's own that parallel.schedule names. */
#ifndef SIM_CONFIG_OWN_SCHEDULE_H
#define SIM_CONFIG_OWN_SCHEDULE_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* That the file's schedule, of this shape, is one of a pipeline of pp ranks, with virtual_stages stages each where
 * that is given, which the layers fill and a step on `ranks` has microbatches for; ranks 0: as many as one replica has.
 * The refusal names what to change so that all of it fits. */
bool config_check_own_schedule(const Config *config, Shape shape, int ranks, Error *error);
#endif
