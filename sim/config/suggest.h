/* suggest.h - what to try instead: values with which a config is taken, found by taking it. */
#ifndef SIM_CONFIG_SUGGEST_H
#define SIM_CONFIG_SUGGEST_H
#include <stddef.h>
#include "sim/config/config.h"

/* Whether a config is taken, on so many ranks (0: as far as that can be said without); asked with a NULL Error, so
 * that a check which is asked suggests nothing itself. */
typedef bool ConfigTaken(Config *trial, int ranks);

/* The divisors of `n` with which, as the int64_t at `offset` in the config, it is taken, as "1, 2 or 4": eight at most,
 * those nearest to what is there. False: none is, so that another key is wrong too. */
bool config_suggest_divisors(const Config *config, size_t offset, int64_t n, ConfigTaken *taken, int ranks,
                             char *text, size_t size);
/* The multiples of `group` nearest to `ranks`, below and above, on which the config is taken, as "4 or 8"; where none
 * is, the nearest. */
void config_suggest_ranks(const Config *config, int64_t group, int ranks, ConfigTaken *taken, char *text,
                          size_t size);
#endif
