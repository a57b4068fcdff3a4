/* command_options.h - what `sim --config F` and `sim schedule --config F` take, and what they were given. */
#ifndef SIM_COMMAND_OPTIONS_H
#define SIM_COMMAND_OPTIONS_H
#include <getopt.h>
#include "sim/run/options.h"

enum { COMMAND_LINE_SETS = 64 };
typedef struct CommandLine {
    RunOptions options;
    const char *sets[COMMAND_LINE_SETS]; /* options' */
    int ranks;                           /* 0: not given */
    bool schedules;                      /* sim schedule's, which says so before it is parsed */
    bool csv, help, version;
} CommandLine;

/* As getopt_long() takes them: they end in NULL. */
extern const struct option command_options[];
#endif
