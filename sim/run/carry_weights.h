/* carry_weights.h - parameters and gradients to and from a file (sim/file/weights.h), whatever the split. */
#ifndef SIM_RUN_CARRY_WEIGHTS_H
#define SIM_RUN_CARRY_WEIGHTS_H
#include "sim/run/step.h"

/* Collective over `world`. Rank 0 reads FILE and sends it round, unit by unit; every rank keeps what it holds.
 * A missing tensor, a wrong shape or an unknown name is refused on all ranks, the reason known on rank 0. */
bool weights_load(const char *path, Trainer *t, Group *world, Error *error);

/* Where a file went, and the name of the one that was there ("": there was none). */
typedef struct Saved {
    char path[CONFIG_PATH + 16], kept[CONFIG_PATH + 16];
} Saved;

/* Of rank 0, before what they are to keep is learned: whether the disk has room for the file of weights that the config
 * asks for, and that of gradients, if they are to be written. */
bool weights_have_room(const Config *config, bool gradients, Error *error);

/* Collective. Rank 0 writes parameters (or reduced gradients) to FILE, as a whole or not at all, and never over
 * another's (h5_publish()). False, on rank 0 alone: nothing is left of it, and as h5.h says the process may end
 * through fail() only. A dry device moves the same bytes and writes nothing. */
bool weights_save(const char *path, Trainer *t, Group *world, bool gradients, Saved *saved, Error *error);
#endif
