/* data_parallel.c - what the strategies share: the domains, the optimizer's walk, and moving whole units in and out. */
#include "parallel/data/data_parallel.h"
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt_initialise.h"
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"

bool data_parallel_widens(const DataParallel *d)
{
    return d->config.reduce_fp32 && is_half(d->gradient_dtype);
}

static void make_domains(DataParallel *d, const DataParallelOptions *options)
{
    const Holding held = {d->gpt, &d->config, &d->optimizer, d->gradient_dtype};
    int buckets = 0;
    d->domain = allocate_zeroed((size_t)d->domains, sizeof *d->domain);
    d->unit = allocate_zeroed((size_t)d->gpt->units, sizeof *d->unit);
    for (int i = 0; i < d->domains; i++) {
        domain_make(&d->domain[i], &held, i, options->groups[i], d->unit);
        buckets += d->domain[i].buckets;
    }
    d->moving = allocate_zeroed(2 * (size_t)buckets, sizeof(Transfer *));
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
                        .group = options->groups[0].group,
                        .domains = options->domains,
                        .microbatches = options->microbatches,
                        .complete = options->complete,
                        .batch = options->batch,
                        .batch_context = options->batch_context,
                        .shard_optimizer = data_parallel_shards_optimizer(config),
                        .shard_gradients = data_parallel_reduces_each_microbatch(config),
                        .shard_parameters = data_parallel_shards_parameters(config)};
    d->hooks = d->ops->hooks;
    d->hooks.context = d;
    make_domains(d, options);
    return d;
}

void data_parallel_free(DataParallel *d)
{
    if (!d) return;
    for (int i = 0; i < d->domains; i++) domain_end(&d->domain[i]);
    free(d->domain);
    free(d->unit);
    free(d->moving);
    free(d);
}

/* ---- moving units in and out ---- */

Tensor data_parallel_updated(const DataParallel *d, Tensor flat, bool sharded, int unit)
{
    if (!flat.device) return flat;
    if (sharded) return domain_shard(&d->unit[unit], flat);
    Tensor whole = domain_whole(&d->unit[unit], flat);
    if (!d->shard_optimizer) return whole;
    int64_t offset, count;
    domain_owned(&d->unit[unit], &offset, &count);
    return tensor_view(whole, offset, count);
}

static Tensor held_parameters(const DataParallel *d, const DomainUnit *u)
{
    return d->shard_parameters ? domain_shard(u, u->domain->parameters)
                               : domain_whole(u, u->domain->parameters);
}

void data_parallel_take(DataParallel *d, int unit, Tensor values, int64_t first)
{
    const DomainUnit *u = &d->unit[unit];
    int64_t offset, count;
    domain_owned(u, &offset, &count);
    Tensor held = held_parameters(d, u);
    int64_t at = d->shard_parameters ? offset : 0;
    tensor_convert(held, tensor_view(values, at - first, held.count));
    Tensor master = data_parallel_updated(d, u->domain->state[OPTIMIZER_MASTER], d->shard_optimizer, unit);
    if (!master.device) return;
    at = d->shard_optimizer ? offset : 0;
    tensor_convert(master, tensor_view(values, at - first, master.count));
}

void data_parallel_here(const DataParallel *d, int unit, int64_t *first, int64_t *count)
{
    domain_owned(&d->unit[unit], first, count);
    if (!d->shard_parameters) *first = 0, *count = d->unit[unit].padded;
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
    const Domain *domain = d->unit[unit].domain;
    Tensor mine = data_parallel_updated(d, domain->gradients, d->shard_gradients, unit);
    return domain->updates ? mine : tensor_view(mine, 0, 0);
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
    const DomainUnit *u = &d->unit[unit];
    Group *group = u->domain->groups.group;
    if (!gradients && d->stale) settle(d);
    Tensor mine = gradients ? data_parallel_reduced(d, unit) : held_parameters(d, u);
    if (!(gradients ? d->shard_optimizer : d->shard_parameters)) {
        if (group->rank == 0) tensor_convert(whole, mine);
        return;
    }
    Tensor all = {0};
    if (group->rank == 0) all = tensor_new(whole.device, MEM_WORKSPACE, mine.dtype, u->padded);
    gather(group, OUTPUT_GATHER, mine.data, tensor_bytes(mine), all.data, 0);
    if (group->rank == 0) tensor_convert(whole, all);
    tensor_free(&all);
}

bool data_parallel_gathers(const DataParallel *d, int stage)
{
    for (int i = 0; d->transfers > 0 && i < d->domains; i++)
        for (const Bucket *b = d->domain[i].bucket; b < d->domain[i].bucket + d->domain[i].buckets; b++)
            if (b->gathering.ring.group && d->gpt->unit[b->unit[0]].stage == stage) return true;
    return false;
}

/* ---- the optimizer ---- */

void data_parallel_begin_step(DataParallel *d)
{
    for (int i = 0; i < d->domains; i++) tensor_blank(d->domain[i].gradients);
    for (int u = 0; u < d->gpt->units; u++) d->unit[u].blank = true;
}

Tensor data_parallel_whole_gradient(DataParallel *d, int unit)
{
    DomainUnit *u = &d->unit[unit];
    Tensor gradient = u->blank ? domain_blank(u->gradients, d->gpt->unit[unit].count) : u->gradients;
    u->blank = false;
    return gradient;
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
    for (int u = 0; u < d->gpt->units; u++) {
        const Domain *domain = d->unit[u].domain;
        int64_t offset = 0, count = d->unit[u].padded;
        if (!domain->updates) continue;
        if (d->shard_optimizer) domain_owned(&d->unit[u], &offset, &count);
        Update update = {.d = d, .step = {.learning_rate = learning_rate, .scale = scale, .step = step}};
        update.parameters = data_parallel_updated(d, domain->parameters, d->shard_parameters, u);
        update.gradients = data_parallel_reduced(d, u);
        for (int i = 0; i < OPTIMIZER_STATES; i++)
            update.state[i] = data_parallel_updated(d, domain->state[i], d->shard_optimizer, u);
        device_begin_one(d->device,
                         optimizer_work(&d->optimizer, update.parameters, update.gradients, update.state));
        gpt_each_parameter(d->gpt, u, offset, count, update_parameter, &update);
        device_end_one(d->device);
    }
    d->stale = d->shard_optimizer && !d->shard_parameters;
}
