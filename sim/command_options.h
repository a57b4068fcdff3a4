/* command_options.h - what `sim --config F` and `sim schedule --config F` take, and what they were given. */
#ifndef SIM_COMMAND_OPTIONS_H
#define SIM_COMMAND_OPTIONS_H
#include <getopt.h>
#include "models/machine/error.h"
#include "sim/run/options.h"

enum { COMMAND_LINE_SETS = 64 };
typedef struct CommandLine {
    RunOptions options;
    const char *sets[COMMAND_LINE_SETS]; /* options' */
    int ranks;                           /* 0: not given */
    bool schedules;                      /* sim schedule's, which says so before it is parsed */
    bool csv, help, version;
    enum {
        COMMAND_KNOWN,
        COMMAND_OPTION,
        COMMAND_WORD
    } unknown; /* what getopt stands behind, or at, that is none */
} CommandLine;

/* As getopt_long() takes them: they end in NULL. */
extern const struct option command_options[];

/* Takes the options of either; false, refusing, or with what was met that is none as `unknown`. `error` may be NULL. The
 * line stays where it is while its options are used. */
bool command_options_take(int argc, char **argv, CommandLine *line, Error *error);
/* Whether all that is given goes with a run; with `sim schedule`. */
bool command_options_are_runs(const CommandLine *line, Error *error);
bool command_options_are_schedules(const CommandLine *line, Error *error);
#endif
