/* resume.h - a run that goes on from a checkpoint. */
#ifndef SIM_RUN_RESUME_H
#define SIM_RUN_RESUME_H
#include "sim/run/checkpoint_load.h"

/* Whether the config says where to look; before anything is made. NULL: nothing is gone on from. */
bool resume_is_possible(const char *from, const Config *config, Error *error);
/* Collective, before the first step. From FILE, or, "auto", from the newest whole one of output.checkpoint, past those
 * that are damaged, with a warning each; where there is none at all `state` has no run, and the trainer is
 * untouched. False on all ranks where a checkpoint is refused, the reason known on rank 0. */
bool resume(Trainer *t, Group *world, const char *from, CheckpointState *state, Error *error);
#endif
