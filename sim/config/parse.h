/* parse.h - from an ini text and a command line to a Config. */
#ifndef SIM_CONFIG_PARSE_H
#define SIM_CONFIG_PARSE_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* What a config is made of. */
typedef struct ConfigSource {
    const char *name, *text; /* of the ini file */
    const char
        *profile; /* the text of the file that hardware.profile names; "" or NULL where it names none */
    const char *const *sets; /* "section.key=value" */
    int set_count;
    const char *output; /* --output's FILE, or NULL */
} ConfigSource;

/* Resolves: defaults < preset < the machine's file < file < preset given by --set < other --set. Only the last of two
 * --set of one key counts; twice in a file is refused. Every refusal names file:line (or --set), key, value and what
 * to try. After a refusal there is nothing to free.
 *
 * A key that is given and has no effect (conditions.h) is refused: one that a --set gives if it has none in this
 * run, a line of the file if it has none with the file alone either. A line whose effect a --set took away is as if
 * it were not there: the key has its default, as one that nobody gave.
 *
 * Then values are checked against each other, as far as that needs no rank count. */
bool config_parse(Config *config, const ConfigSource *source, Error *error);
/* What source->profile is to be: malloc'd; NULL, refusing, where hardware.profile names a file that is not there or
 * cannot be read. What else is wrong config_parse() says. */
char *config_profile_text(const ConfigSource *source, const char *program_directory, Error *error);

/* Reads both files as config_read() and config_profile_text() do, and parses: where no other rank is to have them. */
bool config_load(Config *config, ConfigSource source, const char *program_directory, Error *error);
#endif
