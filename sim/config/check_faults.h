/* check_faults.h - [faults] of a config. */
#ifndef SIM_CONFIG_CHECK_FAULTS_H
#define SIM_CONFIG_CHECK_FAULTS_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* Reads the texts into config->fault; refuses what none can be read from. */
bool config_read_faults(Config *config, Error *error);
/* That each is of a step that the run has; and, once they are known, of its ranks. */
bool config_check_faults(const Config *config, Error *error);
bool config_check_fault_ranks(const Config *config, int ranks, Error *error);
#endif
