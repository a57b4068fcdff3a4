/* gpt.c - the first layer, the last, and the walk through the layers of a stage. */
#include "models/layers/gpt.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"

static bool is_head(const Gpt *gpt, int layer)
{
    return layer == gpt->shape.layers + 1;
}

static int final_unit(const Gpt *gpt)
{
    return UNIT_BLOCKS + (int)gpt->shape.layers;
}

/* Units layer l reads, in the order backward completes them. */
static int units_of(const Gpt *gpt, int layer, int units[2])
{
    int n = 0;
    if (is_head(gpt, layer) && gpt->head_embedding >= 0) units[n++] = gpt->head_embedding;
    units[n++] = layer + 1;
    if (layer == 0) units[n++] = UNIT_WTE;
    return n;
}

static void for_units(Gpt *gpt, int layer, void (*hook)(void *context, int unit))
{
    int units[2], n = units_of(gpt, layer, units);
    for (int i = 0; i < n; i++) hook(gpt->hooks.context, units[i]);
}

/* The same, but passing over a unit that embedding and head share at layer `not_at`, one of the two. */
static void for_units_once(Gpt *gpt, int layer, int not_at, void (*hook)(void *context, int unit))
{
    int units[2], n = units_of(gpt, layer, units);
    for (int i = 0; i < n; i++)
        if (layer != not_at || units[i] != gpt->head_embedding || units[i] != UNIT_WTE)
            hook(gpt->hooks.context, units[i]);
}

/* ---- the first layer: vocabulary-parallel embedding ---- */

/* What is dropped at `layer` in a microbatch. */
static Dropout dropout_of(const Gpt *gpt, const GptSaved *saved, int layer)
{
    Dropout d = gpt->dropout;
    d.layer = layer;
    d.first_sample = saved->first_sample;
    return d;
}

static Tensor embed(Gpt *gpt, GptSaved *saved)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, rows = region_rows(&gpt->region, T), B = saved->B;
    int64_t first = region_first_row(&gpt->region, T);
    Tensor x = tensor_new(gpt->device, MEM_ACTIVATIONS, gpt->dtype, B * rows * C);
    Tensor part = region_result(&gpt->region, x);
    embedding_forward(saved->tokens, gpt->unit[UNIT_WTE].weights, gpt->region.rank * gpt->vocab_cut,
                      gpt->vocab_cut, part, B, T, C);
    region_leave(&gpt->region, part, x, B);
    region_release(&gpt->region, &part);
    if (gpt->shape.position == POSITION_LEARNED)
        position_forward(gpt->unit[UNIT_WPE].weights, first, x, B, rows, C);
    if (gpt->shape.position == POSITION_SINUSOIDAL) sinusoidal_forward(first, x, B, rows, C);
    if (gpt->dropout.rate > 0) {
        Dropout d = dropout_of(gpt, saved, 0);
        saved->mask = tensor_new(gpt->device, MEM_ACTIVATIONS, UINT8, x.count);
        dropout_forward(&d, x, saved->mask, x, B, first, rows, T, C);
    }
    return x;
}

static void embed_backward(Gpt *gpt, GptSaved *saved)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, B = saved->B;
    Tensor dx = saved->dx_embedding;
    if (gpt->dropout.rate > 0) dropout_backward(gpt->dropout.rate, dx, saved->mask, dx);
    tensor_free(&saved->mask);
    if (gpt->shape.position == POSITION_LEARNED)
        position_backward(dx, gpt->unit[UNIT_WPE].gradients, region_first_row(&gpt->region, T), B,
                          region_rows(&gpt->region, T), C);
    if (gpt->shape.position == POSITION_SINUSOIDAL) sinusoidal_backward(dx, C);
    Tensor whole = region_leave_backward(&gpt->region, dx, B);
    embedding_backward(saved->tokens, whole, gpt->unit[UNIT_WTE].gradients, gpt->region.rank * gpt->vocab_cut,
                       gpt->vocab_cut, B, T, C);
    region_release(&gpt->region, &whole);
    tensor_free(&saved->dx_embedding);
}

/* ---- the last layer: norm, vocabulary-parallel head and cross-entropy ---- */

static int64_t final_norm_count(const Gpt *gpt)
{
    return gpt->shape.hidden * (gpt->shape.norm == NORM_LAYERNORM ? 2 : 1);
}

static Tensor head_weight(const Gpt *gpt, bool gradient)
{
    bool tied = gpt->head_embedding >= 0;
    const Unit *u = &gpt->unit[tied ? gpt->head_embedding : final_unit(gpt)];
    Tensor flat = gradient ? u->gradients : u->weights;
    return tensor_view(flat, tied ? 0 : final_norm_count(gpt), gpt->vocab_cut * gpt->shape.hidden);
}

/* The final norm's gain or bias, in its unit's weights or gradients; RMSNorm's bias has no elements. */
static Tensor final_norm(const Gpt *gpt, Tensor flat, BranchTensor which)
{
    int64_t C = gpt->shape.hidden;
    return which == NORM_GAIN ? tensor_view(flat, 0, C) : tensor_view(flat, C, final_norm_count(gpt) - C);
}

/* How many of this rank's columns are tokens; the rest pads the vocabulary. */
static int64_t columns_used(const Gpt *gpt)
{
    int64_t left = gpt->shape.vocab - gpt->region.rank * gpt->vocab_cut;
    return left < 0 ? 0 : left < gpt->vocab_cut ? left : gpt->vocab_cut;
}

static double head_forward(Gpt *gpt, Tensor x, GptSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->vocab_cut, B = saved->B, n = B * T;
    Tensor flat = gpt->unit[final_unit(gpt)].weights;
    saved->x = x;
    saved->norm = tensor_new(gpt->device, MEM_ACTIVATIONS, x.dtype, x.count);
    norm_forward(gpt->shape.norm, x, final_norm(gpt, flat, NORM_GAIN), final_norm(gpt, flat, NORM_BIAS),
                 saved->norm, x.count / C, C);
    saved->probabilities = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, n * V);
    Tensor whole = region_enter(region, saved->norm, B);
    matmul(false, true, n, V, C, whole, head_weight(gpt, false), 0, saved->probabilities);
    region_release(region, &whole);

    /* no rank ever has all columns: three numbers a position tell the others what they need */
    Tensor all = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 3 * n * region->size);
    cross_entropy_statistics(saved->probabilities, saved->tokens,
                             tensor_view(all, 3 * n * region->rank, 3 * n), region->rank, columns_used(gpt),
                             B, T, V);
    if (region->size > 1) region->ops->gather_all(region->context, all);
    double loss = cross_entropy_forward(saved->probabilities, all, region->size, region->rank, n, V);
    tensor_free(&all);
    return loss;
}

/* Returns dx (B, T', C), the caller's to free. The norm's own gradients wait in saved->final_norm. */
static Tensor head_backward_input(Gpt *gpt, GptSaved *saved, double scale)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->vocab_cut, B = saved->B, n = B * T;
    cross_entropy_backward(saved->probabilities, saved->tokens, scale, region->rank, B, T, V);
    Tensor dlogits = saved->probabilities;
    Tensor dnorm = tensor_new(gpt->device, MEM_WORKSPACE, saved->norm.dtype, saved->norm.count);
    Tensor dwhole = region_result(region, dnorm);
    matmul(false, false, n, C, V, dlogits, head_weight(gpt, false), 0, dwhole);
    region_enter_backward(region, dwhole, dnorm, B);
    region_release(region, &dwhole);
    Tensor dx = tensor_new(gpt->device, MEM_WORKSPACE, saved->x.dtype, saved->x.count);
    tensor_zero(dx);
    saved->final_norm = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 2 * C);
    tensor_zero(saved->final_norm);
    norm_backward(
        gpt->shape.norm, dnorm, saved->x, final_norm(gpt, gpt->unit[final_unit(gpt)].weights, NORM_GAIN), dx,
        tensor_view(saved->final_norm, 0, C), tensor_view(saved->final_norm, C, C), saved->x.count / C, C);
    tensor_free(&dnorm);
    tensor_free(&saved->x);
    return dx;
}

static void head_backward_weights(Gpt *gpt, GptSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, V = gpt->vocab_cut, B = saved->B, n = B * gpt->shape.sequence;
    Tensor whole = region_enter(region, saved->norm, B);
    matmul(true, false, V, C, n, saved->probabilities, whole, 1, head_weight(gpt, true));
    region_release(region, &whole);
    int64_t count = final_norm_count(gpt);
    tensor_add(tensor_view(gpt->unit[final_unit(gpt)].gradients, 0, count),
               tensor_view(saved->final_norm, 0, count));
    tensor_free(&saved->final_norm);
    tensor_free(&saved->probabilities);
    tensor_free(&saved->norm);
}

/* ---- the walk ---- */

static BlockRun run_of(const Gpt *gpt, const GptSaved *saved, int layer)
{
    return (BlockRun){.shape = &gpt->shape,
                      .region = &gpt->region,
                      .recompute = gpt->recompute,
                      .B = saved->B,
                      .dropout = dropout_of(gpt, saved, layer)};
}

Tensor gpt_forward(Gpt *gpt, int stage, int64_t B, int64_t first_sample, Tensor tokens, Tensor x,
                   GptSaved *saved, double *loss)
{
    const GptStage *s = &gpt->stage[stage];
    *saved = (GptSaved){.stage = stage, .B = B, .first_sample = first_sample, .tokens = tokens};
    saved->block = allocate_zeroed((size_t)(s->last - s->first) + 1, sizeof *saved->block);
    for (int layer = s->first; layer <= s->last; layer++) {
        for_units(gpt, layer, gpt->hooks.need);
        if (layer < s->last) for_units(gpt, layer + 1, gpt->hooks.prefetch);
        if (layer == 0) {
            x = embed(gpt, saved);
        } else if (is_head(gpt, layer)) {
            *loss = head_forward(gpt, x, saved);
            x = (Tensor){0};
        } else {
            BlockRun run = run_of(gpt, saved, layer);
            BlockParameters p = block_parameters(&gpt->shape, gpt->region.size, gpt->unit[layer + 1].weights);
            x = block_forward(&run, layer < s->last ? MEM_ACTIVATIONS : MEM_COMMUNICATION, &p, x,
                              &saved->block[layer - s->first]);
        }
        for_units(gpt, layer, gpt->hooks.done);
    }
    return x;
}

static void block_halves(Gpt *gpt, int layer, GptSaved *saved, Halves halves, Tensor dx)
{
    const Unit *u = &gpt->unit[layer + 1];
    BlockRun run = run_of(gpt, saved, layer);
    BlockSaved *block = &saved->block[layer - gpt->stage[saved->stage].first];
    BlockParameters p = {0}, d = {0};
    if (halves & HALF_INPUT) p = block_parameters(&gpt->shape, gpt->region.size, u->weights);
    if (halves & HALF_WEIGHTS) d = block_parameters(&gpt->shape, gpt->region.size, u->gradients);
    if (halves == HALF_BOTH)
        block_backward(&run, &p, &d, block, dx);
    else if (halves == HALF_INPUT)
        block_backward_input(&run, &p, block, dx);
    else
        block_backward_weight(&run, &d, block);
}

/* Turns dx from the gradient of the layer's output into that of its input. */
static void layer_backward(Gpt *gpt, int layer, GptSaved *saved, Halves halves, double scale, Tensor *dx)
{
    if (layer == 0) { /* all of it is the weights' half */
        if (halves & HALF_INPUT) saved->dx_embedding = *dx;
        if (halves & HALF_WEIGHTS) embed_backward(gpt, saved);
        *dx = (Tensor){0};
    } else if (is_head(gpt, layer)) {
        if (halves & HALF_INPUT) *dx = head_backward_input(gpt, saved, scale);
        if (halves & HALF_WEIGHTS) head_backward_weights(gpt, saved);
    } else {
        block_halves(gpt, layer, saved, halves, *dx);
    }
}

Tensor gpt_backward(Gpt *gpt, GptSaved *saved, Halves halves, double scale, Tensor dy)
{
    const GptStage *s = &gpt->stage[saved->stage];
    const GptHooks *hooks = &gpt->hooks;
    for (int layer = s->last; layer >= s->first; layer--) {
        /* only the input's half reads parameters, and the embedding has no such half */
        bool reads = halves & HALF_INPUT && layer > 0;
        if (reads) for_units(gpt, layer, hooks->need);
        if (reads && layer - 1 >= s->first && layer > 1) for_units(gpt, layer - 1, hooks->prefetch);
        if (halves & HALF_WEIGHTS) for_units_once(gpt, layer, 0, hooks->gradient_begin);
        layer_backward(gpt, layer, saved, halves, scale, &dy);
        if (reads) for_units(gpt, layer, hooks->done);
        if (halves & HALF_WEIGHTS)
            for_units_once(gpt, layer, (int)gpt->shape.layers + 1, hooks->gradient_ready);
    }
    if (halves == HALF_INPUT) { /* what waits for the other half is kept as activations are */
        tensor_rebook(&saved->dx_embedding, MEM_ACTIVATIONS);
        tensor_rebook(&saved->final_norm, MEM_ACTIVATIONS);
        return dy;
    }
    tensor_free(&saved->tokens);
    free(saved->block);
    saved->block = NULL;
    return dy;
}
