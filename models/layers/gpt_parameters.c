/* gpt_parameters.c - the table of parameters and units. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt_parameters.h"
#include "models/machine/error.h"

int64_t stage_blocks(int64_t layers, int stages, const int *given, int stage)
{
    return given ? given[stage] : layers / stages + (stage < layers % stages);
}

static TensorShape words_shape(const GptShape *shape)
{
    return (TensorShape){.rows = shape->vocab, .columns = shape->hidden, .cut = CUT_ROWS};
}

static void add_parameter(Gpt *gpt, int unit, const char *name, TensorShape shape, Init init)
{
    Unit *u = &gpt->unit[unit];
    Parameter *p = &gpt->parameter[gpt->parameters];
    int64_t t = gpt->region.size;
    if (shape.columns == 0) return;
    if (u->parameters++ == 0) u->first = gpt->parameters;
    gpt->parameters++;
    *p = (Parameter){.unit = unit, .offset = u->count, .cut = shape.cut, .init = init};
    p->number = gpt->numbers++;
    p->whole_rows = p->rows = shape.rows;
    p->whole_columns = p->columns = shape.columns;
    memcpy(p->part, shape.part, sizeof p->part);
    p->sharing = shape.sharing;
    p->partial = shape.partial;
    if (p->cut == CUT_ROWS) p->rows = (p->rows + t - 1) / t; /* only a vocabulary may not divide: padded */
    if (p->cut == CUT_COLUMNS) p->columns = tensor_shape_count(&shape, (int)t) / (p->rows ? p->rows : 1);
    snprintf(p->name, sizeof p->name, "%s", name);
    u->count += parameter_count(p);
}

/* The layer's next; returns which. */
static int add_unit(Gpt *gpt, int layer)
{
    GptLayer *l = &gpt->layer[layer];
    gpt->unit[gpt->units].number = gpt->numbers;
    return l->unit[l->units++] = gpt->units++;
}

static int64_t experts_held(const Gpt *gpt)
{
    return dispatch_held(&gpt->dispatch, gpt->shape.experts.count);
}

/* ---- layers ---- */

static void add_embedding(Gpt *gpt)
{
    const GptShape *s = &gpt->shape;
    int words = add_unit(gpt, 0), positions = add_unit(gpt, 0);
    add_parameter(gpt, words, "wte.weight", words_shape(s), INIT_NORMAL);
    if (s->position == POSITION_LEARNED)
        add_parameter(gpt, positions, "wpe.weight", (TensorShape){.rows = s->sequence, .columns = s->hidden},
                      INIT_NORMAL);
}

/* A tensor of a branch. */
static void add_tensor(Gpt *gpt, int layer, int unit, const BranchTensor *t)
{
    char name[sizeof gpt->parameter->name];
    snprintf(name, sizeof name, "h.%d.%s", layer - 1, t->name);
    add_parameter(gpt, unit, name, t->shape(&gpt->shape, gpt->region.size), t->init);
}

/* A tensor of each expert here, whose numbers are those it has among all. */
static void add_experts(Gpt *gpt, int layer, int unit, const BranchTensor *t)
{
    char name[sizeof gpt->parameter->name];
    int64_t E = gpt->shape.experts.count, first = dispatch_first(&gpt->dispatch, E), number = gpt->numbers;
    gpt->numbers += first;
    for (int64_t expert = first; expert < first + experts_held(gpt); expert++) {
        snprintf(name, sizeof name, "h.%d.mlp.experts.%lld.%s", layer - 1, (long long)expert, t->name);
        add_parameter(gpt, unit, name, t->shape(&gpt->shape, gpt->region.size), t->init);
    }
    gpt->numbers = number + E;
}

static void add_block(Gpt *gpt, int layer)
{
    const BlockLayout *layout = gpt->layer[layer].layout;
    const Block *block = layout->block;
    for (int u = 0; u < BLOCK_UNITS; u++) {
        if (layout->values[u] == 0) continue;
        int unit = add_unit(gpt, layer);
        for (int b = 0; b < block->branches; b++)
            for (int i = 0; i < block->branch[b]->tensors; i++)
                if (block->branch[b]->tensor[i].unit == u)
                    (u == BLOCK_EXPERTS ? add_experts : add_tensor)(gpt, layer, unit,
                                                                    &block->branch[b]->tensor[i]);
    }
}

/* As an earlier layer's: most of a dry rank's table would else be made by printf(). */
static void repeat_unit(Gpt *gpt, int layer, int earlier)
{
    const Unit *first = &gpt->unit[earlier];
    int unit = add_unit(gpt, layer);
    int64_t number = gpt->numbers;
    char before[16];
    int letters = snprintf(before, sizeof before, "h.%d.", layer - 1);
    gpt->unit[unit] = *first;
    gpt->unit[unit].first = gpt->parameters;
    gpt->unit[unit].number = number;
    gpt->numbers += gpt->unit[earlier + 1].number - first->number;
    for (int i = 0; i < first->parameters; i++) {
        const Parameter *like = &gpt->parameter[first->first + i];
        Parameter *p = &gpt->parameter[gpt->parameters++];
        *p = *like;
        p->unit = unit;
        p->number += number - first->number;
        memcpy(p->name, before, (size_t)letters);
        strcpy(p->name + letters, strchr(like->name + strlen("h."), '.') + 1);
    }
}

static void add_blocks(Gpt *gpt)
{
    int first[BLOCK_KINDS] = {0}; /* layer of a kind */
    for (int layer = 1; layer <= gpt->shape.layers; layer++) {
        BlockKind kind = block_of(&gpt->shape, layer);
        gpt->layer[layer].layout = &gpt->layout[kind];
        if (first[kind]) {
            const GptLayer *like = &gpt->layer[first[kind]];
            for (int i = 0; i < like->units; i++) repeat_unit(gpt, layer, like->unit[i]);
        } else {
            first[kind] = layer;
            gpt->layout[kind] =
                block_layout(&gpt->shape, gpt->region.size, experts_held(gpt), &block_kind[kind]);
            add_block(gpt, layer);
        }
    }
}

/* Hugging Face's name, of DeepSeek-V3. */
static void add_buffers(Gpt *gpt)
{
    int64_t L = gpt->shape.layers, E = gpt->shape.experts.count;
    for (int64_t layer = 0; layer <= L + 1; layer++) gpt->layer[layer].buffer = -1;
    if (!has_expert_bias(&gpt->shape)) return;
    gpt->buffer = allocate_zeroed((size_t)L, sizeof *gpt->buffer);
    for (int64_t layer = 1; layer <= L; layer++) {
        if (!has_experts(&gpt->shape, layer)) continue;
        Parameter *p = &gpt->buffer[gpt->buffers];
        *p = (Parameter){.unit = gpt->layer[layer].unit[BLOCK_OWN], .columns = E, .whole_columns = E};
        snprintf(p->name, sizeof p->name, "h.%lld." EXPERT_BIAS_NAME, (long long)layer - 1);
        gpt->layer[layer].buffer = gpt->buffers++;
    }
}

static void add_head(Gpt *gpt, bool copy)
{
    const GptShape *s = &gpt->shape;
    int layer = (int)s->layers + 1, final = add_unit(gpt, layer);
    GptLayer *head = &gpt->layer[layer];
    add_parameter(gpt, final, "ln_f.weight", norm_gain_shape(s, 1), INIT_ONE);
    add_parameter(gpt, final, "ln_f.bias", norm_bias_shape(s, 1), INIT_ZERO);
    gpt->head_embedding = -1;
    if (copy) {
        gpt->head_embedding = add_unit(gpt, layer);
        add_parameter(gpt, gpt->head_embedding, "wte.weight", words_shape(s), INIT_NORMAL);
        gpt->parameter[gpt->parameters - 1].copy_of = &gpt->parameter[0];
    } else if (s->tie_embeddings) {
        head->unit[head->units++] = gpt->head_embedding = UNIT_WTE;
    } else {
        add_parameter(gpt, final, "lm_head.weight", words_shape(s), INIT_NORMAL);
    }
}

static void place_stages(Gpt *gpt, const GptStages *stages)
{
    static const GptStages whole = {.count = 1};
    if (!stages) stages = &whole;
    gpt->stages = stages->count;
    gpt->stage = allocate_zeroed((size_t)gpt->stages, sizeof *gpt->stage);
    int64_t blocks = 0;
    for (int s = 0; s < gpt->stages; s++) {
        GptStage *stage = &gpt->stage[s];
        stage->held = !stages->rank_of || stages->rank_of[s] == stages->rank;
        stage->first = s == 0 ? 0 : (int)blocks + 1;
        blocks += stage_blocks(gpt->shape.layers, gpt->stages, stages->blocks, s);
        stage->last = (int)blocks + (s == gpt->stages - 1);
        for (int layer = stage->first; layer <= stage->last; layer++)
            for (int i = 0; i < gpt->layer[layer].units; i++) {
                Unit *u = &gpt->unit[gpt->layer[layer].unit[i]];
                u->stage = s;
                u->held = stage->held;
            }
    }
}

/* ---- all of it ---- */

static void tell(Gpt *gpt, bool copy)
{
    const GptShape *shape = &gpt->shape;
    int64_t tensors = 6; /* of embedding and head */
    for (int64_t layer = 1; layer <= shape->layers; layer++)
        tensors += block_tensors(experts_held(gpt), &block_kind[block_of(shape, layer)]);
    gpt->parameter = allocate_zeroed((size_t)tensors, sizeof *gpt->parameter);
    add_embedding(gpt);
    add_blocks(gpt);
    add_buffers(gpt);
    add_head(gpt, copy);
}

static bool tells_the_same(const Gpt *gpt, const Gpt *like, bool copy)
{
    return like && like->region.size == gpt->region.size && like->dispatch.size == gpt->dispatch.size &&
           like->dispatch.rank == gpt->dispatch.rank && (like->head_embedding > UNIT_WTE) == copy;
}

/* Whose units are is this one's own matter: place_stages(), and who asks for domains. */
static void borrow(Gpt *gpt, const Gpt *like)
{
    const size_t layers = (size_t)gpt->shape.layers + 2;
    memcpy(gpt->layout, like->layout, sizeof gpt->layout);
    memcpy(gpt->layer, like->layer, layers * sizeof *gpt->layer);
    for (int64_t layer = 1; layer <= gpt->shape.layers; layer++)
        gpt->layer[layer].layout = gpt->layout + (like->layer[layer].layout - like->layout);
    memcpy(gpt->unit, like->unit, (size_t)like->units * sizeof *gpt->unit);
    for (int u = 0; u < like->units; u++) gpt->unit[u].domain = 0;
    gpt->units = like->units;
    gpt->parameters = like->parameters;
    gpt->buffers = like->buffers;
    gpt->numbers = like->numbers;
    gpt->parameter = like->parameter;
    gpt->buffer = like->buffer;
    gpt->head_embedding = like->head_embedding;
    gpt->borrows = true;
}

Gpt *gpt_new(const GptOptions *options)
{
    static const Region whole = {.size = 1};
    static const Dispatch here = {.size = 1};
    const GptShape *shape = options->shape;
    const size_t layers = (size_t)shape->layers + 2;
    Gpt *gpt = allocate_zeroed(1, sizeof *gpt);
    *gpt = (Gpt){.shape = *shape,
                 .device = options->device,
                 .region = options->region ? *options->region : whole,
                 .dispatch = options->dispatch ? *options->dispatch : here,
                 .recompute = options->recompute,
                 .dtype = options->dtype,
                 .seed = options->seed};
    gpt->vocab_cut = (shape->vocab + gpt->region.size - 1) / gpt->region.size;
    gpt->layer = allocate_zeroed(layers, sizeof *gpt->layer);
    gpt->unit = allocate_zeroed(LAYER_UNITS * layers, sizeof *gpt->unit);
    const bool copy = shape->tie_embeddings && options->stages && options->stages->count > 1;
    if (tells_the_same(gpt, options->like, copy))
        borrow(gpt, options->like);
    else
        tell(gpt, copy);
    place_stages(gpt, options->stages);
    return gpt;
}

void gpt_free(Gpt *gpt)
{
    if (!gpt) return;
    free(gpt->stage);
    free(gpt->layer);
    free(gpt->unit);
    if (!gpt->borrows) free(gpt->parameter);
    if (!gpt->borrows) free(gpt->buffer);
    free(gpt);
}

Tensor gpt_words(const Gpt *gpt, Tensor flat)
{
    return tensor_view(flat, 0, gpt->vocab_cut * gpt->shape.hidden);
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
