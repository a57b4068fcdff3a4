/* checkpoints.h - when a run writes checkpoints, and which of them stay. */
#ifndef SIM_RUN_CHECKPOINTS_H
#define SIM_RUN_CHECKPOINTS_H
#include "sim/run/checkpoint.h"

typedef struct Checkpoints {
    Trainer *trainer;
    Group *world;
    /* rank 0's */
    char run[sizeof(((CheckpointState *)0)->run)];
    int written;
    Saved last;
    bool missed; /* the one that was due last is not there */
    Error why;
} Checkpoints;

/* Collective, before anything is computed: whether there is room for one now. Refused on all ranks, the reason known on
 * rank 0. */
bool checkpoints_are_possible(const Trainer *t, Group *world, Error *error);

/* All ranks call these together. `run`: whose checkpoints go on; "": of a new run. Says what will be written. */
void checkpoints_begin(Checkpoints *c, Trainer *t, Group *world, const char *run);
/* When so many steps are done: writes one if it is due. What finds no room is a warning. */
void checkpoints_after(Checkpoints *c, int64_t steps);
/* After the last step: writes the last one, and says where it is. False on all ranks where it is missing, the
 * reason known on rank 0. */
bool checkpoints_end(Checkpoints *c, Error *error);
#endif
