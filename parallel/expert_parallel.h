/* expert_parallel.h - what moves when rows leave for the ranks of their experts, and come back (models/layers/dispatch.h):
 * among data-parallel replicas that share the experts of every layer. */
#ifndef PARALLEL_EXPERT_PARALLEL_H
#define PARALLEL_EXPERT_PARALLEL_H
#include "models/layers/dispatch.h"
#include "parallel/wire/comm.h"

typedef struct ExpertParallelConfig {
    int64_t size; /* ep */
    int way;      /* DispatchWay */
    bool overlap; /* rows move beside what does not wait for them */
} ExpertParallelConfig;

/* The dispatch of `group`, which must live as long; NULL: each rank has all experts. */
Dispatch expert_parallel_dispatch(const ExpertParallelConfig *config, Group *group);
#endif
