/* idle.h - keys that are given where they have no effect (conditions.h). */
#ifndef SIM_CONFIG_IDLE_H
#define SIM_CONFIG_IDLE_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* Refuses what was given without effect, and forgets the lines whose effect a --set took away: those that have one in
 * `file`, the config of the file alone. */
bool config_drop_idle(Config *config, const Config *file, Error *error);
#endif
