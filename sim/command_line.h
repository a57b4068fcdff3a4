/* command_line.h - the options of `sim --config F` and of `sim schedule --config F`. */
#ifndef SIM_COMMAND_LINE_H
#define SIM_COMMAND_LINE_H
#include "models/machine/error.h"
#include "sim/command_options.h"

/* Takes the options of either; refuses a word that is none, with the line that was meant. The line stays where it is
 * while its options are used. */
bool command_line_parse(int argc, char **argv, CommandLine *line, Error *error);
#endif
