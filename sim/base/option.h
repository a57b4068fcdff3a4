/* option.h - a command's option that has a value. */
#ifndef SIM_BASE_OPTION_H
#define SIM_BASE_OPTION_H

/* The value of `option` at argv[*i], as "--option=value" or in the next word, to which *i moves: NULL where this is
 * another option, "" where there is none. */
const char *option_value(const char *option, int argc, char **argv, int *i);
#endif
