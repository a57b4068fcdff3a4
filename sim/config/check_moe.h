/* check_moe.h - [moe] of a config. */
#ifndef SIM_CONFIG_CHECK_MOE_H
#define SIM_CONFIG_CHECK_MOE_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* That experts, groups and layers go together, and that experts take something. */
bool config_check_moe(const Config *config, Error *error);
#endif
