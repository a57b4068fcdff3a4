/* text.h - what an ini file holds. */
#ifndef SIM_CONFIG_TEXT_H
#define SIM_CONFIG_TEXT_H
#include <stdio.h>
#include "models/machine/error.h"

/* Returns all of `file` malloc'd, or NULL where it is no text. An empty one is refused with "try INSTEAD". */
char *config_text(FILE *file, const char *name, const char *instead, Error *error);
#endif
