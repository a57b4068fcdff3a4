/* diff.h - `sim diff`: what two files of one kind differ in. */
#ifndef SIM_INSPECT_DIFF_H
#define SIM_INSPECT_DIFF_H

/* argv[0] is "diff". Returns the exit status: 0 no difference, 1 some, 2 refused; has said what is the matter. */
int diff_command(int argc, char **argv);
#endif
