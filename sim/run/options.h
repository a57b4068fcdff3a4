/* options.h - what a run was asked for on the command line. */
#ifndef SIM_RUN_OPTIONS_H
#define SIM_RUN_OPTIONS_H
#include <stdbool.h>

typedef struct RunOptions {
    const char *config, *output; /* output: NULL = [output] file or results/NAME.h5 */
    const char *resume;          /* a checkpoint, or "auto"; NULL: a run of its own */
    const char *const *sets;
    int set_count;
    bool dry, force; /* force: whatever it is estimated to take */
    bool all_ranks;  /* of a dry run: every rank is walked, also those that do the same */
    const char *command_line, *program_directory;
} RunOptions;
#endif
