/* tensor_parallel.h - what moves when a tensor-parallel region is entered or
 * left (models/layers/region.h), and what its ranks must add up besides. */
#ifndef PARALLEL_TENSOR_PARALLEL_H
#define PARALLEL_TENSOR_PARALLEL_H
#include "models/layers/gpt_parameters.h"
#include "parallel/wire/comm.h"

typedef struct TensorParallelConfig {
    int64_t size;           /* tp */
    bool sequence_parallel; /* outside regions each rank holds 1/tp of the sequence */
    int overlap;            /* RegionOverlap */
    int64_t pieces;         /* of a border, where it is pipelined; at most REGION_PIECES */
    bool scatter;           /* a message between stages leaves as 1/tp from each rank, and is gathered */
} TensorParallelConfig;

/* The region of `group`, of which the ranks in `sharing` (or NULL) hold the same keys and values; both must live
 * as long. */
Region tensor_parallel_region(const TensorParallelConfig *config, Group *group, Group *sharing);

/* Under sequence parallelism each rank has seen only its rows: the gradients of
 * a unit's parameters that are not cut are summed over the group; otherwise
 * every rank has their sum already, but for what is partial (tensor_shape.h).
 * Those of keys and values that several ranks hold are summed over these, as
 * each has seen the queries of its own heads. */
void tensor_parallel_sum_gradients(const Gpt *gpt, int unit, Tensor gradients);

/* On rank 0 of the group `whole` becomes the parameter of which every rank brings its slice `mine`. */
void tensor_parallel_collect(const Parameter *p, Group *group, Tensor mine, Tensor whole);
/* The other way, with nothing sent: this rank's slice of a whole parameter; padding becomes zero. */
void tensor_parallel_slice(const Gpt *gpt, const Parameter *p, Tensor whole, Tensor mine);

#endif
