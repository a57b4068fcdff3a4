/* run_record.h - what each rank tells rank 0 after a step and at the end, and what
 * rank 0 writes of it into the run file. */
#ifndef SIM_RUN_RUN_RECORD_H
#define SIM_RUN_RUN_RECORD_H
#include "sim/file/recorder.h"
#include "sim/file/step_record.h"
#include "sim/run/baseline.h"
#include "sim/run/recent.h"
#include "sim/run/step.h"
#include "sim/run/work_record.h"

typedef struct Record {
    Trainer *trainer;
    Group *world;
    uint64_t bytes[PURPOSES], messages[PURPOSES], across[PURPOSES]; /* sent before the step began */
    uint64_t reported_bytes[PURPOSES], reported_messages[PURPOSES]; /* in the rows so far */
    int64_t first;                                                  /* step */
    double held;        /* seconds for checkpoints after the last step so far */
    long resident;      /* most kilobytes that this process had, when it was last asked how many bytes */
    uint64_t of_others; /* of them are other ranks' */
    Recent recent;
    WorkRecord work;
    Recorder *recorder; /* rank 0's, as is what follows */
    const Baseline *baseline;
    char path[CONFIG_PATH + 16]; /* of the run file */
    int hold;                    /* keeps other runs from moving it; -1: no file yet */
} Record;

/* Rows of the timelines of all ranks that report. */
int record_actions(const Trainer *trainer, const Group *world);

/* All ranks call all of these together. A file that cannot be written ends the job through fail(): the others
 * are on their way to the next collective. `baseline` outlives the record, or is NULL; rank 0 alone looks at it.
 * `first`: the step it begins with. */
void record_begin(Record *r, Trainer *trainer, Group *world, const Baseline *baseline,
                  const char *command_line, int64_t first);
void record_step_begin(Record *r);
/* Returns the step's mean loss on rank 0; NaN in a dry run. */
double record_step(Record *r, int64_t step, const StepResult *result, double wall_time);
/* On rank 0, after the step so far last, once or several times: checkpoints took so long, and one was being written
 * `beside` it. Before a first step there is nothing to note it at. */
void record_checkpoint(Record *r, bool beside, double seconds);
/* On rank 0: that after `steps` steps is in its place; placed->back is filled. */
void record_placed(Record *r, int64_t steps, CheckpointPlaced placed);
/* Closes the file; `stopped`: before the last step of those asked for, and it may go on in it. */
void record_end(Record *r, bool stopped);
void record_free(Record *r); /* from here on another run may move the file */
#endif
