/* gpt_parameters.c - the table of parameters and units, and initialisation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/layers/gpt_parameters.h"
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"

static const struct {
    const char *name;
    Init init;
} BLOCK_TABLE[BRANCHES][BRANCH_TENSORS] = {
    [BRANCH_ATTENTION] = {[NORM_GAIN] = {"ln_1.weight", INIT_ONE},
                          [NORM_BIAS] = {"ln_1.bias", INIT_ZERO},
                          [IN_WEIGHT] = {"attn.c_attn.weight", INIT_NORMAL},
                          [IN_BIAS] = {"attn.c_attn.bias", INIT_ZERO},
                          [OUT_WEIGHT] = {"attn.c_proj.weight", INIT_NORMAL_RESIDUAL},
                          [OUT_BIAS] = {"attn.c_proj.bias", INIT_ZERO}},
    [BRANCH_MLP] = {[NORM_GAIN] = {"ln_2.weight", INIT_ONE},
                    [NORM_BIAS] = {"ln_2.bias", INIT_ZERO},
                    [IN_WEIGHT] = {"mlp.c_fc.weight", INIT_NORMAL},
                    [IN_BIAS] = {"mlp.c_fc.bias", INIT_ZERO},
                    [OUT_WEIGHT] = {"mlp.c_proj.weight", INIT_NORMAL_RESIDUAL},
                    [OUT_BIAS] = {"mlp.c_proj.bias", INIT_ZERO}},
};

int64_t stage_blocks(int64_t layers, int stages, const int *given, int stage)
{
    return given ? given[stage] : layers / stages + (stage < layers % stages);
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
    p->whole_rows = p->rows = shape.rows;
    p->whole_columns = p->columns = shape.columns;
    memcpy(p->part, shape.part, sizeof p->part);
    p->sharing = shape.sharing;
    if (p->cut == CUT_ROWS) p->rows = (p->rows + t - 1) / t; /* only a vocabulary may not divide: padded */
    if (p->cut == CUT_COLUMNS) p->columns = tensor_shape_count(&shape, (int)t) / (p->rows ? p->rows : 1);
    snprintf(p->name, sizeof p->name, "%s", name);
    u->count += parameter_count(p);
}

/* Layer l's own units are l + 1, but for the first, which has two; what the last layer has besides follows. */
static void place_stages(Gpt *gpt, const GptStages *stages)
{
    static const GptStages whole = {.count = 1};
    int L = (int)gpt->shape.layers;
    if (!stages) stages = &whole;
    gpt->stages = stages->count;
    gpt->stage = allocate_zeroed((size_t)gpt->stages, sizeof *gpt->stage);
    int64_t blocks = 0;
    for (int s = 0; s < gpt->stages; s++) {
        GptStage *stage = &gpt->stage[s];
        bool first = s == 0, last = s == gpt->stages - 1;
        stage->held = !stages->rank_of || stages->rank_of[s] == stages->rank;
        stage->first = first ? 0 : (int)blocks + 1;
        blocks += stage_blocks(gpt->shape.layers, gpt->stages, stages->blocks, s);
        stage->last = last ? L + 1 : (int)blocks;
        int from = first ? UNIT_WTE : stage->first + 1, to = last ? gpt->units - 1 : stage->last + 1;
        for (int u = from; u <= to; u++) {
            gpt->unit[u].stage = s;
            gpt->unit[u].held = stage->held;
        }
    }
}

static void add_block(Gpt *gpt)
{
    for (int b = 0; b < BRANCHES; b++)
        for (int i = 0; i < BRANCH_TENSORS; i++) {
            char name[48];
            snprintf(name, sizeof name, "h.0.%s", BLOCK_TABLE[b][i].name);
            add_parameter(gpt, UNIT_BLOCKS, name,
                          block_tensor_shape(&gpt->shape, gpt->region.size, (Branch)b, (BranchTensor)i),
                          BLOCK_TABLE[b][i].init);
        }
}

/* Blocks are alike but for their names: most of a dry rank's table would else be made by printf(). */
static void repeat_block(Gpt *gpt, int l)
{
    const Unit *first = &gpt->unit[UNIT_BLOCKS];
    Unit *u = &gpt->unit[UNIT_BLOCKS + l];
    char before[16];
    int letters = snprintf(before, sizeof before, "h.%d.", l);
    *u = (Unit){.count = first->count, .first = gpt->parameters, .parameters = first->parameters};
    for (int i = 0; i < first->parameters; i++) {
        Parameter *p = &gpt->parameter[gpt->parameters++];
        *p = gpt->parameter[first->first + i];
        p->unit = UNIT_BLOCKS + l;
        memcpy(p->name, before, (size_t)letters);
        strcpy(p->name + letters, gpt->parameter[first->first + i].name + strlen("h.0."));
    }
}

Gpt *gpt_new(const GptOptions *options)
{
    static const Region whole = {.size = 1};
    const GptShape *shape = options->shape;
    const GptStages *stages = options->stages;
    int L = (int)shape->layers, final = UNIT_BLOCKS + L;
    int64_t V = shape->vocab, C = shape->hidden;
    bool copy = shape->tie_embeddings && stages && stages->count > 1;
    Gpt *gpt = allocate_zeroed(1, sizeof *gpt);
    *gpt = (Gpt){.shape = *shape,
                 .device = options->device,
                 .region = options->region ? *options->region : whole,
                 .recompute = options->recompute,
                 .dtype = options->dtype,
                 .seed = options->seed,
                 .units = final + 1 + copy};
    gpt->vocab_cut = (V + gpt->region.size - 1) / gpt->region.size;
    gpt->unit = allocate_zeroed((size_t)gpt->units, sizeof *gpt->unit);
    gpt->parameter = allocate_zeroed((size_t)L * BLOCK_TENSORS + 6, sizeof *gpt->parameter);

    const TensorShape words = {.rows = V, .columns = C, .cut = CUT_ROWS}, vector = {.columns = C};
    const TensorShape positions = {.rows = shape->sequence, .columns = C};
    add_parameter(gpt, UNIT_WTE, "wte.weight", words, INIT_NORMAL);
    if (shape->position == POSITION_LEARNED)
        add_parameter(gpt, UNIT_WPE, "wpe.weight", positions, INIT_NORMAL);
    add_block(gpt);
    for (int l = 1; l < L; l++) repeat_block(gpt, l);
    add_parameter(gpt, final, "ln_f.weight", vector, INIT_ONE);
    if (shape->norm == NORM_LAYERNORM) add_parameter(gpt, final, "ln_f.bias", vector, INIT_ZERO);
    if (!shape->tie_embeddings) add_parameter(gpt, final, "lm_head.weight", words, INIT_NORMAL);
    gpt->head_embedding = copy ? final + 1 : shape->tie_embeddings ? UNIT_WTE : -1;
    if (copy) {
        add_parameter(gpt, final + 1, "wte.weight", words, INIT_NORMAL);
        gpt->parameter[gpt->parameters - 1].copy_of = &gpt->parameter[0];
    }
    place_stages(gpt, stages);
    return gpt;
}

void gpt_free(Gpt *gpt)
{
    if (!gpt) return;
    free(gpt->stage);
    free(gpt->unit);
    free(gpt->parameter);
    free(gpt);
}

int64_t gpt_parameter_count(const GptShape *shape)
{
    Device none = {.dry = true};
    GptShape one = *shape; /* its blocks are alike */
    one.layers = 1;
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &one, .device = &none});
    int64_t count = (shape->layers - 1) * gpt->unit[UNIT_BLOCKS].count;
    for (int u = 0; u < gpt->units; u++) count += gpt->unit[u].count;
    gpt_free(gpt);
    return count;
}

Tensor gpt_words(const Gpt *gpt, LayerTensors t)
{
    return tensor_view(t.words, 0, gpt->vocab_cut * gpt->shape.hidden);
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

/* In the whole, unsplit parameter; below 0: in its padding. */
static int64_t place_of(const Gpt *gpt, const Parameter *p, int64_t here)
{
    return parameter_place(p, gpt->region.size, gpt->region.rank, here);
}

/* Numbers that lie in a row in the whole are drawn together. */
enum { TOGETHER = 64 };

static void fill(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count, void *context)
{
    const Filling *f = context;
    double deviation =
        0.02 / (p->init == INIT_NORMAL_RESIDUAL ? sqrt(2.0 * (double)f->gpt->shape.layers) : 1.0);
    uint64_t index = (uint64_t)((p->copy_of ? p->copy_of : p) - f->gpt->parameter);
    bool drawn = p->init == INIT_NORMAL || p->init == INIT_NORMAL_RESIDUAL;
    double value[TOGETHER];
    for (int64_t i = 0, run; i < count; i += run) {
        int64_t place = place_of(f->gpt, p, in_parameter + i);
        for (run = 1; i + run < count && run < TOGETHER; run++)
            if (place_of(f->gpt, p, in_parameter + i + run) != place + run) break;
        if (drawn && place >= 0) random_normals(f->seed, STREAM_WEIGHTS, index, (uint64_t)place, value, run);
        for (int64_t j = 0; j < run; j++)
            f->to[in_range + i + j] =
                (real)(drawn && place >= 0 ? deviation * value[j] : p->init == INIT_ONE);
    }
}

void gpt_initialise(const Gpt *gpt, int unit, int64_t offset, int64_t seed, Tensor to)
{
    tensor_zero(to); /* padding past the unit's end stays zero */
    if (!to.data) return;
    Filling filling = {.gpt = gpt, .seed = seed, .to = reals(to)};
    gpt_each_parameter(gpt, unit, offset, to.count, fill, &filling);
}
