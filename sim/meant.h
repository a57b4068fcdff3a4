/* meant.h - what was meant by a word of the command line that is no option, or by an option that is none. */
#ifndef SIM_MEANT_H
#define SIM_MEANT_H
#include "models/machine/error.h"
#include "sim/command_options.h"

/* The first words that are no option: a list that ends in NULL. */
extern const char *const meant_commands[];

/* A word without an option before it, which getopt has left at optind. */
bool meant_by_word(const CommandLine *line, char **argv, Error *error);

/* What begins with a dash and is no option: one misspelt, or a key, whose value stands in it or behind it. */
bool meant_by_option(const CommandLine *line, char **argv, Error *error);
#endif
