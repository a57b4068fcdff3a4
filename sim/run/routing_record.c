/* routing_record.c - loads and losses added up, and what follows from them. */
#include "sim/run/routing_record.h"
#include <math.h>
#include <stdlib.h>
#include "models/layers/routing.h"
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"
#include "sim/file/step_record.h"
#include "sim/run/rows.h"

/* ---- rows by replica and microbatch ---- */

/* Where those of a layer, which counts from 1, are told of a microbatch (E). */
static int64_t told_at(const Trainer *t, int microbatch, int64_t layer)
{
    const GptShape *shape = &t->config->model.shape;
    return (microbatch * shape->layers + layer - 1) * shape->experts.count;
}

/* Adds what a rank told to its replica's: of layers of other stages it has told nothing. */
static void add_told(const Trainer *t, const int32_t *told, int replica, int32_t *rows)
{
    const GptShape *shape = &t->config->model.shape;
    const size_t E = (size_t)shape->experts.count, m = (size_t)t->microbatches, dp = (size_t)t->mesh.shape.dp;
    int32_t *to = rows + (size_t)replica * m * E;
    for (int64_t layer = 1; layer <= shape->layers; layer++) {
        if (!has_experts(shape, layer)) continue;
        for (int k = 0; k < t->microbatches; k++)
            for (size_t e = 0; e < E; e++) to[(size_t)k * E + e] += told[told_at(t, k, layer) + (int64_t)e];
        to += dp * m * E;
    }
}

/* Main only: what ranks tell, added up as it arrives. */
typedef struct Told {
    const Trainer *trainer;
    const Group *world;
    double *sum;   /* step_record_sums() */
    int32_t *rows; /* [layer][replica][microbatch][expert]; NULL: they are not recorded */
} Told;

static Told told_new(const Trainer *t, const Group *world)
{
    const size_t rows = step_record_rows_of_all(t->config, t->comm->size);
    Told told = {.trainer = t, .world = world};
    told.sum = allocate_zeroed(step_record_sums(&t->config->model.shape), sizeof *told.sum);
    if (t->taken) told.rows = allocate_zeroed(rows, sizeof *told.rows);
    return told;
}

/* What one of the walked tells, for all that it stands for: each layer is told of on the stage that has it, and the others
 * of a tensor group have routed the same tokens. */
static void take_in(void *context, int report, const void *piece)
{
    Told *told = context;
    const Trainer *t = told->trainer;
    const size_t sums = step_record_sums(&t->config->model.shape);
    const double *sum = piece;
    const int first = group_walked(told->world, report), ranks = rows_stand_for(told->world, (size_t)report);
    if (mesh_place(t->mesh.shape, first).tensor > 0) return;
    for (size_t i = 0; i < sums; i++) told->sum[i] += ranks * sum[i];
    for (int rank = first; rank < first + ranks && told->rows; rank++) {
        MeshPlace p = mesh_place(t->mesh.shape, rank);
        if (p.tensor == 0) add_told(t, (const void *)(sum + sums), p.data, told->rows);
    }
}

/* Those of one microbatch have been told where all are alike. */
static void tell_of_all(const Trainer *t)
{
    const GptShape *shape = &t->config->model.shape;
    const int64_t each = shape->layers * shape->experts.count;
    for (int64_t i = each; t->taken && trainer_alike(t) && i < t->microbatches * each; i++)
        t->taken[i] = t->taken[i - each];
}

/* ---- and all together ---- */

/* Of the batch, in all whose microbatches a dry device has the same, unless it has been given a run's. */
static double assumed(const AssumedLoad *a, int64_t layer, size_t expert, const Config *c)
{
    const ExpertsShape *e = &c->model.shape.experts;
    double choices = (double)(c->train.global_batch * c->model.shape.sequence * e->top_k);
    size_t at = (size_t)((layer - 1) * e->count) + expert;
    if (a && a->chosen) return a->chosen[at];
    if (!a || !a->load) return choices / (double)e->count;
    return (double)a->load[at] * ((double)c->train.global_batch / (double)c->train.microbatch);
}

/* Of a layer of the model, which counts from 1, as the `layer`-th with experts, of its sums. A dry device has walked some of
 * the microbatches, all alike: of these drops are the share. */
static void fill_layer(RoutingRow *row, size_t layer, int64_t of_model, const double *sum, const Trainer *t)
{
    const Config *c = t->config;
    const bool dry = t->device.dry;
    const ExpertsShape *e = &c->model.shape.experts;
    size_t E = (size_t)e->count;
    double *load = row->load + layer * E, all = 0, most = 0, *bias = row->bias ? row->bias + layer * E : NULL;
    double tokens = (double)(c->train.global_batch * c->model.shape.sequence),
           choices = tokens * (double)e->top_k;
    for (size_t i = 0; i < E; i++) all += sum[ROUTING_LOAD + i];
    /* To the last bit, as told are means; a rank that stands for its tensor group tells for each of that. */
    if (t->assumed && t->assumed->rows) all = choices * rint(all / choices);
    for (size_t i = 0; i < E; i++) {
        load[i] = dry ? assumed(t->assumed, of_model, i, c) : sum[ROUTING_LOAD + i];
        most = fmax(most, load[i]);
        if (bias) bias[i] = dry ? (double)NAN : sum[routing_bias(e) + (int64_t)i];
    }
    row->imbalance[layer] = most / (choices / (double)E);
    row->dropped[layer] = sum[ROUTING_DROPPED] / all;
    row->moved[layer] = rint(sum[ROUTING_SENT] * (choices / all));
    row->entropy[layer] = dry ? (double)NAN : sum[ROUTING_ENTROPY] / tokens;
    row->balance_loss += dry ? (double)NAN : sum[ROUTING_BALANCE_LOSS] / tokens;
    row->z_loss += dry ? (double)NAN : sum[ROUTING_Z_LOSS] / tokens;
}

RoutingRecord routing_record_gather(const Trainer *t, Group *world)
{
    const GptShape *shape = &t->config->model.shape;
    size_t bytes = step_record_routing(t->config, world->size),
           layers = (size_t)layers_with_experts(shape, 1, shape->layers), E = (size_t)shape->experts.count,
           found = 0;
    RoutingRecord r = {.values = NULL};
    if (!t->routing) return r;
    bool main = world->rank == 0;
    tell_of_all(t);
    Told told = main ? told_new(t, world) : (Told){.sum = NULL};
    /* of many experts it is too much of all ranks to lie in memory together */
    (t->device.dry ? gather_lent : gather_each)(world, CONTROL, t->routing, bytes, take_in, &told, 0);
    if (!main) return r;
    r.row.rows = r.rows = told.rows;
    r.values = allocate(layers * (2 * E + 4) * sizeof *r.values);
    r.row.load = r.values;
    r.row.imbalance = r.row.load + layers * E;
    r.row.dropped = r.row.imbalance + layers;
    r.row.entropy = r.row.dropped + layers;
    r.row.moved = r.row.entropy + layers;
    r.row.bias = has_expert_bias(shape) ? r.row.moved + layers : NULL;
    for (int64_t layer = 1; layer <= shape->layers; layer++)
        if (has_experts(shape, layer))
            fill_layer(&r.row, found++, layer, told.sum + (layer - 1) * routing_width(&shape->experts), t);
    free(told.sum);
    return r;
}

void routing_record_free(RoutingRecord *r)
{
    free(r->values);
    free(r->rows);
}
