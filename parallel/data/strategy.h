/* strategy.h - the strategies of data parallelism: which there are, what is chosen of one, and what each cuts.
 *
 * Of parameters, gradients and optimizer state a strategy keeps some whole on all N replicas, and of the others a
 * shard of 1/N on each. What it does follows from which: so that is asked, not where it stands among the others. dp and
 * ddp shard nothing, and differ in who updates, so those two are asked for by name. */
#ifndef PARALLEL_DATA_STRATEGY_H
#define PARALLEL_DATA_STRATEGY_H
#include <stdbool.h>

typedef enum { DATA_DP, DATA_DDP, DATA_ZERO1, DATA_ZERO2, DATA_ZERO3, DATA_KINDS } DataParallelKind;
typedef enum { REDUCE_AUTO, REDUCE_MICROBATCH, REDUCE_STEP } ReduceMoment;
typedef enum { GATHER_STEP, GATHER_FORWARD } GatherMoment;
typedef enum {
    QUANTIZE_NONE,
    QUANTIZE_PARAMETERS,
    QUANTIZE_GRADIENTS,
    QUANTIZE_BOTH = QUANTIZE_PARAMETERS | QUANTIZE_GRADIENTS
} Quantize;
typedef struct DataParallelConfig {
    int kind;   /* DataParallelKind */
    int reduce; /* ReduceMoment: auto is each microbatch for zero2 and zero3, once a step for the others */
    int gather; /* GatherMoment of zero1 and zero2: as a step ends, or as the next one begins */
    /* a bucket closes at the first unit boundary at or past this many MB (1e6 bytes) of gradients */
    double bucket_mb;
    bool reduce_fp32; /* 16-bit gradients travel and are added in REAL, and rounded once they are there */
    bool overlap;     /* communication moves on between kernels; else it runs where it begins */
    int quantize;     /* Quantize: what travels in 8 bits */
} DataParallelConfig;

bool data_parallel_shards_parameters(const DataParallelConfig *config);
/* If they are reduced in every microbatch: else they are whole until a step ends. */
bool data_parallel_shards_gradients(const DataParallelConfig *config);
bool data_parallel_shards_optimizer(const DataParallelConfig *config);
/* Whether what each rank updated of whole parameters goes to the others: as a step ends or the next one begins. */
bool data_parallel_gathers_updates(const DataParallelConfig *config);
/* Whether it shards gradients, and they are reduced so. */
bool data_parallel_reduces_each_microbatch(const DataParallelConfig *config);
#endif
