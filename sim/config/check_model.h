/* check_model.h - [model] of a config. */
#ifndef SIM_CONFIG_CHECK_MODEL_H
#define SIM_CONFIG_CHECK_MODEL_H
#include "models/machine/error.h"
#include "sim/config/suggest.h"

/* That heads, places, tokens and sizes go together, and that what they make can be counted. `taken` finds what to try. */
bool config_check_model(const Config *config, ConfigTaken *taken, Error *error);

/* That BLAS, which counts in 32 bits, can count the rows and columns of a microbatch's matrices. */
bool config_check_matrices(const Config *config, Error *error);
#endif
