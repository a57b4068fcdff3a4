/* batch_loads.c - counts, their sum over the replicas, and each layer's weights. */
#include "sim/run/batch_loads.h"
#include <stdlib.h>
#include "models/layers/load_losses.h"
#include "models/layers/routing.h"
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"

/* Of layer 1..L. */
static bool is_here(const Gpt *gpt, int64_t layer)
{
    return has_experts(&gpt->shape, layer) && gpt->unit[gpt->layer[layer].unit[BLOCK_OWN]].held;
}

static void view_layers(BatchLoads *b, int64_t samples)
{
    const GptShape *shape = &b->gpt->shape;
    int64_t E = shape->experts.count, each = batch_load_counts(shape), at = 0;
    for (int64_t layer = 1; layer <= shape->layers; layer++) {
        if (!is_here(b->gpt, layer)) continue;
        b->layer[layer - 1] = (BatchLoad){.tokens = samples * shape->sequence,
                                          .load = tensor_view(b->counts, at * each, E),
                                          .sent = tensor_view(b->counts, at * each + E, each - E),
                                          .probability = tensor_view(b->probability, at * E, E),
                                          .weights = tensor_view(b->weights, at * E, E)};
        at++;
    }
}

void batch_loads_make(BatchLoads *b, const Gpt *gpt, int64_t samples, Device *device)
{
    const GptShape *shape = &gpt->shape;
    int64_t E = shape->experts.count, layers = 0;
    *b = (BatchLoads){.gpt = gpt};
    if (!has_batch_load(shape)) return;
    b->layer = allocate_zeroed((size_t)shape->layers, sizeof *b->layer);
    for (int64_t layer = 1; layer <= shape->layers; layer++) layers += is_here(gpt, layer);
    if (!layers) return;
    b->counts = tensor_new(device, MEM_ACTIVATIONS, INT32, layers * batch_load_counts(shape));
    b->probability = tensor_new(device, MEM_ACTIVATIONS, REAL, layers * E);
    b->weights = tensor_new(device, MEM_ACTIVATIONS, REAL, layers * E);
    tensor_zero(b->counts);
    tensor_zero(b->probability);
    view_layers(b, samples);
}

void batch_loads_free(BatchLoads *b)
{
    tensor_free(&b->counts);
    tensor_free(&b->probability);
    tensor_free(&b->weights);
    free(b->layer);
    *b = (BatchLoads){.gpt = NULL};
}

void batch_loads_sum(BatchLoads *b, const Mesh *mesh, double *routing)
{
    const GptShape *shape = &b->gpt->shape;
    Collective ring;
    if (b->counts.count == 0) return;
    ring_all_reduce_begin(&ring, mesh->data_group, MOE_LOAD, &b->counts, 1);
    ring_end(&ring);
    for (int64_t layer = 1; layer <= shape->layers; layer++)
        if (is_here(b->gpt, layer))
            routing[(layer - 1) * routing_width(&shape->experts) + ROUTING_BALANCE_LOSS] +=
                batch_load_weights(shape, &b->layer[layer - 1]);
    tensor_zero(b->counts);
    tensor_zero(b->probability);
}
