/* work_record.h - what the kernels of a step did, all ranks together. */
#ifndef SIM_RUN_WORK_RECORD_H
#define SIM_RUN_WORK_RECORD_H
#include "models/machine/device.h"
#include "parallel/wire/comm.h"

typedef struct WorkRecord {
    WorkDone before[WORK_KINDS]; /* as the step began */
    WorkDone step[WORK_KINDS];   /* of the last, but for one that a gradient's overflow cut short */
} WorkRecord;

void work_record_begin(WorkRecord *w, const Device *device);
void work_record_end(WorkRecord *w, const Device *device, bool skipped);
/* All ranks call; the sum is rank 0's. */
void work_record_sum(const WorkRecord *w, Group *world, WorkDone sum[WORK_KINDS]);
#endif
