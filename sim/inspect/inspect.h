/* inspect.h - `sim inspect`: what a file of any kind that sim writes holds. */
#ifndef SIM_INSPECT_INSPECT_H
#define SIM_INSPECT_INSPECT_H

/* argv[0] is "inspect". Returns the exit status; has said why it is not 0. */
int inspect_command(int argc, char **argv);
#endif
