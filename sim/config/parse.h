/* parse.h - from an ini text and a command line to a Config. */
#ifndef SIM_CONFIG_PARSE_H
#define SIM_CONFIG_PARSE_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* Resolves: defaults < preset < file < preset given by --set < other --set. Only the last of two --set of one
 * key counts; twice in the file is refused. `sets` are "section.key=value"; `output` is --output's FILE or
 * NULL. Every refusal names file:line (or --set), key, value and what to try. Keys that need no rank count
 * are checked against each other too. After a refusal there is nothing to free. */
bool config_parse(Config *config, const char *name, const char *text, const char *const *sets, int set_count,
                  const char *output, Error *error);
#endif
