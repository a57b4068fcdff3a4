/* stem.h - what results are named after. */
#ifndef SIM_CONFIG_STEM_H
#define SIM_CONFIG_STEM_H
#include "sim/config/config.h"

/* A file's name without its folder and `ending`; "run" where nothing is left. */
void config_stem_of(const char *path, const char *ending, char *stem, size_t size);

/* config.name without folder and .ini, "zero3"; or the file that --set
 * parallel.schedule names, "my" of my.csv, and where a config or schedule has that name itself, "1f1b-own". */
void config_stem(const Config *config, char *stem, size_t size);
#endif
