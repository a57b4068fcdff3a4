/* estimate_counts.c - of a plan's lists, and of what strategies do for each unit and microbatch. */
#include "sim/run/estimate_counts.h"
#include <math.h>
#include "models/layers/gpt.h"
#include "parallel/data/domain.h"
#include "sim/theory/theory.h"

static double layers_of(const Config *config, const Plan *plan, int stage)
{
    double blocks = (double)stage_blocks(config->model.shape.layers, plan->stages,
                                         config_layers_per_stage(config, plan->stages), stage);
    return blocks + (stage == 0) + (stage == plan->stages - 1);
}

void count_rows(const Plan *plan, double *rows, double *longest)
{
    *rows = *longest = 0;
    for (int p = 0; p < plan->shape.p; p++) {
        *rows += plan->list[p].count;
        *longest = fmax(*longest, plan->list[p].count);
    }
}

bool passes_repeat(const Config *config)
{
    return config->parallel.kind != DATA_DP && !data_parallel_reduces_each_microbatch(&config->parallel);
}

PipelineCounts count_pipeline(const Config *config, const Plan *plan, bool repeats)
{
    PipelineCounts sum = {0};
    count_rows(plan, &sum.rows, &sum.longest);
    for (int p = 0; p < plan->shape.p; p++) {
        const Schedule *list = &plan->list[p];
        double blocks = 0, microbatches = 0, most = 0, most_microbatches = 0, layers = 0;
        int stage = -1; /* whose these are */
        for (int i = 0; i < list->count; i++) {
            Action a = list->action[i];
            if (!action_computes(a.kind)) continue;
            if (a.stage != stage) layers = layers_of(config, plan, stage = a.stage);
            bool forward = a.kind == ACTION_FORWARD,
                 ends = a.kind == ACTION_BACKWARD || a.kind == ACTION_WEIGHT;
            bool walked = !repeats || a.microbatch == 0 || a.microbatch == plan->shape.m - 1;
            if (walked) sum.visits += layers;
            blocks += (forward - ends) * layers;
            microbatches += forward - ends;
            if (blocks > most) most = blocks;
            if (microbatches > most_microbatches) most_microbatches = microbatches;
        }
        sum.blocks_at_once += most;
        sum.in_flight += most_microbatches;
    }
    return sum;
}

Rings count_data_rings(const Config *config, const Plan *plan, double replicas)
{
    const GptShape *shape = &config->model.shape;
    int kind = config->parallel.kind;
    double units = (double)shape->layers + 3, tied = shape->tie_embeddings && plan->stages == 1;
    double block =
        theory_block_parameters(config) * (double)dtype_bytes(config_gradient_dtype(config, plan->shape.m));
    double a_bucket = data_parallel_shards_parameters(&config->parallel)
                          ? 1
                          : fmax(1, ceil(config->parallel.bucket_mb * 1e6 / block));
    double buckets = plan->stages * ceil(units / plan->stages / a_bucket);
    double m = plan->shape.m, reductions = data_parallel_reduces_each_microbatch(&config->parallel) ? m : 1;
    double rings = 0, tensors = 0, cut = config->parallel.quantize ? 3 : 1;
    switch ((DataParallelKind)kind) {
    case DATA_DDP: rings = 2 * buckets, tensors = 2 * units; break;
    case DATA_ZERO1:
    case DATA_ZERO2: rings = (reductions + 1) * buckets, tensors = (reductions + 1) * units; break;
    case DATA_ZERO3:
        rings = reductions * units + m * (2 * units - 2 + 2 * tied), tensors = reductions * units;
        break;
    default: break; /* dp has trees */
    }
    double norms = data_parallel_shards_optimizer(&config->parallel) ? plan->shape.p : 0;
    double all = replicas > 1;
    return (Rings){all * (rings + norms), all * tensors * cut};
}

double count_block_visits(const Config *config, const Plan *plan, double replicas)
{
    int kind = config->parallel.kind, quantize = config->parallel.quantize;
    double m = plan->shape.m, units = (double)config->model.shape.layers + 3;
    double reductions = data_parallel_reduces_each_microbatch(&config->parallel) ? m : 1, each = 0;
    if (kind == DATA_DP) each = 1 / replicas;
    if (kind == DATA_DDP) each = quantize ? 4 : 1;
    bool shards = data_parallel_shards_optimizer(&config->parallel);
    if (shards && (quantize & QUANTIZE_GRADIENTS)) each += 2 * reductions;
    if (shards && (quantize & QUANTIZE_PARAMETERS))
        each += data_parallel_shards_parameters(&config->parallel) ? 2 * m : 1;
    return each * units * replicas;
}

Rings count_tensor_rings(const Config *config, const Plan *plan)
{
    double t = (double)config->tensor.size, m = plan->shape.m, L = (double)config->model.shape.layers;
    bool cut = config->tensor.sequence_parallel;
    double pieces = config->tensor.overlap == REGION_PIPELINED ? (double)config->tensor.pieces : 1;
    double forwards = config->train.recompute == RECOMPUTE_FULL ? 2 : 1;
    double halves = m * ((4 * pieces * forwards + (cut ? 2 * pieces + 4 : 4)) * L +
                         6); /* of all-reduces, which have two */
    double all = t > 1;
    return (Rings){all * halves, all * halves * (cut ? (double)config->train.microbatch : 1)};
}

Exchanges count_exchanges(const Config *config, const Plan *plan, bool repeats)
{
    const GptShape *shape = &config->model.shape;
    const double layers = (double)layers_with_experts(shape, 1, shape->layers), m = plan->shape.m,
                 passes = config->train.recompute == RECOMPUTE_FULL ? 3 : 2, each = 2 * passes * layers;
    if (config->expert.size == 1) return (Exchanges){0, 0};
    return (Exchanges){each * m, each * (repeats ? fmin(m, 2) : m)};
}

double count_expert_tensors(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    const int64_t held = shape->experts.count / config->expert.size;
    double sum = 0;
    for (int64_t layer = 1; layer <= shape->layers; layer++) {
        const Block *block = &block_kind[block_of(shape, layer)];
        sum += (double)(block_tensors(held, block) - block_tensors(0, block));
    }
    return sum;
}
