/* data_parallel.h - who holds which parameters, gradients and optimizer state,
 * and when they move.
 *
 *             parameters  gradients  optimizer  what moves in a step
 *   dp        whole       whole      main rank  inputs scattered, parameters broadcast,
 *                                               losses gathered, gradients reduced to main
 *   ddp       whole       whole      whole      gradients: ring all-reduce
 *   zero1     whole       whole      1/N        gradients: reduce-scatter; parameters: all-gather
 *   zero2     whole       1/N        1/N        the same, gradients each microbatch
 *   zero3     1/N         1/N        1/N        parameters gathered before each use, too
 *
 * zero2 and zero3 may also reduce once a step: the gradients are whole then, as zero1's.
 *
 * A strategy stands behind the model's hooks (models/layers/gpt.h). All cut alike:
 * each unit is padded to a multiple of N and rank r owns block r of every
 * unit, so ddp and the zeros add the same numbers in the same order.
 * dp: PyTorch's DataParallel; ddp: Li et al. 2006.15704; zero: Rajbhandari et
 * al. 1910.02054, with the unit-by-unit gathering of FSDP (Zhao et al. 2304.11277). */
#ifndef PARALLEL_DATA_DATA_PARALLEL_H
#define PARALLEL_DATA_DATA_PARALLEL_H
#include "models/layers/gpt.h"
#include "models/training/optimizer.h"
#include "parallel/data/domain.h"

typedef struct DataParallel DataParallel;

/* What differs between the strategies; everything else is shared. */
typedef struct DataParallelOps {
    GptHooks hooks; /* a DataParallel's own have it as context */
    /* tokens (B, T + 1) of this rank's microbatch */
    void (*tokens)(DataParallel *d, int microbatch, Tensor tokens);
    void (*unshard)(DataParallel *d); /* whole parameters to all ranks, at the latest when they are needed */
    void (*reduce)(DataParallel *d, double *losses, int count); /* gradients complete where they are owned */
    /* of a domain's whole gradient; dp: on the main rank */
    double (*sum_of_squares)(const DataParallel *d, const Domain *domain);
} DataParallelOps;

/* Called when a unit's gradient is complete on this rank, before it is reduced over the group. */
typedef void UnitComplete(const Gpt *gpt, int unit, Tensor gradient);
/* Fills the tokens (B, T + 1) of rank `rank`'s microbatch. */
typedef void FillBatch(void *context, int rank, int microbatch, int32_t *tokens);

typedef struct DataParallelOptions {
    const DataParallelConfig *config;
    const OptimizerConfig *optimizer;
    const Gpt *gpt;
    DType gradient_dtype; /* what gradients are kept, and travel, in: the model's, or REAL */
    /* (domains): of each domain that units are in; the first's is the data group */
    const DomainGroups *groups;
    int domains;
    int microbatches; /* a step */
    UnitComplete *complete;
    FillBatch *batch;
    void *batch_context;
} DataParallelOptions;

struct DataParallel {
    const DataParallelOps *ops;
    GptHooks hooks; /* for the passes of gpt */
    DataParallelConfig config;
    OptimizerConfig optimizer;
    const Gpt *gpt;
    DType gradient_dtype;
    Device *device;
    Group *group; /* the data group: of replicas, each with a batch of its own */
    int microbatches;
    UnitComplete *complete;
    FillBatch *batch;
    void *batch_context;

    bool shard_parameters, shard_gradients, shard_optimizer;
    Domain *domain; /* (domains) */
    int domains;
    DomainUnit *unit; /* (gpt->units) */

    Transfer **moving; /* (two a bucket) begun and not ended, in that order */
    int transfers;     /* so many */
    Between between;   /* while there are some */
    bool progressing;
    bool stale; /* parameters were updated where they are owned, and not gathered since */
};

/* Allocates what the strategy holds; parameters are not initialised. The configs are copied; gpt and the groups
 * must live as long. */
DataParallel *data_parallel_new(const DataParallelOptions *options);
void data_parallel_free(DataParallel *d);

/* Fills what this rank holds of a unit from its whole (padded) range in REAL; or from a range that begins at `first`
 * and has all of data_parallel_here(). */
void data_parallel_set(DataParallel *d, int unit, Tensor whole);
void data_parallel_take(DataParallel *d, int unit, Tensor values, int64_t first);
/* The range of a unit's parameters that is here. */
void data_parallel_here(const DataParallel *d, int unit, int64_t *first, int64_t *count);
/* Initialises what this rank holds, from the seed; or of one unit. */
void data_parallel_initialise(DataParallel *d, int64_t seed);
void data_parallel_initialise_unit(DataParallel *d, int unit, int64_t seed);
/* On rank 0 `whole` (padded, REAL) becomes the unit's parameters or reduced gradients; all ranks call. */
void data_parallel_collect(DataParallel *d, int unit, bool gradients, Tensor whole);

/* Whether parameters of a stage are on their way, which its next pass waits for. */
bool data_parallel_gathers(const DataParallel *d, int stage);

/* What this rank owns of a unit's reduced gradient: its block, the whole, or (dp, not on the main rank) nothing. */
Tensor data_parallel_reduced(const DataParallel *d, int unit);

void data_parallel_begin_step(DataParallel *d); /* gradients are blank */
/* Of the reduced gradients, each value once; dp: on the main rank of each domain. Of domains that one group has, or
 * (`parts`) of those that several groups have parts of, which wait for each other. */
double data_parallel_sum_of_squares(const DataParallel *d, bool parts);
/* One optimizer step on what this rank owns; `scale` multiplies gradients; `step` counts from 1. */
void data_parallel_update(DataParallel *d, double learning_rate, double scale, int64_t step);

/* For the strategies. */
/* A unit's gradient, where it is whole all the time, for a pass to add to: blank for the first of a step. */
Tensor data_parallel_whole_gradient(DataParallel *d, int unit);
/* The part of a unit that this rank updates, in a flat range that is whole or a shard; a flat without a device is
 * returned. */
Tensor data_parallel_updated(const DataParallel *d, Tensor flat, bool sharded, int unit);
/* The sum of squares of rank `rank`'s blocks of a domain's gradient (with sharded gradients: its own). What all ranks
 * of a tensor-parallel group hold alike counts on the first of them only, a copy of wte nowhere. */
double data_parallel_block_squares(const DataParallel *d, const Domain *domain, int rank);
/* Of the whole, as the shards would do it: rank by rank, so that ddp has the same bits as zero. */
double data_parallel_whole_squares(const DataParallel *d, const Domain *domain);
bool data_parallel_widens(const DataParallel *d); /* gradients, to be reduced in REAL */
extern const DataParallelOps classic_ops, zero_ops;
#endif
