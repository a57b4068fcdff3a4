/* checkpoints.h - when a run writes checkpoints, and which of them stay. */
#ifndef SIM_RUN_CHECKPOINTS_H
#define SIM_RUN_CHECKPOINTS_H
#include "sim/base/discard.h"
#include "sim/run/checkpoint_load.h"
#include "sim/run/checkpoint_save.h"
#include "sim/run/run_record.h"

typedef struct Checkpoints {
    Trainer *trainer;
    Group *world;
    Saving *saving; /* the one under way, after so many steps; NULL: none is */
    int64_t saved_step;
    Record *record; /* rank 0 notes there what they cost */
    /* rank 0's */
    char run[sizeof(((CheckpointState *)0)->run)];
    int64_t moment; /* the newest one's */
    int written;
    int64_t placed_step;    /* that the newest has which is in its place; 0: none is */
    CheckpointImage *image; /* of the files */
    Discard gone;           /* those that are not to stay */
    Saved last;
    bool missed; /* the one that was due last is not there */
    Error why;
} Checkpoints;

/* Collective, before anything is computed: whether there is room for one now, in a folder that all ranks
 * see. Refused on all ranks, the reason known on rank 0. */
bool checkpoints_are_possible(const Trainer *t, Group *world, Error *error);

/* All ranks call these together. `run`: whose checkpoints go on; "": of a new run. Says what will be written. */
void checkpoints_begin(Checkpoints *c, Trainer *t, Record *record, const char *run);
/* As a step ends, before it is recorded: what this rank has written by now it tells. */
void checkpoints_tell(Checkpoints *c);
/* When so many steps are done: goes on with the one under way, and begins one if it is due, which with
 * output.checkpoint_async is written beside the steps to come. What finds no room is a warning. */
void checkpoints_after(Checkpoints *c, int64_t steps);
/* After the last step, which made it so many: writes the last one, waits for it, and says where it is. False on all ranks
 * where it is missing, the reason known on rank 0. */
bool checkpoints_end(Checkpoints *c, int64_t steps, Error *error);
void checkpoints_free(Checkpoints *c);
/* On rank 0, of a job that is about to end through fail(): of one under way nothing is left. */
void checkpoints_drop(Checkpoints *c);
#endif
