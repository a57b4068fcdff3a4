/* schedule_command.h - the command that shows a pipeline before anything runs: `sim schedule --config F`. */
#ifndef SIM_SCHEDULE_COMMAND_H
#define SIM_SCHEDULE_COMMAND_H
#include "sim/run/run.h"

extern const char SCHEDULE_USAGE[];

/* Prints the schedule one replica of `ranks` (0: of one replica alone) runs, or with `csv` only its text.
 * Returns the exit status. */
int schedule_command(const RunOptions *options, int ranks, bool csv);
#endif
