/* kept.h - what of a run's state outlives it: parameters as they are updated, and the optimizer's running values.
 *
 * `which` is one of the optimizer's states, or OPTIMIZER_MASTER: the parameters, from the master where there is one. */
#ifndef PARALLEL_DATA_KEPT_H
#define PARALLEL_DATA_KEPT_H
#include "parallel/data/data_parallel.h"

/* What this rank has to update of a unit, in REAL, and where that begins in the unit; without a device: nothing. */
Tensor kept_here(const DataParallel *d, int which, int unit, int64_t *first);
/* The part of it that this rank hands on: over the replicas each value of a unit is one rank's. */
Tensor kept_alone(const DataParallel *d, int which, int unit, int64_t *first);

/* After kept_here() and the parameters were set as an earlier run left them, which had updated them: what arrives of
 * them elsewhere, rounded to 8 bits, is as it was there. Collective. */
void kept_settle(DataParallel *d);
#endif
