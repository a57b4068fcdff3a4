/* verdict.h - how each rank's part of a checkpoint went, told to rank 0 in one piece. */
#ifndef SIM_RUN_VERDICT_H
#define SIM_RUN_VERDICT_H
#include "parallel/wire/comm.h"
#include "models/machine/error.h"

/* Collective. `sum` (tensors): a rank's parts of checksums, on rank 0 then those of all ranks together. False there,
 * with who and why, if any rank's `ok` was; the others go on with true. */
bool verdict_of_all(Group *world, bool ok, uint64_t *sum, size_t tensors, Error *error);
#endif
