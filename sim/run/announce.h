/* announce.h - what a run is about to do, in a few lines on the terminal. */
#ifndef SIM_RUN_ANNOUNCE_H
#define SIM_RUN_ANNOUNCE_H
#include "sim/run/step.h"

/* Strategy, grid, size of the model and the step; and, where they matter, that one rank splits nothing, padding, the
 * split over stages, what the moment of reducing gradients costs, and that there are fewer steps than the warm-up has. */
void announce(const Trainer *t, int ranks);

/* A line where an earlier WHAT was kept ("": none was), and one where what was to go to `asked` went elsewhere. */
void announce_place(const char *what, const char *asked, const char *place, const char *kept);

/* Where a command that prints rows leaves its table and, if it is drawn, its chart; not among the rows, but on standard
 * error. */
void announce_folder(const char *command, const char *folder, bool drawn);
#endif
