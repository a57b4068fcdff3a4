/* carry_weights.h - parameters and gradients to and from a file (sim/file/weights.h), whatever the split. */
#ifndef SIM_RUN_CARRY_WEIGHTS_H
#define SIM_RUN_CARRY_WEIGHTS_H
#include "sim/run/step.h"

/* Collective over `world`. Rank 0 reads FILE and sends it round, unit by unit; every rank keeps what it holds.
 * A missing tensor, a wrong shape or an unknown name is refused on all ranks, the reason known on rank 0. */
bool weights_load(const char *path, Trainer *t, Group *world, Error *error);

/* Collective. Rank 0 writes parameters (or reduced gradients) to FILE, as a whole or not at all; a failure ends
 * the job. A dry device moves the same bytes and writes nothing. */
void weights_save(const char *path, Trainer *t, Group *world, bool gradients);
#endif
