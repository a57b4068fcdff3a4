/* refuse.h - how a value is refused, and which of two. */
#ifndef SIM_CONFIG_REFUSE_H
#define SIM_CONFIG_REFUSE_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* Fills `error` with "zero3.ini:12: train.microbatch = 3: <message>", or "--set train.microbatch=3: ..." or
 * "zero3.ini: train.microbatch = 3 (default): ...", and returns false. `key` is "section.key"; the message
 * ends in "; try ...". */
bool config_refuse(const Config *config, const char *key, Error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Which of two keys to blame: the one the user wrote, and of two the first. */
const char *config_blame(const Config *config, const char *first, const char *second);
#endif
