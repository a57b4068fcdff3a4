/* one_step.h - what the run file says of one of its steps alone: where its seconds went, and its bytes by link. */
#ifndef SIM_RUN_ONE_STEP_H
#define SIM_RUN_ONE_STEP_H
#include "sim/file/recorder.h"
#include "sim/file/step_record.h"
#include "sim/run/step.h"

/* On rank 0, from the records of all ranks that report, and what each of their actions computed (NULL in a dry run). */
bool one_step_write(Recorder *recorder, const Trainer *t, const Group *world, const StepRecord *records,
                    const double *computed, Error *error);
#endif
