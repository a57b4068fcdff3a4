/* load_losses.c - loads and scores added up, and what follows when all of a scope are there. */
#include "models/layers/load_losses.h"
#include "models/kernels/balance.h"
#include "models/kernels/router.h"
#include "models/layers/batch_load.h"
#include "models/machine/tensor_values.h"

/* Tokens are of `scopes`, as many of each. */
static Balance balance_of(const GptShape *shape, int64_t scopes, int64_t tokens)
{
    const ExpertsShape *e = &shape->experts;
    bool groups = has_group_loss(e);
    return (Balance){.experts = e->count,
                     .top_k = e->top_k,
                     .scopes = scopes,
                     .tokens = tokens,
                     .devices = e->groups,
                     .devices_limited = e->groups_limited,
                     .expert = expert_coefficient(e),
                     .device = groups ? e->device : 0,
                     .communication = groups ? e->communication : 0};
}

static Balance balance_here(const BlockRun *run)
{
    int64_t scopes = routing_scopes(run->shape, run->B);
    return balance_of(run->shape, scopes, block_rows(run) / scopes);
}

static Tensor zeros(Device *device, DType dtype, int64_t count)
{
    Tensor t = tensor_new(device, MEM_WORKSPACE, dtype, count);
    tensor_zero(t);
    return t;
}

/* The loads that losses are of. Beside a bias it is of the best scores without it, and whatever the groups, that V3's has
 * the loads (2412.19437, eq. 18): what scores would choose by themselves. */
static void add_load(const BlockRun *run, const Balance *b, Routing r, Tensor load)
{
    if (!has_expert_bias(run->shape)) {
        balance_load(b, *r.experts, load);
        return;
    }
    Router best = routing_router(&run->shape->experts);
    best.groups = best.groups_limited = 1;
    Tensor experts = tensor_new(load.device, MEM_WORKSPACE, INT32, r.experts->count);
    router_choose(&best, *r.scores, (Tensor){0}, experts);
    balance_load(b, experts, load);
    tensor_free(&experts);
}

static void add_all(const BlockRun *run, const Balance *b, Routing r, Tensor load, Tensor sent,
                    Tensor probability)
{
    add_load(run, b, r, load);
    if (b->communication > 0) balance_sent(b, *r.experts, sent);
    balance_probability(b, *r.scores, probability);
}

/* What is computed again has been added before. */
static void add_to_batch(const BlockRun *run, Routing r)
{
    const BatchLoad *batch = run->batch;
    const Balance b = balance_here(run);
    if (r.scores->device->lanes.part == PART_RECOMPUTE) return;
    add_all(run, &b, r, batch->load, batch->sent, batch->probability);
}

void load_losses_forward(const BlockRun *run, MemoryCategory kept, Routing r, double *to)
{
    if (!has_balance_loss(&run->shape->experts)) return;
    if (run->batch) {
        add_to_batch(run, r);
        return;
    }
    const Balance b = balance_here(run);
    Device *device = r.scores->device;
    Tensor load = zeros(device, INT32, b.scopes * b.experts), sent = {0},
           probability = zeros(device, REAL, b.scopes * b.experts);
    if (b.communication > 0) sent = zeros(device, INT32, b.scopes * b.devices);
    add_all(run, &b, r, load, sent, probability);
    *r.weights = tensor_new(device, kept, REAL, b.scopes * b.experts);
    double loss = balance_loss(&b, load, sent, probability, *r.weights);
    if (to) to[ROUTING_BALANCE_LOSS] += (double)b.tokens * loss;
    tensor_free(&load);
    tensor_free(&sent);
    tensor_free(&probability);
}

void load_losses_backward(const BlockRun *run, Routing r, double share)
{
    if (!has_balance_loss(&run->shape->experts)) return;
    const Balance b = balance_here(run);
    balance_backward(&b, *r.scores, run->batch ? run->batch->weights : *r.weights, share * (double)b.tokens,
                     *r.dlogits);
}

double batch_load_weights(const GptShape *shape, const BatchLoad *layer)
{
    const Balance b = balance_of(shape, 1, layer->tokens);
    return (double)b.tokens * balance_loss(&b, layer->load, layer->sent, layer->probability, layer->weights);
}
