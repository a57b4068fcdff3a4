/* costs.h - what a job's steps, checkpoints, failures and restarts take, from a dry run of one step. */
#ifndef SIM_GOODPUT_COSTS_H
#define SIM_GOODPUT_COSTS_H
#include "sim/goodput/request.h"
#include "sim/theory/goodput.h"

typedef struct Costs {
    GoodputJob job;
    int ranks, nodes;
    int64_t seed;            /* train.seed */
    bool async;              /* output.checkpoint_async */
    double memory, capacity; /* bytes: the rank that holds the most; what an accelerator has */
    double checkpoint;       /* bytes of its values, all ranks' */
    double written,
        read;      /* and of the node that writes, that reads the most: a rank that is not walked as the one
                              * that stands for it, so these may be a block's padding too many */
    double copied; /* of the rank that writes the most */
    double storage, copy; /* bytes a second: of a node to and from storage; of an accelerator to its host */
    double write_seconds, read_seconds, copy_seconds;
} Costs;

/* Seconds of a checkpoint: synchronous, training waits until it is written; asynchronous, until it is copied to the
 * host's memory. False where the dry run is refused, or the job is not one that can be walked. */
bool costs_foretell(Costs *costs, const GoodputRequest *request, const char *program_directory, Error *error);
#endif
