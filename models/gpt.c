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

int64_t parameter_whole_count(const Parameter *p)
{
    return (p->whole_rows ? p->whole_rows : 1) * p->whole_columns;
}

int64_t parameter_place(const Parameter *p, int ranks, int rank, int64_t index)
{
    int64_t row = index / p->columns, column = index % p->columns, third = p->columns / 3;
    if (p->cut == CUT_ROWS) row += rank * p->rows;
    if (p->cut == CUT_COLUMNS) column += rank * p->columns;
    if (p->cut == CUT_QKV) column = column / third * (third * ranks) + rank * third + column % third;
    return row < p->whole_rows || p->whole_rows == 0 ? row * p->whole_columns + column : -1;
}

static void add_parameter(Gpt *gpt, int unit, const char *name, int64_t rows, int64_t columns, Cut cut,
                          Init init)
{
    Unit *u = &gpt->unit[unit];
    Parameter *p = &gpt->parameter[gpt->parameters];
    int64_t t = gpt->region.size;
    if (u->parameters++ == 0) u->first = gpt->parameters;
    gpt->parameters++;
    *p = (Parameter){.unit = unit, .offset = u->count, .cut = cut, .init = init};
    p->whole_rows = p->rows = rows;
    p->whole_columns = p->columns = columns;
    if (cut == CUT_ROWS) p->rows = (rows + t - 1) / t; /* only a vocabulary may not divide: padded */
    if (cut == CUT_COLUMNS || cut == CUT_QKV) p->columns = columns / t;
    snprintf(p->name, sizeof p->name, "%s", name);
    u->count += parameter_count(p);
}

Gpt *gpt_new(const GptShape *shape, const Region *region, Device *device)
{
    int L = (int)shape->layers;
    int64_t V = shape->vocab, C = shape->hidden;
    Gpt *gpt = allocate_zeroed(1, sizeof *gpt);
    *gpt = (Gpt){.shape = *shape, .device = device, .region = {.size = 1}, .units = L + 2};
    if (region) gpt->region = *region;
    gpt->vocab_cut = (V + gpt->region.size - 1) / gpt->region.size;
    gpt->unit = allocate_zeroed((size_t)gpt->units, sizeof *gpt->unit);
    gpt->parameter = allocate_zeroed((size_t)L * BLOCK_TENSORS + 5, sizeof *gpt->parameter);

    add_parameter(gpt, 0, "wte.weight", V, C, CUT_ROWS, INIT_NORMAL);
    add_parameter(gpt, 0, "wpe.weight", shape->sequence, C, CUT_NONE, INIT_NORMAL);
    for (int l = 0; l < L; l++)
        for (int i = 0; i < BLOCK_TENSORS; i++) {
            char name[48];
            int64_t rows, columns;
            Cut cut;
            snprintf(name, sizeof name, "h.%d.%s", l, BLOCK_TABLE[i].name);
            block_tensor_shape(shape, (BlockTensor)i, &rows, &columns, &cut);
            add_parameter(gpt, 1 + l, name, rows, columns, cut, BLOCK_TABLE[i].init);
        }
    add_parameter(gpt, L + 1, "ln_f.weight", 0, C, CUT_NONE, INIT_ONE);
    add_parameter(gpt, L + 1, "ln_f.bias", 0, C, CUT_NONE, INIT_ZERO);
    if (!shape->tie_embeddings) add_parameter(gpt, L + 1, "lm_head.weight", V, C, CUT_ROWS, INIT_NORMAL);
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
    Gpt *gpt = gpt_new(shape, NULL, &none);
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
        int64_t place = parameter_place(p, f->gpt->region.size, f->gpt->region.rank, in_parameter + i);
        if (place >= 0 && (p->init == INIT_NORMAL || p->init == INIT_NORMAL_RESIDUAL))
            value = deviation * random_normal(f->seed, STREAM_WEIGHTS, index, (uint64_t)place);
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
    return tensor_view(unit0, 0, gpt->vocab_cut * gpt->shape.hidden);
}

static Tensor wpe_of(const Gpt *gpt, Tensor unit0)
{
    return tensor_view(unit0, gpt->vocab_cut * gpt->shape.hidden, gpt->shape.sequence * gpt->shape.hidden);
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

/* ---- the first layer: vocabulary-parallel embedding ---- */

static Tensor embed(Gpt *gpt, int64_t B, Tensor tokens)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, rows = region_rows(&gpt->region, T);
    Tensor flat = gpt->unit[0].weights, x = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, B * rows * C);
    Tensor part = region_result(&gpt->region, x);
    embedding_forward(tokens, wte_of(gpt, flat), gpt->region.rank * gpt->vocab_cut, gpt->vocab_cut, part, B,
                      T, C);
    region_leave(&gpt->region, part, x, B);
    region_release(&gpt->region, &part);
    position_forward(wpe_of(gpt, flat), region_first_row(&gpt->region, T), x, B, rows, C);
    return x;
}

static void embed_backward(Gpt *gpt, const GptSaved *saved, Tensor dx)
{
    int64_t T = gpt->shape.sequence, C = gpt->shape.hidden, B = saved->B;
    Tensor dflat = gpt->unit[0].gradients, whole = region_leave_backward(&gpt->region, dx, B);
    embedding_backward(saved->tokens, whole, wte_of(gpt, dflat), gpt->region.rank * gpt->vocab_cut,
                       gpt->vocab_cut, B, T, C);
    region_release(&gpt->region, &whole);
    position_backward(dx, wpe_of(gpt, dflat), region_first_row(&gpt->region, T), B,
                      region_rows(&gpt->region, T), C);
}

/* ---- the last layer: norm, vocabulary-parallel head and cross-entropy ---- */

static Tensor head_weight(const Gpt *gpt, bool gradient)
{
    bool tied = gpt->shape.tie_embeddings;
    const Unit *u = tied ? &gpt->unit[0] : &gpt->unit[gpt->units - 1];
    Tensor flat = gradient ? u->gradients : u->weights;
    return tensor_view(flat, tied ? 0 : 2 * gpt->shape.hidden, gpt->vocab_cut * gpt->shape.hidden);
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
    Tensor flat = gpt->unit[gpt->units - 1].weights;
    saved->x = x;
    saved->norm = tensor_new(gpt->device, MEM_ACTIVATIONS, REAL, x.count);
    layernorm_forward(x, tensor_view(flat, 0, C), tensor_view(flat, C, C), saved->norm, x.count / C, C);
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

/* Returns dx (B, T', C), the caller's to free. */
static Tensor head_backward(Gpt *gpt, GptSaved *saved, double scale)
{
    const Region *region = &gpt->region;
    int64_t C = gpt->shape.hidden, T = gpt->shape.sequence, V = gpt->vocab_cut, B = saved->B, n = B * T;
    Tensor flat = gpt->unit[gpt->units - 1].weights, dflat = gpt->unit[gpt->units - 1].gradients;
    cross_entropy_backward(saved->probabilities, saved->tokens, scale, region->rank, B, T, V);
    Tensor dlogits = saved->probabilities, whole = region_enter(region, saved->norm, B);
    matmul(true, false, V, C, n, dlogits, whole, 1, head_weight(gpt, true));
    region_release(region, &whole);
    Tensor dnorm = tensor_new(gpt->device, MEM_WORKSPACE, REAL, saved->norm.count);
    Tensor dwhole = region_result(region, dnorm);
    matmul(false, false, n, C, V, dlogits, head_weight(gpt, false), 0, dwhole);
    region_enter_backward(region, dwhole, dnorm, B);
    region_release(region, &dwhole);
    tensor_free(&saved->probabilities);
    tensor_free(&saved->norm);
    Tensor dx = tensor_new(gpt->device, MEM_WORKSPACE, REAL, saved->x.count);
    tensor_zero(dx);
    layernorm_backward(dnorm, saved->x, tensor_view(flat, 0, C), dx, tensor_view(dflat, 0, C),
                       tensor_view(dflat, C, C), saved->x.count / C, C);
    tensor_free(&dnorm);
    tensor_free(&saved->x);
    return dx;
}

/* ---- the walk ---- */

double gpt_forward(Gpt *gpt, int64_t B, Tensor tokens, GptSaved *saved)
{
    const GptShape *shape = &gpt->shape;
    int head = gpt->units - 1;
    *saved = (GptSaved){.B = B, .tokens = tokens};
    saved->block = allocate_zeroed((size_t)shape->layers, sizeof *saved->block);

    Tensor x = {0};
    double loss = 0;
    for (int layer = 0; layer <= head; layer++) {
        for_units(gpt, layer, gpt->hooks.need);
        if (layer < head) for_units(gpt, layer + 1, gpt->hooks.prefetch);
        if (layer == 0) {
            x = embed(gpt, B, tokens);
        } else if (layer < head) {
            BlockParameters p = block_parameters(shape, gpt->region.size, gpt->unit[layer].weights);
            x = block_forward(shape, &gpt->region, gpt->recompute, MEM_ACTIVATIONS, B, &p, x,
                              &saved->block[layer - 1]);
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
        if (layer == head) {
            dx = head_backward(gpt, saved, scale);
        } else if (layer > 0) {
            BlockParameters p = block_parameters(shape, gpt->region.size, gpt->unit[layer].weights);
            BlockParameters d = block_parameters(shape, gpt->region.size, gpt->unit[layer].gradients);
            block_backward(shape, &gpt->region, gpt->recompute, saved->B, &p, &d, &saved->block[layer - 1],
                           dx);
        } else {
            embed_backward(gpt, saved, dx);
        }
        if (layer > 0) for_units(gpt, layer, hooks->done);
        hooks->gradient_ready(hooks->context, layer);
    }
    tensor_free(&dx);
    tensor_free(&saved->tokens);
    free(saved->block);
    saved->block = NULL;
}
