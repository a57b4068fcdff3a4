/* sweep.h - `sim sweep`: all combinations of keys' values, foretold, and the best of them. */
#ifndef SIM_SWEEP_SWEEP_H
#define SIM_SWEEP_SWEEP_H
#include <stdbool.h>

/* Returns the exit status. Under mpirun every rank calls it: they share the work, and rank 0 prints and writes.
 * `command_line` is what the file is told to be of. */
int sweep_command(int argc, char **argv, const char *program_directory, const char *command_line);

/* Whether the words after `sim plot` or `sim report` name one file, and that a sweep's: then it is shown by
 * sweep_command(). */
bool sweep_is_asked(int argc, char **argv);
#endif
