/* run_private.h - what the files of a run share. */
#ifndef SIM_RUN_RUN_PRIVATE_H
#define SIM_RUN_RUN_PRIVATE_H
#include "sim/run/alike.h"
#include "sim/run/baseline.h"
#include "sim/run/carry_weights.h"
#include "sim/run/checkpoints.h"
#include "sim/run/options.h"
#include "sim/run/run_record.h"

typedef struct Run {
    const RunOptions *options;
    Group *world;
    bool main; /* rank 0: reads, writes, prints */
    Alike *alike;
    Config *config;    /* alike's */
    Baseline baseline; /* rank 0's */
    Trainer *trainer;
    Record record;
    bool gradients_due;   /* output.gradients is asked for, and no step has had finite ones yet */
    Saved gradients;      /* rank 0's: where they are */
    CheckpointState from; /* what it goes on from; step 0: the beginning */
    Checkpoints checkpoints;
    int64_t done; /* steps */
    bool stopped; /* before the last, as a signal asked for */
    Error error;
} Run;

/* All ranks call these together. From where the run begins to its last step, or to where it is asked to stop. */
void run_steps(Run *run);
/* What is written then; the status that the run ends with, and, where it is not STATUS_OK, on rank 0 why. */
int run_end(Run *run);
/* Instead of both, where it goes on from after its last step: what its end lacks is made good. Never of a dry run. */
int run_end_again(Run *run);
#endif
