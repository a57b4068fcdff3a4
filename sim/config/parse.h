/* parse.h - from an ini text and a command line to a Config. */
#ifndef SIM_CONFIG_PARSE_H
#define SIM_CONFIG_PARSE_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* Resolves: defaults < preset < file < preset given by --set < other --set. Only the last of two --set of one
 * key counts; twice in the file is refused. `sets` are "section.key=value"; `output` is --output's FILE or
 * NULL. Every refusal names file:line (or --set), key, value and what to try. After a refusal there is nothing
 * to free.
 *
 * A key that is given and has no effect (conditions.h) is refused: one that a --set gives if it has none in this
 * run, a line of the file if it has none with the file alone either. A line whose effect a --set took away is as if
 * it were not there: the key has its default, as one that nobody gave.
 *
 * Then values are checked against each other, as far as that needs no rank count. */
bool config_parse(Config *config, const char *name, const char *text, const char *const *sets, int set_count,
                  const char *output, Error *error);

/* What results are named after: config.name without folder and .ini, "zero3"; or the file that --set
 * parallel.schedule names, "my" of my.csv, and where a config or schedule has that name itself, "1f1b-own". */
void config_stem(const Config *config, char *stem, size_t size);
#endif
