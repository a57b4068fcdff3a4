/* late_record.h - how many messages of a run were late, summed up for its file. */
#ifndef SIM_RUN_LATE_RECORD_H
#define SIM_RUN_LATE_RECORD_H
#include "parallel/wire/comm.h"

/* Over links that hold some back. */
typedef struct LateCount {
    int64_t messages, late;
} LateCount;

/* Collective: of all ranks that are walked, on rank 0. */
LateCount late_record_sum(Group *world);
#endif
