/* help.h - `sim help`. */
#ifndef SIM_CONFIG_HELP_H
#define SIM_CONFIG_HELP_H
#include <stdio.h>
#include "models/machine/error.h"

/* `sim help`: all keys by section (key NULL); `sim help parallel`: one section; `sim help parallel.data`, or
 * `sim help bucket_mb` where no other section has such a key: one key in full. The machines it names are those found from
 * `program_directory` (NULL: none). Refuses any other word, and suggests a key, a section, or one of the commands, a list
 * that ends in NULL. */
bool config_help(FILE *out, const char *key, const char *program_directory, const char *const *commands,
                 Error *error);
#endif
