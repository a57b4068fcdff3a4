/* help.h - `sim help`. */
#ifndef SIM_CONFIG_HELP_H
#define SIM_CONFIG_HELP_H
#include <stdio.h>
#include "models/machine/error.h"

/* `sim help`: all keys by section (key NULL); `sim help parallel`: one section; `sim help parallel.data`, or
 * `sim help bucket_mb` where no other section has such a key: one key in full. */
bool config_help(FILE *out, const char *key, Error *error);
#endif
