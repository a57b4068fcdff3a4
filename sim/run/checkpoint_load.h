/* checkpoint_load.h - a training run's state from a file (checkpoint_save.h wrote it), whatever the split: each rank
 * reads what it needs (checkpoint_share.h), and nothing but checksums is sent. */
#ifndef SIM_RUN_CHECKPOINT_LOAD_H
#define SIM_RUN_CHECKPOINT_LOAD_H
#include "sim/file/checkpoint_file.h"
#include "sim/run/step.h"

/* Collective, before the first step. Every rank then holds what it needs of the file's values, and the trainer goes on
 * from there; or the file does not fit, on all ranks alike, the reason known on rank 0. */
CheckpointFit checkpoint_load(Trainer *t, Group *world, const char *path, CheckpointState *state,
                              Error *error);
#endif
