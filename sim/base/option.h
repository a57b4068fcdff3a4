/* option.h - a command's options: those that have a value, and a command line of words and options. */
#ifndef SIM_BASE_OPTION_H
#define SIM_BASE_OPTION_H
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/error.h"

/* The value of `option` at argv[*i], as "--option=value" or in the next word, to which *i moves: NULL where this is
 * another option, "" where there is none. */
const char *option_value(const char *option, int argc, char **argv, int *i);
/* Keeps the value of an option that may be given once in *word, NULL until then: a second one would leave the first
 * without effect, and is refused. */
bool option_once(const char *option, const char **word, const char *value, Error *error);

/* One that a command has: a switch, which is set, or one with a value, which may be given once. */
typedef struct Option {
    const char *name;   /* "--all" */
    bool *is;           /* NULL: it has a value, */
    const char **value; /* kept here, NULL until then */
} Option;

/* What `sim COMMAND` is given. */
typedef struct Given {
    bool help;   /* --help or -h */
    char **word; /* of argv, where they are moved together: all that is no option, and all behind "--" */
    int words;
} Given;

/* False where an option is none of these, or has its value twice. */
bool options_read(const char *command, const Option *option, size_t options, int argc, char **argv,
                  Given *given, Error *error);
#endif
