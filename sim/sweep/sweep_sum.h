/* sweep_sum.h - one checksum of all that a sweep's file holds, in its attribute `checksum`. */
#ifndef SIM_SWEEP_SWEEP_SUM_H
#define SIM_SWEEP_SWEEP_SUM_H
#include "sim/file/h5.h"
#include "sim/sweep/space.h"

/* Of a file to which nothing is added any more. */
bool sweep_sum_write(H5 *file, const Space *space, Error *error);
/* Refuses a file whose attributes or datasets are not as they were. */
bool sweep_sum_check(H5 *file, const Space *space, const char *path, Error *error);
#endif
