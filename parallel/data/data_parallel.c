/* data_parallel.c - what the strategies share: the flat layout, who owns which
 * block of it, buckets, the optimizer's walk, and moving whole units in and out. */
#include "parallel/data/data_parallel.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"

/* ---- layout ---- */

Tensor data_parallel_whole(const DataParallel *d, Tensor flat, int unit)
{
    return tensor_view(flat, d->offset[unit], d->padded[unit]);
}

Tensor data_parallel_shard(const DataParallel *d, Tensor flat, int unit)
{
    int n = d->group->size;
    return tensor_view(flat, d->offset[unit] / n, d->padded[unit] / n);
}

void data_parallel_owned(const DataParallel *d, int unit, int64_t *offset, int64_t *count)
{
    *count = d->padded[unit] / d->group->size;
    *offset = *count * d->group->rank;
}

static bool has_optimizer(const DataParallel *d)
{
    return d->config.kind != DATA_DP || d->group->rank == 0;
}

bool data_parallel_widens(const DataParallel *d)
{
    return d->config.reduce_fp32 && is_half(d->gradient_dtype);
}

/* Quantised, the owner's block of whole parameters is what the others got, and what it updates is kept beside. */
static bool has_master(const DataParallel *d)
{
    bool quantized = d->config.quantize & QUANTIZE_PARAMETERS && d->group->size > 1;
    return is_half(d->gpt->dtype) || (quantized && d->shard_optimizer && !d->shard_parameters);
}

static void lay_out(DataParallel *d)
{
    int n = d->group->size, units = d->gpt->units;
    d->padded = allocate((size_t)units * sizeof *d->padded);
    d->offset = allocate((size_t)units * sizeof *d->offset);
    for (int u = 0; u < units; u++) {
        d->padded[u] = d->gpt->unit[u].held ? (d->gpt->unit[u].count + n - 1) / n * n : 0;
        d->offset[u] = d->total;
        d->total += d->padded[u];
    }
}

/* Backward completes a stage's units from the last to the first; stages run one by one, so no bucket holds
 * units of two. */
static void make_buckets(DataParallel *d)
{
    int units = d->gpt->units;
    double full = d->shard_parameters ? 0 : d->config.bucket_mb * 1e6, bytes = 0;
    d->bucket = allocate_zeroed((size_t)units, sizeof *d->bucket);
    d->bucket_of = allocate_zeroed((size_t)units, sizeof *d->bucket_of);
    Bucket *open = NULL;
    for (int u = units - 1; u >= 0; u--) {
        const Unit *unit = &d->gpt->unit[u];
        if (!unit->held) continue;
        if (!open || bytes >= full || d->gpt->unit[open->last].stage != unit->stage) {
            open = &d->bucket[d->buckets++];
            open->last = u;
            bytes = 0;
        }
        open->first = u;
        d->bucket_of[u] = d->buckets - 1;
        bytes += (double)d->padded[u] * (double)dtype_bytes(d->gradient_dtype);
    }
}

/* What the rank holds of parameters, gradients and optimizer state. */
static void make_flats(DataParallel *d)
{
    int64_t whole = d->total, shard = d->total / d->group->size;
    d->parameters = tensor_new(d->device, MEM_PARAMETERS, d->gpt->dtype, d->shard_parameters ? shard : whole);
    d->gradients =
        tensor_new(d->device, MEM_GRADIENTS, d->gradient_dtype, d->shard_gradients ? shard : whole);
    for (int i = 0; i < OPTIMIZER_STATES && has_optimizer(d); i++) {
        bool moment = i < optimizer_states((OptimizerKind)d->optimizer.kind);
        if (!moment && !(i == OPTIMIZER_MASTER && has_master(d))) continue;
        d->state[i] = tensor_new(d->device, MEM_OPTIMIZER, REAL, d->shard_optimizer ? shard : whole);
        tensor_zero(d->state[i]);
    }
    d->unit_weights = allocate_zeroed((size_t)d->gpt->units, sizeof *d->unit_weights);
    d->unit_gradients = allocate_zeroed((size_t)d->gpt->units, sizeof *d->unit_gradients);
    for (int u = 0; u < d->gpt->units; u++) {
        if (!d->shard_parameters) d->unit_weights[u] = data_parallel_whole(d, d->parameters, u);
        if (!d->shard_gradients) d->unit_gradients[u] = data_parallel_whole(d, d->gradients, u);
    }
}

DataParallel *data_parallel_new(const DataParallelOptions *options)
{
    const DataParallelConfig *config = options->config;
    DataParallel *d = allocate_zeroed(1, sizeof *d);
    *d = (DataParallel){.ops = config->kind == DATA_DP ? &classic_ops : &zero_ops,
                        .config = *config,
                        .optimizer = *options->optimizer,
                        .gpt = options->gpt,
                        .gradient_dtype = options->gradient_dtype,
                        .device = options->gpt->device,
                        .group = options->group,
                        .microbatches = options->microbatches,
                        .complete = options->complete,
                        .batch = options->batch,
                        .batch_context = options->batch_context,
                        .shard_optimizer = data_parallel_shards_optimizer(config),
                        .shard_gradients = data_parallel_reduces_each_microbatch(config),
                        .shard_parameters = data_parallel_shards_parameters(config)};
    d->hooks = d->ops->hooks;
    d->hooks.context = d;
    lay_out(d);
    make_buckets(d);
    make_flats(d);
    d->gathering = allocate_zeroed((size_t)d->gpt->units, sizeof *d->gathering);
    d->moving = allocate_zeroed((size_t)(d->buckets + d->gpt->units), sizeof(Transfer *));
    return d;
}

void data_parallel_free(DataParallel *d)
{
    if (!d) return;
    tensor_free(&d->parameters);
    tensor_free(&d->gradients);
    for (int i = 0; i < OPTIMIZER_STATES; i++) tensor_free(&d->state[i]);
    free(d->unit_weights);
    free(d->unit_gradients);
    free(d->padded);
    free(d->offset);
    free(d->bucket);
    free(d->bucket_of);
    free(d->gathering);
    free(d->moving);
    free(d);
}

/* ---- moving units in and out ---- */

Tensor data_parallel_updated(const DataParallel *d, Tensor flat, bool sharded, int unit)
{
    if (!flat.device) return flat;
    if (sharded) return data_parallel_shard(d, flat, unit);
    Tensor whole = data_parallel_whole(d, flat, unit);
    if (!d->shard_optimizer) return whole;
    int64_t offset, count;
    data_parallel_owned(d, unit, &offset, &count);
    return tensor_view(whole, offset, count);
}

void data_parallel_take(DataParallel *d, int unit, Tensor values, int64_t first)
{
    int64_t offset, count;
    data_parallel_owned(d, unit, &offset, &count);
    Tensor held = d->shard_parameters ? data_parallel_shard(d, d->parameters, unit)
                                      : data_parallel_whole(d, d->parameters, unit);
    int64_t at = d->shard_parameters ? offset : 0;
    tensor_convert(held, tensor_view(values, at - first, held.count));
    Tensor master = data_parallel_updated(d, d->state[OPTIMIZER_MASTER], d->shard_optimizer, unit);
    if (!master.device) return;
    at = d->shard_optimizer ? offset : 0;
    tensor_convert(master, tensor_view(values, at - first, master.count));
}

void data_parallel_here(const DataParallel *d, int unit, int64_t *first, int64_t *count)
{
    data_parallel_owned(d, unit, first, count);
    if (!d->shard_parameters) *first = 0, *count = d->padded[unit];
}

void data_parallel_set(DataParallel *d, int unit, Tensor whole)
{
    data_parallel_take(d, unit, whole, 0);
}

void data_parallel_initialise_unit(DataParallel *d, int unit, int64_t seed)
{
    Device aside = {.dry = d->device->dry}; /* not the rank's own memory */
    int64_t offset, count;
    if (!d->gpt->unit[unit].held) return;
    data_parallel_here(d, unit, &offset, &count);
    Tensor values = tensor_new(&aside, MEM_WORKSPACE, REAL, count);
    gpt_initialise(d->gpt, unit, offset, seed, values);
    data_parallel_take(d, unit, values, offset);
    tensor_free(&values);
}

void data_parallel_initialise(DataParallel *d, int64_t seed)
{
    for (int u = 0; u < d->gpt->units; u++) data_parallel_initialise_unit(d, u, seed);
}

Tensor data_parallel_reduced(const DataParallel *d, int unit)
{
    Tensor mine = data_parallel_updated(d, d->gradients, d->shard_gradients, unit);
    return has_optimizer(d) ? mine : tensor_view(mine, 0, 0);
}

/* Outside a step: the last one's update reaches all ranks. */
static void settle(DataParallel *d)
{
    d->ops->unshard(d);
    for (int u = 0; u < d->gpt->units; u++)
        if (d->gpt->unit[u].held) d->hooks.need(d->hooks.context, 0, u);
}

void data_parallel_collect(DataParallel *d, int unit, bool gradients, Tensor whole)
{
    if (!gradients && d->stale) settle(d);
    Tensor mine = gradients             ? data_parallel_reduced(d, unit)
                  : d->shard_parameters ? data_parallel_shard(d, d->parameters, unit)
                                        : data_parallel_whole(d, d->parameters, unit);
    if (!(gradients ? d->shard_optimizer : d->shard_parameters)) {
        if (d->group->rank == 0) tensor_convert(whole, mine);
        return;
    }
    Tensor all = {0};
    if (d->group->rank == 0) all = tensor_new(whole.device, MEM_WORKSPACE, mine.dtype, d->padded[unit]);
    gather(d->group, OUTPUT_GATHER, mine.data, tensor_bytes(mine), all.data, 0);
    if (d->group->rank == 0) tensor_convert(whole, all);
    tensor_free(&all);
}

bool data_parallel_gathers(const DataParallel *d, int stage)
{
    for (int u = 0; d->transfers > 0 && u < d->gpt->units; u++)
        if (d->gathering[u].ring.group && d->gpt->unit[u].stage == stage) return true;
    return false;
}

/* ---- the optimizer ---- */

void data_parallel_begin_step(DataParallel *d)
{
    tensor_zero(d->gradients);
}

typedef struct Update {
    DataParallel *d;
    Tensor parameters, gradients, state[OPTIMIZER_STATES]; /* of the range */
    OptimizerStep step;
} Update;

/* Weight decay is for matrices: biases and norms are left alone. */
static void update_parameter(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count,
                             void *context)
{
    (void)in_parameter;
    const Update *u = context;
    Tensor state[OPTIMIZER_STATES] = {{0}};
    for (int i = 0; i < OPTIMIZER_STATES; i++)
        if (u->state[i].device) state[i] = tensor_view(u->state[i], in_range, count);
    OptimizerStep step = u->step;
    step.decay = p->rows > 0;
    optimizer_update(&u->d->optimizer, step, tensor_view(u->parameters, in_range, count),
                     tensor_view(u->gradients, in_range, count), state);
}

void data_parallel_update(DataParallel *d, double learning_rate, double scale, int64_t step)
{
    if (!has_optimizer(d)) return;
    for (int u = 0; u < d->gpt->units; u++) {
        int64_t offset = 0, count = d->padded[u];
        if (d->shard_optimizer) data_parallel_owned(d, u, &offset, &count);
        Update update = {.d = d, .step = {.learning_rate = learning_rate, .scale = scale, .step = step}};
        update.parameters = data_parallel_updated(d, d->parameters, d->shard_parameters, u);
        update.gradients = data_parallel_reduced(d, u);
        for (int i = 0; i < OPTIMIZER_STATES; i++)
            update.state[i] = data_parallel_updated(d, d->state[i], d->shard_optimizer, u);
        device_begin_one(d->device,
                         optimizer_work(&d->optimizer, update.parameters, update.gradients, update.state));
        gpt_each_parameter(d->gpt, u, offset, count, update_parameter, &update);
        device_end_one(d->device);
    }
    d->stale = d->shard_optimizer && !d->shard_parameters;
}
