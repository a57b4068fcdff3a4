/* command_line.h - the options of `sim --config F` and of `sim schedule --config F`. */
#ifndef SIM_COMMAND_LINE_H
#define SIM_COMMAND_LINE_H
#include "sim/run/run.h"

enum { COMMAND_LINE_SETS = 64 };
typedef struct CommandLine {
    RunOptions options;
    const char *sets[COMMAND_LINE_SETS]; /* options' */
    int ranks;                           /* 0: not given */
    bool schedules;                      /* sim schedule's, which says so before it is parsed */
    bool csv, help, version;
} CommandLine;

/* The first words that are no option: a list that ends in NULL. */
extern const char *const command_line_commands[];

/* Takes the options of either; refuses a word that is none, with the line that was meant. The line stays where it is
 * while its options are used. */
bool command_line_parse(int argc, char **argv, CommandLine *line, Error *error);
/* Whether all that is given goes with a run; with `sim schedule`. */
bool command_line_is_runs(const CommandLine *line, Error *error);
bool command_line_is_schedules(const CommandLine *line, Error *error);
#endif
