/* option.h - a command's option that has a value. */
#ifndef SIM_BASE_OPTION_H
#define SIM_BASE_OPTION_H
#include <stdbool.h>
#include "models/machine/error.h"

/* The value of `option` at argv[*i], as "--option=value" or in the next word, to which *i moves: NULL where this is
 * another option, "" where there is none. */
const char *option_value(const char *option, int argc, char **argv, int *i);
/* Keeps the value of an option that may be given once in *word, NULL until then: a second one would leave the first
 * without effect, and is refused. */
bool option_once(const char *option, const char **word, const char *value, Error *error);
#endif
