/* checkpoint_save.h - a training run's state into a file (sim/file/checkpoint_layout.h), whatever the split: each rank
 * writes what it owns (checkpoint_share.h has the way of a value), and nothing but checksums is sent.
 *
 * Beside training a rank takes a copy of its parts between two steps, and a thread writes that while the next ones run.
 * Then it tells rank 0, where a thread adds the checksums, and puts the file in its place once it is on the disk. MPI and
 * HDF5 are called between steps alone, by the thread that trains. */
#ifndef SIM_RUN_CHECKPOINT_SAVE_H
#define SIM_RUN_CHECKPOINT_SAVE_H
#include "sim/file/checkpoint_image.h"
#include "sim/run/carry_weights.h"
#include "sim/run/step.h"

typedef struct Saving Saving;

/* Which one: after step `step` - 1. */
typedef struct SavingRequest {
    const char *path;
    int64_t step;
    const char *run;
    int64_t moment; /* of checkpoint_moment() */
    bool beside; /* a copy is taken, and values may change at once; else they stay until checkpoint_end() */
    CheckpointImage **image; /* as checkpoint_make() has it; rank 0's */
} SavingRequest;

/* Collective over `world`, of real ranks or virtual ones; the request is not needed afterwards. NULL on all ranks where
 * the file cannot be begun or finds no room, the reason known on rank 0: nothing is left of it, and training can go on. */
Saving *checkpoint_begin(Trainer *t, Group *world, const SavingRequest *request, Error *error);
/* As a step ends, each rank by itself, before it sends rank 0 what it has to tell of the step: so rank 0 will have heard
 * of what is written by now when it has that. Never waits. */
void checkpoint_tell(Saving *s);
/* Between steps, each rank by itself: does what can be done without waiting. True: nothing is left to do here, and
 * checkpoint_end() will not wait. */
bool checkpoint_goes_on(Saving *s);
/* Each rank by itself, all of them at some time before the next collective: waits for the rest. On rank 0 the
 * file is in its place then, what lay there is kept (h5_publish()); false there: it could not be written, and nothing is
 * left of it. */
bool checkpoint_end(Saving *s, Saved *saved, Error *error);
void checkpoint_free(Saving *s);

/* On rank 0 then: seconds from its beginning until it was in its place, and the bytes that each rank had a copy of
 * (ranks); NULL: without copies. */
double checkpoint_seconds(const Saving *s);
const uint64_t *checkpoint_copies(const Saving *s);

/* On rank 0, of a job that is about to end through fail(): nothing is left of it. NULL is left alone. */
void checkpoint_drop(Saving *s);

/* All of it at once. Collective; false on all ranks. */
bool checkpoint_save(Trainer *t, Group *world, const char *path, int64_t step, const char *run, Saved *saved,
                     Error *error);
#endif
