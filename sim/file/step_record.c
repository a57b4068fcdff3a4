/* step_record.c - how long a record is. */
#include "sim/file/step_record.h"
#include "models/layers/routing.h"

size_t step_record_sums(const GptShape *shape)
{
    return shape->experts.count ? (size_t)(shape->layers * routing_width(&shape->experts)) : 0;
}

size_t step_record_rows_of_all(const Config *config, int ranks)
{
    const GptShape *shape = &config->model.shape;
    if (!shape->experts.count || !config->train.microbatch) return 0;
    return (size_t)layers_with_experts(shape, 1, shape->layers) * (size_t)config_mesh(config, ranks).dp *
           (size_t)config_microbatches(config, ranks) * (size_t)shape->experts.count;
}

size_t step_record_rows(const Config *config, int ranks)
{
    const GptShape *shape = &config->model.shape;
    const size_t all = step_record_rows_of_all(config, ranks);
    if (all == 0 || all * sizeof(int32_t) > ROWS_MOST) return 0;
    return (size_t)config_microbatches(config, ranks) * (size_t)(shape->layers * shape->experts.count);
}

size_t step_record_routing(const Config *config, int ranks)
{
    return step_record_sums(&config->model.shape) * sizeof(double) +
           step_record_rows(config, ranks) * sizeof(int32_t);
}

size_t step_record_bytes(const Config *config, int ranks)
{
    return sizeof(StepRecord) + step_record_routing(config, ranks);
}

uint64_t step_record_messages(const GptShape *shape)
{
    return shape->experts.count ? 2 : 1;
}
