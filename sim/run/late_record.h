/* late_record.h - how many messages of a run were late, summed up for its file. */
#ifndef SIM_RUN_LATE_RECORD_H
#define SIM_RUN_LATE_RECORD_H
#include "parallel/wire/comm.h"

/* Over links that hold some back. */
typedef struct LateCount {
    int64_t messages, late;
} LateCount;

/* Collective: of all ranks that are walked, on rank 0: over each link (comm->lates) and, behind these, over all; to be
 * freed. NULL elsewhere. */
LateCount *late_record_sum(Group *world);
/* On rank 0, of a run that has ended: a line for each link that no message was held back on. Which ranks of a group talk,
 * and how often, is its algorithm's, and known once it has run. */
void late_record_warn(const Comm *comm, const LateCount *counts);
#endif
