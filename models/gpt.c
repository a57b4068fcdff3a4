/* gpt.c - the parameter table, initialisation, and the walk through the layers. */
#include "models/gpt.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "models/error.h"
#include "models/kernels.h"
#include "models/matmul.h"
#include "models/random.h"

/* ---- parameters ---- */

static const struct {
    const char *name;
    Init init;
} BLOCK_TABLE[BLOCK_TENSORS] = {
    [LN_1_GAIN] = {"ln_1.weight", INIT_ONE},
    [LN_1_BIAS] = {"ln_1.bias", INIT_ZERO},
    [QKV_WEIGHT] = {"attn.c_attn.weight", INIT_NORMAL},
    [QKV_BIAS] = {"attn.c_attn.bias", INIT_ZERO},
    [PROJ_WEIGHT] = {"attn.c_proj.weight", INIT_NORMAL_RESIDUAL},
    [PROJ_BIAS] = {"attn.c_proj.bias", INIT_ZERO},
    [LN_2_GAIN] = {"ln_2.weight", INIT_ONE},
    [LN_2_BIAS] = {"ln_2.bias", INIT_ZERO},
    [FC_WEIGHT] = {"mlp.c_fc.weight", INIT_NORMAL},
    [FC_BIAS] = {"mlp.c_fc.bias", INIT_ZERO},
    [OUT_WEIGHT] = {"mlp.c_proj.weight", INIT_NORMAL_RESIDUAL},
    [OUT_BIAS] = {"mlp.c_proj.bias", INIT_ZERO},
};

int64_t parameter_count(const Parameter *p)
{
    return (p->rows ? p->rows : 1) * p->columns;
}

static void add_parameter(Gpt *gpt, int unit, const char *name, int64_t rows, int64_t columns, Init init)
{
    Unit *u = &gpt->unit[unit];
    Parameter *p = &gpt->parameter[gpt->parameters];
    if (u->parameters++ == 0) u->first = gpt->parameters;
    gpt->parameters++;
    *p = (Parameter){.unit = unit, .offset = u->count, .rows = rows, .columns = columns, .init = init};
    snprintf(p->name, sizeof p->name, "%s", name);
    u->count += parameter_count(p);
}

Gpt *gpt_new(const GptShape *shape, Device *device)
{
    int L = (int)shape->layers;
    Gpt *gpt = allocate_zeroed(1, sizeof *gpt);
    *gpt = (Gpt){.shape = *shape, .device = device, .units = L + 2};
    gpt->unit = allocate_zeroed((size_t)gpt->units, sizeof *gpt->unit);
    gpt->parameter = allocate_zeroed((size_t)L * BLOCK_TENSORS + 5, sizeof *gpt->parameter);

    add_parameter(gpt, 0, "wte.weight", shape->vocab, shape->hidden, INIT_NORMAL);
    add_parameter(gpt, 0, "wpe.weight", shape->sequence, shape->hidden, INIT_NORMAL);
    for (int l = 0; l < L; l++)
        for (int i = 0; i < BLOCK_TENSORS; i++) {
            char name[48];
            int64_t rows, columns;
            snprintf(name, sizeof name, "h.%d.%s", l, BLOCK_TABLE[i].name);
            block_tensor_shape(shape, (BlockTensor)i, &rows, &columns);
            add_parameter(gpt, 1 + l, name, rows, columns, BLOCK_TABLE[i].init);
        }
    add_parameter(gpt, L + 1, "ln_f.weight", 0, shape->hidden, INIT_ONE);
    add_parameter(gpt, L + 1, "ln_f.bias", 0, shape->hidden, INIT_ZERO);
    if (!shape->tie_embeddings)
        add_parameter(gpt, L + 1, "lm_head.weight", shape->vocab, shape->hidden, INIT_NORMAL);
    return gpt;
}

void gpt_free(Gpt *gpt)
{
    if (!gpt) return;
    free(gpt->unit);
    free(gpt->parameter);
    free(gpt);
}

int64_t gpt_parameter_count(const GptShape *shape)
{
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(shape, &none);
    int64_t count = 0;
    for (int u = 0; u < gpt->units; u++) count += gpt->unit[u].count;
    gpt_free(gpt);
    return count;
}

void gpt_each_parameter(const Gpt *gpt, int unit, int64_t offset, int64_t count,
                        void (*visit)(const Parameter *p, int64_t in_parameter, int64_t in_range,
                                      int64_t count, void *context),
                        void *context)
{
    const Unit *u = &gpt->unit[unit];
    for (int i = u->first; i < u->first + u->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        int64_t from = offset > p->offset ? offset : p->offset;
        int64_t end = p->offset + parameter_count(p), to = offset + count < end ? offset + count : end;
        if (from < to) visit(p, from - p->offset, from - offset, to - from, context);
    }
}

typedef struct Filling {
    const Gpt *gpt;
    int64_t seed;
    real *to;
} Filling;

static void fill(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count, void *context)
{
    const Filling *f = context;
    double deviation =
        0.02 / (p->init == INIT_NORMAL_RESIDUAL ? sqrt(2.0 * (double)f->gpt->shape.layers) : 1.0);
    uint64_t index = (uint64_t)(p - f->gpt->parameter);
    for (int64_t i = 0; i < count; i++) {
        double value = p->init == INIT_ONE ? 1 : 0;
        if (p->init == INIT_NORMAL || p->init == INIT_NORMAL_RESIDUAL)
            value = deviation * random_normal(f->seed, STREAM_WEIGHTS, index, (uint64_t)(in_parameter + i));
        f->to[in_range + i] = (real)value;
    }
}

void gpt_initialise(const Gpt *gpt, int unit, int64_t offset, int64_t seed, Tensor to)
{
    tensor_zero(to); /* padding past the unit's end stays zero */
    if (!to.data) return;
    Filling filling = {.gpt = gpt, .seed = seed, .to = reals(to)};
    gpt_each_parameter(gpt, unit, offset, to.count, fill, &filling);
}

/* ---- the layers ---- */

static Tensor wte_of(const Gpt *gpt, Tensor unit0)
{
    return tensor_view(unit0, 0, gpt->shape.vocab * gpt->shape.hidden);
}

static Tensor wpe_of(const Gpt *gpt, Tensor unit0)
{
    return tensor_view(unit0, gpt->shape.vocab * gpt->shape.hidden, gpt->shape.sequence * gpt->shape.hidden);
}

/* Units layer l reads: its own, and for a tied head the embedding's too. */
static int units_of(const Gpt *gpt, int layer, int units[2])
{
    units[0] = layer;
    units[1] = 0;
    return layer == gpt->units - 1 && gpt->shape.tie_embeddings ? 2 : 1;
}

static void for_units(Gpt *gpt, int layer, void (*hook)(void *context, int unit))
{
    int units[2], n = units_of(gpt, layer, units);
    for (int i = 0; i < n; i++) hook(gpt->hooks.context, units[i]);
}

static Tensor head_weight(const Gpt *gpt, bool gradient)
{
    const Unit *u = gpt->shape.tie_embeddings ? &gpt->unit[0] : &gpt->unit[gpt->units - 1];
    Tensor flat = gradient ? u->gradients : u->weights;
    return tensor_view(flat, gpt->shape.tie_embeddings ? 0 : 2 * gpt->shape.hidden,
                       gpt->shape.vocab * gpt->shape.hidden);
}

static double head_forward(Gpt *gpt, Tensor x, GptSaved *saved)
{
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->shape.vocab, n = saved->B * T;
    Tensor flat = gpt->unit[gpt->units - 1].weights;
    saved->x = x;
    saved->norm = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, n * C);
    layernorm_forward(x, tensor_view(flat, 0, C), tensor_view(flat, C, C), saved->norm, n, C);
    saved->probabilities = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, n * V);
    matmul(false, true, n, V, C, saved->norm, head_weight(gpt, false), 0, saved->probabilities);
    return cross_entropy_forward(saved->probabilities, saved->tokens, saved->B, T, V);
}

/* Returns dx (B, T, C), the caller's to free. */
static Tensor head_backward(Gpt *gpt, GptSaved *saved, double scale)
{
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->shape.vocab, n = saved->B * T;
    Tensor flat = gpt->unit[gpt->units - 1].weights, dflat = gpt->unit[gpt->units - 1].gradients;
    cross_entropy_backward(saved->probabilities, saved->tokens, scale, saved->B, T, V);
    Tensor dlogits = saved->probabilities, dnorm = tensor_new(gpt->device, MEM_WORKSPACE, REAL, n * C);
    matmul(false, false, n, C, V, dlogits, head_weight(gpt, false), 0, dnorm);
    matmul(true, false, V, C, n, dlogits, saved->norm, 1, head_weight(gpt, true));
    tensor_free(&saved->probabilities);
    tensor_free(&saved->norm);
    Tensor dx = tensor_new(gpt->device, MEM_WORKSPACE, REAL, n * C);
    tensor_zero(dx);
    layernorm_backward(dnorm, saved->x, tensor_view(flat, 0, C), dx, tensor_view(dflat, 0, C),
                       tensor_view(dflat, C, C), n, C);
    tensor_free(&dnorm);
    tensor_free(&saved->x);
    return dx;
}

double gpt_forward(Gpt *gpt, int64_t B, Tensor tokens, GptSaved *saved)
{
    const GptShape *shape = &gpt->shape;
    int64_t T = shape->sequence, C = shape->hidden;
    int head = gpt->units - 1;
    *saved = (GptSaved){.B = B, .tokens = tokens};
    saved->block = allocate_zeroed((size_t)shape->layers, sizeof *saved->block);

    Tensor x = {0};
    double loss = 0;
    for (int layer = 0; layer <= head; layer++) {
        for_units(gpt, layer, gpt->hooks.need);
        if (layer < head) for_units(gpt, layer + 1, gpt->hooks.prefetch);
        Tensor flat = gpt->unit[layer].weights;
        if (layer == 0) {
            x = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, B * T * C);
            embedding_forward(tokens, wte_of(gpt, flat), wpe_of(gpt, flat), x, B, T, C);
        } else if (layer < head) {
            BlockParameters p = block_parameters(shape, flat);
            x = block_forward(shape, B, &p, x, &saved->block[layer - 1]);
        } else {
            loss = head_forward(gpt, x, saved);
        }
        for_units(gpt, layer, gpt->hooks.done);
    }
    return loss;
}

void gpt_backward(Gpt *gpt, GptSaved *saved, double scale)
{
    const GptShape *shape = &gpt->shape;
    GptHooks *hooks = &gpt->hooks;
    int head = gpt->units - 1;
    Tensor dx = {0};
    for (int layer = head; layer >= 0; layer--) {
        /* the embedding's backward reads no parameters, and its gradient began with a tied head's */
        if (layer > 0) for_units(gpt, layer, hooks->need);
        if (layer > 1) for_units(gpt, layer - 1, hooks->prefetch);
        if (layer > 0 || !shape->tie_embeddings) for_units(gpt, layer, hooks->gradient_begin);
        Tensor flat = gpt->unit[layer].weights, dflat = gpt->unit[layer].gradients;
        if (layer == head) {
            dx = head_backward(gpt, saved, scale);
        } else if (layer > 0) {
            BlockParameters p = block_parameters(shape, flat), d = block_parameters(shape, dflat);
            block_backward(shape, saved->B, &p, &d, &saved->block[layer - 1], dx);
        } else {
            embedding_backward(saved->tokens, dx, wte_of(gpt, dflat), wpe_of(gpt, dflat), saved->B,
                               shape->sequence, shape->hidden);
        }
        if (layer > 0) for_units(gpt, layer, hooks->done);
        hooks->gradient_ready(hooks->context, layer);
    }
    tensor_free(&dx);
    tensor_free(&saved->tokens);
    free(saved->block);
    saved->block = NULL;
}
