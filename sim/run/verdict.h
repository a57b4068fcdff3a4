/* verdict.h - how each rank's part of a checkpoint went, told to rank 0 in one piece: at once, or as each has done it,
 * while the others go on. */
#ifndef SIM_RUN_VERDICT_H
#define SIM_RUN_VERDICT_H
#include "parallel/wire/comm.h"
#include "models/machine/error.h"

typedef struct Verdicts Verdicts;

/* Collective: from here on rank 0 listens. `tensors`: how many checksums a piece has. */
Verdicts *verdicts_new(Group *world, size_t tensors);
/* Each once, when it knows. `sum` (tensors): its parts of the checksums. */
void verdicts_tell(Verdicts *v, bool ok, const uint64_t *sum, const Error *error);
/* Whether all have, on rank 0, and elsewhere whether this rank's is on its way. Never waits. */
bool verdicts_are_in(Verdicts *v);
/* Waits until they are. On rank 0 `sum` (tensors) is then those of all ranks together; false there, with who and why, if
 * any rank's `ok` was; the others go on with true. Frees it. */
bool verdicts_end(Verdicts *v, uint64_t *sum, Error *error);

/* All of it. Collective. */
bool verdict_of_all(Group *world, bool ok, uint64_t *sum, size_t tensors, Error *error);
#endif
