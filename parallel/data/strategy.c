/* strategy.c - what each strategy shards. */
#include "parallel/data/strategy.h"

/* Rajbhandari et al. 1910.02054, section 5. */
static const struct {
    bool parameters, gradients, optimizer;
} shards[DATA_KINDS] = {[DATA_ZERO1] = {.optimizer = true},
                        [DATA_ZERO2] = {.optimizer = true, .gradients = true},
                        [DATA_ZERO3] = {.optimizer = true, .gradients = true, .parameters = true}};

bool data_parallel_shards_parameters(const DataParallelConfig *config)
{
    return shards[config->kind].parameters;
}

bool data_parallel_shards_gradients(const DataParallelConfig *config)
{
    return shards[config->kind].gradients;
}

bool data_parallel_shards_optimizer(const DataParallelConfig *config)
{
    return shards[config->kind].optimizer;
}

bool data_parallel_gathers_updates(const DataParallelConfig *config)
{
    return shards[config->kind].optimizer && !shards[config->kind].parameters;
}

bool data_parallel_reduces_each_microbatch(const DataParallelConfig *config)
{
    return shards[config->kind].gradients && config->reduce != REDUCE_STEP;
}
