/* checkpoint_share.c - from units to ranges, and from ranges to slabs. */
#include "sim/run/checkpoint_share.h"
#include "parallel/data/kept.h"

int checkpoint_units(const Trainer *t)
{
    return checkpoint_parts(t->config) * t->gpt->units + t->gpt->buffers;
}

static CheckpointRange unit_at(const Trainer *t, int i)
{
    int parts = checkpoint_parts(t->config), buffer = i - parts * t->gpt->units;
    if (buffer >= 0) return (CheckpointRange){.part = parts, .unit = buffer};
    return (CheckpointRange){.part = i / t->gpt->units, .unit = i % t->gpt->units};
}

static bool is_buffer(const Trainer *t, const CheckpointRange *r)
{
    return r->part == checkpoint_parts(t->config);
}

/* All of it, where it is here. */
static CheckpointRange buffer_at(const Trainer *t, CheckpointRange r, Tensor *values)
{
    *values = t->bias.each[r.unit];
    r.count = values->count;
    return r;
}

CheckpointRange checkpoint_owned(const Trainer *t, int i, Tensor *values)
{
    CheckpointRange r = unit_at(t, i);
    *values = (Tensor){0};
    if (is_buffer(t, &r))
        return t->mesh.place.data == 0 && t->mesh.place.tensor == 0 ? buffer_at(t, r, values) : r;
    if (!t->gpt->unit[r.unit].held) return r;
    *values = kept_alone(t->data_parallel, checkpoint_which(r.part), r.unit, &r.first);
    if (values->device) r.count = values->count;
    return r;
}

CheckpointRange checkpoint_needed(const Trainer *t, int i, Tensor *values)
{
    CheckpointRange r = unit_at(t, i);
    *values = (Tensor){0};
    if (is_buffer(t, &r)) return buffer_at(t, r, values);
    if (!t->gpt->unit[r.unit].held) return r;
    if (r.part == 0) {
        data_parallel_here(t->data_parallel, r.unit, &r.first, &r.count);
        return r;
    }
    *values = kept_here(t->data_parallel, checkpoint_which(r.part), r.unit, &r.first);
    if (values->device) r.count = values->count;
    return r;
}

/* ---- slabs ---- */

typedef struct Cutting {
    const Gpt *gpt;
    int part;
    void (*visit)(const CheckpointSlab *slab, void *context);
    void *context;
} Cutting;

static void cut_parameter(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count,
                          void *context)
{
    const Cutting *c = context;
    const Gpt *gpt = c->gpt;
    const Parameter *original = p->copy_of ? p->copy_of : p;
    ParameterSlab cut[PARAMETER_SLABS];
    CheckpointSlab s = {.parameter = original, .in_range = in_range};
    s.tensor = (size_t)(c->part * gpt->numbers + original->number);
    int slabs = parameter_slabs(p, gpt->region.size, gpt->region.rank, in_parameter, count, cut);
    for (int i = 0; i < slabs; i++) {
        s.slab = (H5Slab){(size_t)cut[i].row,     (size_t)cut[i].column, (size_t)cut[i].rows,
                          (size_t)cut[i].columns, (size_t)cut[i].from,   (size_t)cut[i].stride};
        s.owned = cut[i].first && !p->copy_of;
        c->visit(&s, c->context);
    }
}

/* A row of numbers, which no rank has cut. */
static void visit_buffer(const Cutting *c, const CheckpointRange *range)
{
    CheckpointSlab s = {.parameter = &c->gpt->buffer[range->unit], .owned = true};
    s.tensor = (size_t)(c->part * c->gpt->numbers + range->unit);
    s.slab = (H5Slab){.rows = 1, .columns = (size_t)range->count, .stride = (size_t)range->count};
    if (range->count) c->visit(&s, c->context);
}

void checkpoint_slabs(const Trainer *t, const CheckpointRange *range,
                      void (*visit)(const CheckpointSlab *slab, void *context), void *context)
{
    Cutting c = {t->gpt, range->part, visit, context};
    if (is_buffer(t, range)) {
        visit_buffer(&c, range);
        return;
    }
    gpt_each_parameter(t->gpt, range->unit, range->first, range->count, cut_parameter, &c);
}
