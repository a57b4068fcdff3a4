/* work_record.c - from each rank's ledger to the sum. */
#include "sim/run/work_record.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"
#include "sim/run/rows.h"

void work_record_begin(WorkRecord *w, const Device *device)
{
    memcpy(w->before, device->done, sizeof w->before);
}

void work_record_end(WorkRecord *w, const Device *device, bool skipped)
{
    if (skipped && work_sum(w->step).kernels > 0) return;
    for (int k = 0; k < WORK_KINDS; k++) w->step[k] = work_between(&w->before[k], &device->done[k]);
}

void work_record_sum(const WorkRecord *w, Group *world, WorkDone sum[WORK_KINDS])
{
    int reports = group_walks(world);
    WorkDone *all = world->rank == 0 ? allocate((size_t)reports * sizeof w->step) : NULL;
    gather(world, CONTROL, w->step, sizeof w->step, all, 0);
    if (!all) return;
    memset(sum, 0, sizeof w->step);
    for (int i = 0; i < reports; i++)
        for (int k = 0; k < WORK_KINDS; k++)
            work_join(&sum[k], &all[i * WORK_KINDS + k], rows_stand_for(world, (size_t)i));
    free(all);
}
