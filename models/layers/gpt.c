/* gpt.c - the walk through the layers of a stage. */
#include "models/layers/gpt.h"
#include <stdlib.h>
#include <string.h>
#include "models/layers/routing.h"
#include "models/machine/error.h"

static bool is_head(const Gpt *gpt, int layer)
{
    return layer == gpt->shape.layers + 1;
}

/* ---- the holes ---- */

static LayerTensors need(const Gpt *gpt, const GptPass *pass, int layer)
{
    const GptLayer *l = &gpt->layer[layer];
    LayerTensors w = {0};
    for (int i = l->units - 1; i >= 0; i--)
        w.unit[i] = pass->hooks->need(pass->hooks->context, pass->microbatch, l->unit[i]);
    return w;
}

static void tell(const Gpt *gpt, const GptPass *pass, int layer,
                 void (*hook)(void *context, int microbatch, int unit))
{
    const GptLayer *l = &gpt->layer[layer];
    for (int i = l->units - 1; i >= 0; i--) hook(pass->hooks->context, pass->microbatch, l->unit[i]);
}

/* A layer's tensors in backward: weights for the input's half, gradients for the weights'. */
typedef struct Operands {
    LayerTensors weights, gradients;
    Tensor shared; /* a gradient that begins at the head and is ready at the embedding */
} Operands;

/* By head and embedding. */
static bool shares(const Gpt *gpt, int unit)
{
    return unit == UNIT_WTE && gpt->head_embedding == UNIT_WTE;
}

static void gradients_begin(const Gpt *gpt, const GptPass *pass, int layer, Operands *o)
{
    const GptLayer *l = &gpt->layer[layer];
    for (int i = l->units - 1; i >= 0; i--) {
        bool shared = shares(gpt, l->unit[i]);
        Tensor *d = &o->gradients.unit[i];
        *d = shared && layer == 0
                 ? o->shared
                 : pass->hooks->gradient_begin(pass->hooks->context, pass->microbatch, l->unit[i]);
        if (shared) {
            o->shared = *d;
            o->shared.blank = false; /* once the head has added to it */
        }
    }
}

static void gradients_ready(const Gpt *gpt, const GptPass *pass, int layer)
{
    const GptLayer *l = &gpt->layer[layer];
    for (int i = l->units - 1; i >= 0; i--)
        if (!is_head(gpt, layer) || !shares(gpt, l->unit[i]))
            pass->hooks->gradient_ready(pass->hooks->context, pass->microbatch, l->unit[i]);
}

/* ---- the walk ---- */

/* What is dropped at `layer` in a microbatch. */
static Dropout dropout_of(const Gpt *gpt, const GptSaved *saved, int layer)
{
    return (Dropout){.rate = gpt->shape.dropout,
                     .seed = gpt->seed,
                     .step = saved->pass.step,
                     .layer = layer,
                     .first_sample = saved->pass.first_sample};
}

/* `scale`: backward's. */
static BlockRun run_of(const Gpt *gpt, const GptSaved *saved, int layer, double scale)
{
    double *routing = saved->pass.routing;
    const int64_t *load = saved->pass.load, before = (layer - 1) * gpt->shape.experts.count;
    const int32_t *given = saved->pass.given;
    const BatchLoad *batch = saved->pass.batch;
    int32_t *taken = saved->pass.taken;
    const Tensor *bias = gpt->layer[layer].buffer >= 0 ? saved->pass.bias : NULL;
    return (BlockRun){.shape = &gpt->shape,
                      .block = gpt->layer[layer].layout->block,
                      .region = &gpt->region,
                      .dispatch = &gpt->dispatch,
                      .recompute = gpt->recompute,
                      .B = saved->pass.B,
                      .dropout = dropout_of(gpt, saved, layer),
                      .scale = scale,
                      .routing = routing ? routing + (layer - 1) * routing_width(&gpt->shape.experts) : NULL,
                      .taken = taken ? taken + before : NULL,
                      .load = load ? load + before : NULL,
                      .given = given ? given + before : NULL,
                      .given_apart = gpt->shape.layers * gpt->shape.experts.count,
                      .bias = bias ? bias[gpt->layer[layer].buffer] : (Tensor){0},
                      .batch = batch ? &batch[layer - 1] : NULL};
}

static BlockParameters tensors_of(const Gpt *gpt, int layer, const LayerTensors *t)
{
    return block_parameters(gpt->layer[layer].layout, t->unit);
}

Tensor gpt_forward(const Gpt *gpt, const GptPass *pass, Tensor tokens, Tensor x, GptSaved *saved,
                   double *loss)
{
    const GptStage *s = &gpt->stage[pass->stage];
    *saved = (GptSaved){.pass = *pass, .tokens = tokens};
    saved->block = allocate_zeroed((size_t)(s->last - s->first) + 1, sizeof *saved->block);
    for (int layer = s->first; layer <= s->last; layer++) {
        LayerTensors w = need(gpt, pass, layer);
        if (layer < s->last) tell(gpt, pass, layer + 1, pass->hooks->prefetch);
        if (layer == 0) {
            x = embed_forward(gpt, w, saved->tokens, dropout_of(gpt, saved, 0), &saved->embedding);
        } else if (is_head(gpt, layer)) {
            *loss = head_forward(gpt, w, saved->tokens, x, &saved->head);
            x = (Tensor){0};
        } else {
            BlockRun run = run_of(gpt, saved, layer, 0);
            BlockParameters p = tensors_of(gpt, layer, &w);
            x = block_forward(&run, layer < s->last ? MEM_ACTIVATIONS : MEM_COMMUNICATION, &p, x,
                              &saved->block[layer - s->first]);
        }
        tell(gpt, pass, layer, pass->hooks->done);
    }
    return x;
}

static void block_halves(const Gpt *gpt, int layer, const Operands *o, GptSaved *saved, Halves halves,
                         double scale, Tensor dx)
{
    BlockRun run = run_of(gpt, saved, layer, scale);
    BlockSaved *block = &saved->block[layer - gpt->stage[saved->pass.stage].first];
    BlockParameters p = {0}, d = {0};
    if (halves & HALF_INPUT) p = tensors_of(gpt, layer, &o->weights);
    if (halves & HALF_WEIGHTS) d = tensors_of(gpt, layer, &o->gradients);
    if (halves == HALF_BOTH)
        block_backward(&run, &p, &d, block, dx);
    else if (halves == HALF_INPUT)
        block_backward_input(&run, &p, block, dx);
    else
        block_backward_weight(&run, &d, block);
}

/* dx: from the gradient of the layer's output to that of its input. */
static Tensor layer_backward(const Gpt *gpt, int layer, const Operands *o, GptSaved *saved, Halves halves,
                             double scale, Tensor dx)
{
    if (layer == 0) { /* all of it is the weights' half */
        if (halves & HALF_INPUT) saved->embedding.dx = dx;
        if (halves & HALF_WEIGHTS) embed_backward(gpt, o->gradients, saved->tokens, &saved->embedding);
        return (Tensor){0};
    }
    if (is_head(gpt, layer)) {
        if (halves == HALF_BOTH)
            dx = head_backward(gpt, o->weights, o->gradients, saved->tokens, scale, &saved->head);
        else if (halves == HALF_INPUT)
            dx = head_backward_input(gpt, o->weights, saved->tokens, scale, &saved->head);
        else
            head_backward_weights(gpt, o->gradients, &saved->head);
    } else {
        block_halves(gpt, layer, o, saved, halves, scale, dx);
    }
    return dx;
}

Tensor gpt_backward(const Gpt *gpt, GptSaved *saved, Halves halves, double scale, Tensor dy)
{
    const GptPass *pass = &saved->pass;
    const GptStage *s = &gpt->stage[pass->stage];
    Operands o = {0};
    for (int layer = s->last; layer >= s->first; layer--) {
        /* only the input's half reads parameters, and the embedding has no such half */
        bool reads = halves & HALF_INPUT && layer > 0;
        if (reads) o.weights = need(gpt, pass, layer);
        if (reads && layer - 1 >= s->first && layer > 1) tell(gpt, pass, layer - 1, pass->hooks->prefetch);
        if (halves & HALF_WEIGHTS) gradients_begin(gpt, pass, layer, &o);
        dy = layer_backward(gpt, layer, &o, saved, halves, scale, dy);
        if (reads) tell(gpt, pass, layer, pass->hooks->done);
        if (halves & HALF_WEIGHTS) gradients_ready(gpt, pass, layer);
    }
    if (halves == HALF_INPUT) { /* what waits for the other half is kept as activations are */
        tensor_rebook(&saved->embedding.dx, MEM_ACTIVATIONS);
        tensor_rebook(&saved->head.dnorms, MEM_ACTIVATIONS);
        return dy;
    }
    tensor_free(&saved->tokens);
    free(saved->block);
    saved->block = NULL;
    return dy;
}

GptSaved gpt_saved_copy(const Gpt *gpt, const GptSaved *saved)
{
    const GptStage *s = &gpt->stage[saved->pass.stage];
    size_t bytes = ((size_t)(s->last - s->first) + 1) * sizeof *saved->block;
    GptSaved copy = *saved;
    copy.block = memcpy(allocate(bytes), saved->block, bytes);
    return copy;
}

void gpt_saved_forget(GptSaved *saved)
{
    free(saved->block);
    *saved = (GptSaved){.tokens = {0}};
}
