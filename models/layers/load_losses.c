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
    int64_t scopes = load_scopes(run->shape, run->B);
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
static void add_load(const BlockRun *run, const Balance *b, Tensor scores, Tensor chosen, Tensor load)
{
    const ExpertsShape *e = &run->shape->experts;
    if (!has_expert_bias(run->shape)) {
        balance_load(b, chosen, load);
        return;
    }
    const Router best = {.kind = (RouterKind)e->router,
                         .experts = e->count,
                         .top_k = e->top_k,
                         .groups = 1,
                         .groups_limited = 1,
                         .group_best = 1};
    Tensor experts = tensor_new(load.device, MEM_WORKSPACE, INT32, chosen.count);
    router_choose(&best, scores, (Tensor){0}, experts);
    balance_load(b, experts, load);
    tensor_free(&experts);
}

/* To a scope's load, sent and probability. */
static void add_all(const BlockRun *run, const Balance *b, Tensor scores, Tensor experts, const BatchLoad *to)
{
    add_load(run, b, scores, experts, to->load);
    if (b->communication > 0) balance_sent(b, experts, to->sent);
    balance_probability(b, scores, to->probability);
}

double load_losses_forward(const BlockRun *run, MemoryCategory kept, Tensor scores, Tensor experts,
                           Tensor *weights)
{
    if (!has_balance_loss(&run->shape->experts)) return 0;
    const Balance b = balance_here(run);
    Device *device = scores.device;
    if (run->batch) { /* what is computed again has been added before */
        if (device->lanes.part != PART_RECOMPUTE) add_all(run, &b, scores, experts, run->batch);
        return 0;
    }
    BatchLoad here = {.load = zeros(device, INT32, b.scopes * b.experts),
                      .probability = zeros(device, REAL, b.scopes * b.experts)};
    if (b.communication > 0) here.sent = zeros(device, INT32, b.scopes * b.devices);
    add_all(run, &b, scores, experts, &here);
    *weights = tensor_new(device, kept, REAL, b.scopes * b.experts);
    double loss = balance_loss(&b, here.load, here.sent, here.probability, *weights);
    tensor_free(&here.load);
    tensor_free(&here.sent);
    tensor_free(&here.probability);
    return (double)b.tokens * loss;
}

void load_losses_backward(const BlockRun *run, Tensor scores, Tensor weights, double share, Tensor dscores)
{
    if (!has_balance_loss(&run->shape->experts)) return;
    const Balance b = balance_here(run);
    balance_backward(&b, scores, run->batch ? run->batch->weights : weights, share * (double)b.tokens,
                     dscores);
}

double batch_load_weights(const GptShape *shape, const BatchLoad *layer)
{
    const Balance b = balance_of(shape, 1, layer->tokens);
    return (double)b.tokens * balance_loss(&b, layer->load, layer->sent, layer->probability, layer->weights);
}
