/* checkpoint.h - a training run's state to and from a file (sim/file/checkpoint_layout.h), whatever the split: each rank
 * writes and reads its own parts of it, and nothing but checksums is sent. */
#ifndef SIM_RUN_CHECKPOINT_H
#define SIM_RUN_CHECKPOINT_H
#include "sim/file/checkpoint_file.h"
#include "sim/run/carry_weights.h"
#include "sim/run/step.h"

/* Collective over `world`, of real ranks or virtual ones, after step `step` - 1. False on all ranks where the file
 * cannot be begun or finds no room, the reason known on rank 0: nothing is left of it, and training can go on. What
 * fails later ends the job through fail(), and leaves none of it either. What lies at `path` is kept (h5_publish()). */
bool checkpoint_save(Trainer *t, Group *world, const char *path, int64_t step, const char *run, Saved *saved,
                     Error *error);

/* Collective, before the first step. Every rank then holds what it needs of the file's values, and the trainer goes on
 * from there. On all ranks alike: whether the file is another run's than this one, or cannot be read as it was written,
 * the reason known on rank 0. */
typedef enum { CHECKPOINT_LOADED, CHECKPOINT_REFUSED, CHECKPOINT_DAMAGED } CheckpointLoaded;
CheckpointLoaded checkpoint_load(Trainer *t, Group *world, const char *path, CheckpointState *state,
                                 Error *error);
#endif
