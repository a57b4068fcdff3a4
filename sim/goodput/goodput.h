/* goodput.h - `sim goodput`: how often to write a checkpoint. */
#ifndef SIM_GOODPUT_GOODPUT_H
#define SIM_GOODPUT_GOODPUT_H

/* Returns the exit status. `command_line`: what was typed, for the record. */
int goodput_command(int argc, char **argv, const char *program_directory, const char *command_line);
#endif
