/* trace_command.h - `sim trace RUN.h5`: the recorded step for a trace viewer. */
#ifndef SIM_TRACE_TRACE_COMMAND_H
#define SIM_TRACE_TRACE_COMMAND_H

/* argv[0] is "trace". Prints a line on what was written, or on stderr why nothing was. Returns the exit status: 0
 * written, 1 failed, 2 bad request. */
int trace_command(int argc, char **argv);
#endif
