/* command_line.c - options are taken, and what is none is told with the line that was meant. */
#include "sim/command_line.h"
#include "sim/meant.h"

bool command_line_parse(int argc, char **argv, CommandLine *r, Error *error)
{
    if (command_options_take(argc, argv, r, error)) return true;
    if (r->unknown == COMMAND_OPTION) return meant_by_option(r, argv, error);
    return r->unknown == COMMAND_WORD && meant_by_word(r, argv, error);
}
