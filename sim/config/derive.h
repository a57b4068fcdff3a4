/* derive.h - what follows of what a config was given. */
#ifndef SIM_CONFIG_DERIVE_H
#define SIM_CONFIG_DERIVE_H
#include "sim/config/config.h"

/* What neither file nor --set gave of the model, from the preset, and all that follows: widths, names in the case that
 * the others compare with, the kind of profile, whether a microbatch is a whole share. */
void config_derive(Config *config);
/* 0 is as wide as others say; of widths alone, where one was given again. */
void config_derive_widths(Config *config);
#endif
