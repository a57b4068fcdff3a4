/* routing_record.c - loads and losses added up, and what follows from them. */
#include "sim/run/routing_record.h"
#include <math.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"
#include "sim/file/step_record.h"
#include "sim/run/rows.h"

/* Of the replicas, each layer on the stage that has it; the others of a tensor group have routed the same tokens. */
static double *sum_of(const Trainer *t, const Group *world, const double *all)
{
    size_t count = step_record_routing(&t->config->model.shape) / sizeof *all;
    double *sum = allocate_zeroed(count, sizeof *sum);
    for (size_t k = 0; k < (size_t)group_walks(world); k++) {
        if (mesh_place(t->mesh.shape, group_walked(world, (int)k)).tensor > 0) continue;
        for (size_t i = 0; i < count; i++) sum[i] += rows_stand_for(world, k) * all[k * count + i];
    }
    return sum;
}

/* Of the batch, in all whose microbatches a dry device has the same. */
static double assumed(const int64_t *load, size_t expert, const Config *c)
{
    const ExpertsShape *e = &c->model.shape.experts;
    double choices = (double)(c->train.global_batch * c->model.shape.sequence * e->top_k);
    if (!load) return choices / (double)e->count;
    return (double)load[expert] * (double)(c->train.global_batch / c->train.microbatch);
}

/* A layer's, of its sums. A dry device has walked some of the microbatches, all alike: of these drops are the share.
 * `load`: what it assumes (E). */
static void fill_layer(RoutingRow *row, size_t layer, const double *sum, const Config *c, bool dry,
                       const int64_t *load_assumed)
{
    const ExpertsShape *e = &c->model.shape.experts;
    size_t E = (size_t)e->count;
    double *load = row->load + layer * E, all = 0, most = 0, *bias = row->bias ? row->bias + layer * E : NULL;
    double tokens = (double)(c->train.global_batch * c->model.shape.sequence),
           choices = tokens * (double)e->top_k;
    for (size_t i = 0; i < E; i++) all += sum[ROUTING_LOAD + i];
    for (size_t i = 0; i < E; i++) {
        load[i] = dry ? assumed(load_assumed, i, c) : sum[ROUTING_LOAD + i];
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
    size_t bytes = step_record_routing(shape), layers = (size_t)layers_with_experts(shape, 1, shape->layers),
           E = (size_t)shape->experts.count, found = 0;
    RoutingRecord r = {.values = NULL};
    if (!t->routing) return r;
    bool main = world->rank == 0;
    double *all = main ? allocate((size_t)group_walks(world) * bytes) : NULL;
    gather(world, CONTROL, t->routing, bytes, all, 0);
    if (!main) return r;
    double *sum = sum_of(t, world, all);
    r.values = allocate(layers * (2 * E + 4) * sizeof *r.values);
    r.row.load = r.values;
    r.row.imbalance = r.row.load + layers * E;
    r.row.dropped = r.row.imbalance + layers;
    r.row.entropy = r.row.dropped + layers;
    r.row.moved = r.row.entropy + layers;
    r.row.bias = has_expert_bias(shape) ? r.row.moved + layers : NULL;
    for (int64_t layer = 1; layer <= shape->layers; layer++)
        if (has_experts(shape, layer))
            fill_layer(&r.row, found++, sum + (layer - 1) * routing_width(&shape->experts), t->config,
                       t->device.dry, t->load ? t->load + (layer - 1) * shape->experts.count : NULL);
    free(sum);
    free(all);
    return r;
}

void routing_record_free(RoutingRecord *r)
{
    free(r->values);
}
