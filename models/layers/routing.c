/* routing.c - scores, choices and places; losses and their gradients. */
#include "models/layers/routing.h"
#include <math.h>
#include <stdlib.h>
#include "models/kernels/balance.h"
#include "models/kernels/capacity.h"
#include "models/kernels/kernels.h"
#include "models/kernels/router.h"
#include "models/layers/load_losses.h"
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"

static Router router_of(const ExpertsShape *e)
{
    int64_t each = e->count / e->groups, best = e->router == ROUTER_SIGMOID ? 2 : 1;
    return (Router){.kind = (RouterKind)e->router,
                    .experts = e->count,
                    .top_k = e->top_k,
                    .groups = e->groups,
                    .groups_limited = e->groups_limited,
                    .group_best = best < each ? best : each,
                    .normalise = e->normalise,
                    .scale = e->scale};
}

static Capacity capacity_of(const GptShape *shape, int64_t B)
{
    const ExpertsShape *e = &shape->experts;
    return (Capacity){.experts = e->count,
                      .top_k = e->top_k,
                      .tokens = B * shape->sequence / load_scopes(shape, B),
                      .factor = e->capacity,
                      .policy = (DropPolicy)e->drop};
}

/* ---- how many rows ---- */

/* Those of a scope: as given, which go round the scopes, or even, of which the rest goes round the ranks that share experts,
 * to the first expert of each, then to the second, and so on: all have as many where it divides by them. */
static int64_t assumed_choices(const BlockRun *run, int64_t choices, int64_t scope, int64_t expert)
{
    const int64_t E = run->shape->experts.count, scopes = load_scopes(run->shape, run->B),
                  held = dispatch_held(run->dispatch, E);
    if (run->load) return run->load[expert] / scopes + (scope < run->load[expert] % scopes);
    return choices / E + (expert % held * run->dispatch->size + expert / held < choices % E);
}

/* Of which of each scope no more are taken than may be. */
static int64_t assumed_count(const BlockRun *run, int64_t choices, int64_t most, int64_t expert)
{
    int64_t count = 0;
    for (int64_t scope = 0; scope < load_scopes(run->shape, run->B); scope++) {
        int64_t here = assumed_choices(run, choices, scope, expert);
        count += here < most ? here : most;
    }
    return count;
}

int64_t routing_room(const GptShape *shape, int64_t B)
{
    const ExpertsShape *e = &shape->experts;
    Capacity capacity = capacity_of(shape, B);
    int64_t choices = B * shape->sequence * e->top_k, taken = choices;
    if (e->capacity > 0) taken = load_scopes(shape, B) * e->count * capacity_taken(&capacity);
    return taken < choices ? taken : choices;
}

/* A token's choices differ, so that an expert has no more of a rank's than it has tokens. */
int64_t routing_room_here(const BlockRun *run, int64_t rows)
{
    const ExpertsShape *e = &run->shape->experts;
    int64_t held = dispatch_held(run->dispatch, e->count), n = block_rows(run);
    if (run->dispatch->size == 1) return routing_room(run->shape, run->B);
    if (e->capacity == 0) return rows;
    Capacity capacity = capacity_of(run->shape, run->B);
    int64_t taken = load_scopes(run->shape, run->B) * held * capacity_taken(&capacity),
            chosen = n * (held < e->top_k ? held : e->top_k);
    return run->dispatch->size * (taken < chosen ? taken : chosen);
}

/* Those that a dry device was given, of a rank. */
static const int32_t *given_of(const BlockRun *run, int64_t rank)
{
    return run->given + rank * run->given_apart;
}

/* Of each expert, of the tokens here, on a dry device. */
static int64_t *assumed_counts(const BlockRun *run)
{
    const ExpertsShape *e = &run->shape->experts;
    const Capacity capacity = capacity_of(run->shape, run->B);
    const int64_t choices = block_rows(run) * e->top_k / load_scopes(run->shape, run->B),
                  most = e->capacity > 0 ? capacity_taken(&capacity) : INT64_MAX;
    int64_t *count = allocate((size_t)e->count * sizeof *count);
    for (int64_t i = 0; i < e->count; i++)
        count[i] = run->given ? given_of(run, run->dispatch->rank)[i] : assumed_count(run, choices, most, i);
    return count;
}

RoutingCounts routing_counts(const BlockRun *run, Tensor counts)
{
    const int64_t E = run->shape->experts.count, all = run->dispatch->size * E;
    if (!counts.data && !run->given) return (RoutingCounts){.rows = assumed_counts(run)};
    int64_t *rows = allocate((size_t)all * sizeof *rows);
    for (int64_t i = 0; i < all; i++) rows[i] = counts.data ? ints(counts)[i] : given_of(run, i / E)[i % E];
    return (RoutingCounts){.rows = rows, .apart = E};
}

/* ---- what is told ---- */

static double entropy_of(Tensor scores, int64_t E)
{
    double sum = 0;
    real *s = allocate((size_t)E * sizeof *s);
    for (int64_t i = 0; i < scores.count; i += E) {
        double all = 0;
        tensor_read(scores, i, E, s);
        for (int64_t e = 0; e < E; e++) all += (double)s[e];
        for (int64_t e = 0; e < E; e++)
            if (s[e] > 0) sum -= (double)s[e] / all * log((double)s[e] / all);
    }
    free(s);
    return sum;
}

double *routing_row(const BlockRun *run, Tensor x)
{
    return x.device->lanes.part == PART_RECOMPUTE ? NULL : run->routing;
}

static void tell(const BlockRun *run, Routing r, int64_t rows, double *to)
{
    const ExpertsShape *e = &run->shape->experts;
    int64_t choices = block_rows(run) * e->top_k;
    if (!to) return;
    to[ROUTING_DROPPED] += (double)(choices - rows);
    if (!r.scores->data) {
        for (int64_t i = 0; i < e->count; i++)
            to[ROUTING_LOAD + i] += run->load ? (double)run->load[i] : (double)choices / (double)e->count;
        return;
    }
    to[ROUTING_ENTROPY] += entropy_of(*r.scores, e->count);
    for (int64_t i = 0; i < choices; i++) to[ROUTING_LOAD + ints(*r.experts)[i]] += 1;
}

/* ---- forward ---- */

static Tensor zeros(Device *device, int64_t count)
{
    Tensor t = tensor_new(device, MEM_WORKSPACE, REAL, count);
    tensor_zero(t);
    return t;
}

static void losses_forward(const BlockRun *run, MemoryCategory kept, Routing r, double *to)
{
    const ExpertsShape *e = &run->shape->experts;
    double load_loss = load_losses_forward(run, kept, *r.scores, *r.experts, r.weights);
    if (to) to[ROUTING_BALANCE_LOSS] += load_loss;
    if (e->z_loss > 0) {
        double loss = z_loss_forward(*r.logits, e->count);
        if (to) to[ROUTING_Z_LOSS] += e->z_loss * loss;
    }
}

/* Which choices an expert takes; without elements: all. */
static Tensor taken_of(const BlockRun *run, Routing r)
{
    Tensor taken = {0};
    if (run->shape->experts.capacity == 0) return taken;
    Capacity c = capacity_of(run->shape, run->B);
    taken = tensor_new(r.experts->device, MEM_WORKSPACE, UINT8, r.experts->count);
    capacity_keep(&c, *r.experts, *r.gates, taken);
    return taken;
}

static int64_t place(const BlockRun *run, MemoryCategory kept, Routing r)
{
    const ExpertsShape *e = &run->shape->experts;
    Device *device = r.experts->device;
    Tensor taken = taken_of(run, r);
    int64_t *counts = assumed_counts(run), own = run->dispatch->rank * e->count;
    permute_counts(*r.experts, taken, e->count, counts);
    lanes_meet(&device->lanes); /* the host sizes what follows by them */
    *r.counts = tensor_new(device, kept, INT32, run->dispatch->size * e->count);
    for (int64_t i = 0; i < e->count && r.counts->data; i++) ints(*r.counts)[own + i] = (int32_t)counts[i];
    for (int64_t i = 0; i < e->count && run->taken; i++) run->taken[i] = (int32_t)counts[i];
    Permutation p = permutation_of_choices(*r.experts, taken, e->top_k, e->count, counts, kept);
    *r.row = p.row;
    tensor_free(&taken);
    free(counts);
    return p.rows;
}

void routing_forward(const BlockRun *run, MemoryCategory kept, Tensor x, Tensor W, Routing r)
{
    const ExpertsShape *e = &run->shape->experts;
    Router router = router_of(e);
    int64_t n = block_rows(run);
    double *to = routing_row(run, x);
    *r.logits = tensor_new(x.device, e->z_loss > 0 ? kept : MEM_WORKSPACE, REAL, n * e->count);
    linear_forward(x, W, (Tensor){0}, *r.logits, n, run->shape->hidden, e->count);
    *r.scores = tensor_new(x.device, kept, REAL, n * e->count);
    router_scores(&router, *r.logits, *r.scores);
    *r.experts = tensor_new(x.device, kept, INT32, n * e->top_k);
    router_choose(&router, *r.scores, run->bias, *r.experts);
    *r.gates = tensor_new(x.device, kept, REAL, n * e->top_k);
    router_gates(&router, *r.scores, *r.experts, *r.gates);
    losses_forward(run, kept, r, to);
    if (e->z_loss == 0) tensor_free(r.logits);
    tell(run, r, place(run, kept, r), to);
}

/* ---- backward ---- */

void routing_backward(const BlockRun *run, Tensor dgates, Routing r)
{
    const ExpertsShape *e = &run->shape->experts;
    Router router = router_of(e);
    double share = run->scale / run->region->size;
    *r.dlogits = zeros(dgates.device, r.scores->count);
    load_losses_backward(run, *r.scores, *r.weights, share, *r.dlogits);
    router_backward(&router, *r.scores, *r.experts, dgates, *r.dlogits);
    if (e->z_loss > 0) z_loss_backward(*r.logits, e->z_loss * share, *r.dlogits, e->count);
    Tensor *read[] = {r.logits, r.scores, r.experts, r.gates, r.weights};
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) tensor_free(read[i]);
}
