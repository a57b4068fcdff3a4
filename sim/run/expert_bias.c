/* expert_bias.c - counts, their sum over the replicas, and a step of each layer's bias by them. */
#include "sim/run/expert_bias.h"
#include <stdlib.h>
#include "models/kernels/balance.h"
#include "models/layers/routing.h"
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"

static bool is_here(const Gpt *gpt, int buffer)
{
    return gpt->unit[gpt->buffer[buffer].unit].held;
}

void expert_bias_make(ExpertBias *b, const Gpt *gpt, Device *device)
{
    int64_t E = gpt->shape.experts.count, layers = 0;
    *b = (ExpertBias){.gpt = gpt};
    if (!gpt->buffers) return;
    b->each = allocate_zeroed((size_t)gpt->buffers, sizeof *b->each);
    for (int i = 0; i < gpt->buffers; i++) layers += is_here(gpt, i);
    if (!layers) return;
    b->all = tensor_new(device, MEM_PARAMETERS, REAL, layers * E);
    tensor_zero(b->all);
    for (int i = 0, at = 0; i < gpt->buffers; i++)
        if (is_here(gpt, i)) b->each[i] = tensor_view(b->all, at++ * E, E);
}

void expert_bias_free(ExpertBias *b)
{
    tensor_free(&b->all);
    tensor_free(&b->load);
    free(b->each);
    *b = (ExpertBias){.gpt = NULL};
}

/* The next layer here after `layer` that has one, or 0; and its row. */
static int64_t next_here(const ExpertBias *b, int64_t layer)
{
    const Gpt *gpt = b->gpt;
    while (++layer <= gpt->shape.layers) {
        int buffer = gpt->layer[layer].buffer;
        if (buffer >= 0 && is_here(gpt, buffer)) return layer;
    }
    return 0;
}

static double *row_of(const ExpertBias *b, double *routing, int64_t layer)
{
    return routing + (layer - 1) * routing_width(&b->gpt->shape.experts);
}

/* As they lie in `all`. */
static void count(const ExpertBias *b, double *routing, Tensor load)
{
    int64_t E = b->gpt->shape.experts.count, at = 0;
    for (int64_t layer = 0; load.data && (layer = next_here(b, layer));)
        for (int64_t e = 0; e < E; e++)
            ints(load)[at++] = (int32_t)row_of(b, routing, layer)[ROUTING_LOAD + e];
}

static void tell(const ExpertBias *b, double *routing)
{
    const ExpertsShape *shape = &b->gpt->shape.experts;
    int64_t at = 0;
    for (int64_t layer = 0; b->all.data && (layer = next_here(b, layer));)
        for (int64_t e = 0; e < shape->count; e++)
            row_of(b, routing, layer)[routing_bias(shape) + e] = (double)reals(b->all)[at++];
}

void expert_bias_sum(ExpertBias *b, const Mesh *mesh, double *routing)
{
    if (b->all.count == 0) return;
    Collective ring;
    b->load = tensor_new(b->all.device, MEM_COMMUNICATION, INT32, b->all.count);
    count(b, routing, b->load);
    ring_all_reduce_begin(&ring, mesh->data_group, MOE_LOAD, &b->load, 1);
    ring_end(&ring);
}

void expert_bias_step(ExpertBias *b, const Mesh *mesh, bool skipped, double *routing)
{
    const ExpertsShape *shape = &b->gpt->shape.experts;
    for (int64_t i = 0; i < b->all.count && !skipped; i += shape->count)
        balance_bias(tensor_view(b->all, i, shape->count), tensor_view(b->load, i, shape->count),
                     shape->bias_step);
    tensor_free(&b->load);
    if (mesh->place.data == 0) tell(b, routing);
}
