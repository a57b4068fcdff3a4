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

/* Units layer l reads, in the order backward completes them. */
static int units_of(const Gpt *gpt, int layer, int units[2])
{
    int n = 0;
    if (is_head(gpt, layer) && gpt->head_embedding >= 0) units[n++] = gpt->head_embedding;
    units[n++] = layer + 1;
    if (layer == 0) units[n++] = UNIT_WTE;
    return n;
}

/* Flat tensors of the units a layer has, weights or gradients. */
typedef struct LayerTensors {
    Tensor own;   /* unit layer + 1: positions, a block, or the final norm with an untied head */
    Tensor words; /* the embedding's, or what a tied head reads */
} LayerTensors;

static LayerTensors need(const Gpt *gpt, const GptPass *pass, int layer)
{
    LayerTensors w = {.own = {0}};
    int units[2], n = units_of(gpt, layer, units);
    for (int i = 0; i < n; i++) {
        Tensor *t = units[i] == layer + 1 ? &w.own : &w.words;
        *t = pass->hooks->need(pass->hooks->context, pass->microbatch, units[i]);
    }
    return w;
}

static void tell(const Gpt *gpt, const GptPass *pass, int layer,
                 void (*hook)(void *context, int microbatch, int unit))
{
    int units[2], n = units_of(gpt, layer, units);
    for (int i = 0; i < n; i++) hook(pass->hooks->context, pass->microbatch, units[i]);
}

/* A gradient that head and embedding share begins at the one and is ready at the other. */
static bool shares(const Gpt *gpt, int unit)
{
    return unit == UNIT_WTE && gpt->head_embedding == UNIT_WTE;
}

static void gradients_begin(const Gpt *gpt, const GptPass *pass, int layer, LayerTensors *d)
{
    int units[2], n = units_of(gpt, layer, units);
    for (int i = 0; i < n; i++) {
        Tensor *t = units[i] == layer + 1 ? &d->own : &d->words;
        if (layer == 0 && shares(gpt, units[i])) continue;
        *t = pass->hooks->gradient_begin(pass->hooks->context, pass->microbatch, units[i]);
    }
}

static void gradients_ready(const Gpt *gpt, const GptPass *pass, int layer)
{
    int units[2], n = units_of(gpt, layer, units);
    for (int i = 0; i < n; i++)
        if (!is_head(gpt, layer) || !shares(gpt, units[i]))
            pass->hooks->gradient_ready(pass->hooks->context, pass->microbatch, units[i]);
}

/* ---- the first layer: vocabulary-parallel embedding ---- */

/* What is dropped at `layer` in a microbatch. */
static Dropout dropout_of(const Gpt *gpt, const GptSaved *saved, int layer)
{
    return (Dropout){.rate = gpt->shape.dropout,
                     .seed = gpt->seed,
                     .step = saved->pass.step,
                     .layer = layer,
                     .first_sample = saved->pass.first_sample};
}

/* (vocab_cut, C), of an embedding's unit: without what pads it. */
static Tensor rows_of_words(const Gpt *gpt, Tensor words)
{
    return tensor_view(words, 0, gpt->vocab_cut * gpt->shape.hidden);
}

static Tensor embed(const Gpt *gpt, LayerTensors w, GptSaved *saved)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, rows = region_rows(&gpt->region, T),
            B = saved->pass.B;
    int64_t first = region_first_row(&gpt->region, T);
    Tensor x = tensor_new(gpt->device, MEM_ACTIVATIONS, gpt->dtype, B * rows * C);
    Tensor part = region_result(&gpt->region, x);
    embedding_forward(saved->tokens, rows_of_words(gpt, w.words), gpt->region.rank * gpt->vocab_cut, part, B,
                      T, C);
    region_leave(&gpt->region, part, x, B);
    region_release(&gpt->region, &part);
    if (gpt->shape.position == POSITION_LEARNED) position_forward(w.own, first, x, B, rows, C);
    if (gpt->shape.position == POSITION_SINUSOIDAL) sinusoidal_forward(first, x, B, rows, C);
    if (gpt->shape.dropout > 0) {
        Dropout d = dropout_of(gpt, saved, 0);
        saved->mask = tensor_new(gpt->device, MEM_ACTIVATIONS, UINT8, x.count);
        SampleRows here = {.B = B, .first = first, .rows = rows, .T = T, .C = C};
        dropout_forward(&d, here, x, saved->mask, x);
    }
    return x;
}

static void embed_backward(const Gpt *gpt, LayerTensors d, GptSaved *saved)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, B = saved->pass.B;
    Tensor dx = saved->dx_embedding;
    if (gpt->shape.dropout > 0) dropout_backward(gpt->shape.dropout, dx, saved->mask, dx);
    tensor_free(&saved->mask);
    if (gpt->shape.position == POSITION_LEARNED)
        position_backward(dx, d.own, region_first_row(&gpt->region, T), B, region_rows(&gpt->region, T), C);
    if (gpt->shape.position == POSITION_SINUSOIDAL) sinusoidal_backward(dx, C);
    Tensor whole = region_leave_backward(&gpt->region, dx, B);
    embedding_backward(saved->tokens, whole, rows_of_words(gpt, d.words), gpt->region.rank * gpt->vocab_cut,
                       B, T, C);
    region_release(&gpt->region, &whole);
    tensor_free(&saved->dx_embedding);
}

/* ---- the last layer: norm, vocabulary-parallel head and cross-entropy ---- */

static int64_t final_norm_count(const Gpt *gpt)
{
    return gpt->shape.hidden * (gpt->shape.norm == NORM_LAYERNORM ? 2 : 1);
}

/* (vocab_cut, C), of the head's weights or gradients. */
static Matrix head_matrix(const Gpt *gpt, LayerTensors t)
{
    int64_t V = gpt->vocab_cut, C = gpt->shape.hidden;
    return matrix(gpt->head_embedding >= 0 ? rows_of_words(gpt, t.words)
                                           : tensor_view(t.own, final_norm_count(gpt), V * C),
                  V, C);
}

/* The final norm's gain or bias, in its unit; RMSNorm's bias has no elements. */
static Tensor final_norm(const Gpt *gpt, Tensor flat, BranchTensor which)
{
    int64_t C = gpt->shape.hidden;
    return which == NORM_GAIN ? tensor_view(flat, 0, C) : tensor_view(flat, C, final_norm_count(gpt) - C);
}

/* This rank's columns of the logits. */
static VocabularySlice slice_of(const Gpt *gpt)
{
    int64_t V = gpt->vocab_cut, left = gpt->shape.vocab - gpt->region.rank * V;
    return (VocabularySlice){.parts = gpt->region.size,
                             .part = gpt->region.rank,
                             .V = V,
                             .used = left < 0   ? 0
                                     : left < V ? left
                                                : V};
}

static double head_forward(const Gpt *gpt, LayerTensors w, Tensor x, GptSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->vocab_cut, B = saved->pass.B, n = B * T;
    saved->x = x;
    saved->norm = tensor_new(gpt->device, MEM_ACTIVATIONS, x.dtype, x.count);
    norm_forward(gpt->shape.norm, x, final_norm(gpt, w.own, NORM_GAIN), final_norm(gpt, w.own, NORM_BIAS),
                 saved->norm);
    saved->probabilities = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, n * V);
    Tensor whole = region_enter(region, saved->norm, B);
    matmul(matrix(whole, n, C), transposed(head_matrix(gpt, w)), 0, saved->probabilities);
    region_release(region, &whole);

    /* no rank ever has all columns: three numbers a position tell the others what they need */
    Tensor all = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 3 * n * region->size);
    cross_entropy_statistics(saved->probabilities, saved->tokens,
                             tensor_view(all, 3 * n * region->rank, 3 * n), slice_of(gpt), B, T);
    if (region->size > 1) region->ops->gather_all(region->context, all);
    double loss = cross_entropy_forward(saved->probabilities, all, slice_of(gpt), n);
    tensor_free(&all);
    return loss;
}

/* Returns dx (B, T', C), the caller's to free. The norm's own gradients wait in saved->final_norm. */
static Tensor head_backward_input(const Gpt *gpt, LayerTensors w, GptSaved *saved, double scale)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->vocab_cut, B = saved->pass.B, n = B * T;
    cross_entropy_backward(saved->probabilities, saved->tokens, scale, slice_of(gpt), B, T);
    Tensor dlogits = saved->probabilities;
    Tensor dnorm = tensor_new(gpt->device, MEM_WORKSPACE, saved->norm.dtype, saved->norm.count);
    Tensor dwhole = region_result(region, dnorm);
    matmul(matrix(dlogits, n, V), head_matrix(gpt, w), 0, dwhole);
    region_enter_backward(region, dwhole, dnorm, B);
    region_release(region, &dwhole);
    Tensor dx = tensor_new(gpt->device, MEM_WORKSPACE, saved->x.dtype, saved->x.count);
    tensor_zero(dx);
    saved->final_norm = tensor_new(gpt->device, MEM_WORKSPACE, REAL, 2 * C);
    tensor_zero(saved->final_norm);
    norm_backward(gpt->shape.norm, dnorm, saved->x, final_norm(gpt, w.own, NORM_GAIN), dx,
                  tensor_view(saved->final_norm, 0, C), tensor_view(saved->final_norm, C, C));
    tensor_free(&dnorm);
    tensor_free(&saved->x);
    return dx;
}

static void head_backward_weights(const Gpt *gpt, LayerTensors d, GptSaved *saved)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, V = gpt->vocab_cut, B = saved->pass.B, n = B * gpt->shape.sequence;
    Tensor whole = region_enter(region, saved->norm, B);
    matmul(transposed(matrix(saved->probabilities, n, V)), matrix(whole, n, C), 1,
           head_matrix(gpt, d).values);
    region_release(region, &whole);
    int64_t count = final_norm_count(gpt);
    tensor_add(tensor_view(d.own, 0, count), tensor_view(saved->final_norm, 0, count));
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
                      .B = saved->pass.B,
                      .dropout = dropout_of(gpt, saved, layer)};
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
            x = embed(gpt, w, saved);
        } else if (is_head(gpt, layer)) {
            *loss = head_forward(gpt, w, x, saved);
            x = (Tensor){0};
        } else {
            BlockRun run = run_of(gpt, saved, layer);
            BlockParameters p = block_parameters(&gpt->shape, gpt->region.size, w.own);
            x = block_forward(&run, layer < s->last ? MEM_ACTIVATIONS : MEM_COMMUNICATION, &p, x,
                              &saved->block[layer - s->first]);
        }
        tell(gpt, pass, layer, pass->hooks->done);
    }
    return x;
}

/* A layer's tensors in backward; what the half under way does not touch is a zero tensor. */
typedef struct Operands {
    LayerTensors weights, gradients;
} Operands;

static void block_halves(const Gpt *gpt, int layer, const Operands *o, GptSaved *saved, Halves halves,
                         Tensor dx)
{
    BlockRun run = run_of(gpt, saved, layer);
    BlockSaved *block = &saved->block[layer - gpt->stage[saved->pass.stage].first];
    BlockParameters p = {0}, d = {0};
    if (halves & HALF_INPUT) p = block_parameters(&gpt->shape, gpt->region.size, o->weights.own);
    if (halves & HALF_WEIGHTS) d = block_parameters(&gpt->shape, gpt->region.size, o->gradients.own);
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
        if (halves & HALF_INPUT) saved->dx_embedding = dx;
        if (halves & HALF_WEIGHTS) embed_backward(gpt, o->gradients, saved);
        return (Tensor){0};
    }
    if (is_head(gpt, layer)) {
        if (halves & HALF_INPUT) dx = head_backward_input(gpt, o->weights, saved, scale);
        if (halves & HALF_WEIGHTS) head_backward_weights(gpt, o->gradients, saved);
    } else {
        block_halves(gpt, layer, o, saved, halves, dx);
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
        if (halves & HALF_WEIGHTS) gradients_begin(gpt, pass, layer, &o.gradients);
        dy = layer_backward(gpt, layer, &o, saved, halves, scale, dy);
        if (reads) tell(gpt, pass, layer, pass->hooks->done);
        if (halves & HALF_WEIGHTS) gradients_ready(gpt, pass, layer);
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
