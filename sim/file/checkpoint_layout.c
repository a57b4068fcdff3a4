/* checkpoint_layout.c - the layout as functions of a model and its optimizer. */
#include "sim/file/checkpoint_layout.h"
#include <stdio.h>
#include <string.h>
#include "models/layers/gpt_count.h"
#include "models/machine/real.h"

static OptimizerKind optimizer_of(const Config *config)
{
    return (OptimizerKind)config->train.optimizer.kind;
}

int checkpoint_parts(const Config *config)
{
    return 1 + optimizer_states(optimizer_of(config));
}

size_t checkpoint_tensors(const Gpt *gpt, const Config *config)
{
    return (size_t)(checkpoint_parts(config) * gpt->numbers + gpt->buffers);
}

size_t checkpoint_places(const Gpt *gpt, const Config *config)
{
    return checkpoint_tensors(gpt, config) + 1;
}

int checkpoint_which(int part)
{
    return part ? part - 1 : OPTIMIZER_MASTER;
}

void checkpoint_group(const Config *config, int part, char path[CHECKPOINT_PATH])
{
    if (part == checkpoint_parts(config))
        snprintf(path, CHECKPOINT_PATH, "/buffers");
    else if (part)
        snprintf(path, CHECKPOINT_PATH, "/optimizer/%s",
                 optimizer_state_name(optimizer_of(config), checkpoint_which(part)));
    else
        snprintf(path, CHECKPOINT_PATH, "/model");
}

void checkpoint_dataset(const Config *config, int part, const Parameter *p, char path[CHECKPOINT_PATH])
{
    checkpoint_group(config, part, path);
    size_t used = strlen(path);
    snprintf(path + used, CHECKPOINT_PATH - used, "/%s", p->name);
}

size_t checkpoint_values(const Gpt *gpt, const Config *config)
{
    size_t buffers = (size_t)(gpt->buffers * gpt->shape.experts.count);
    return ((size_t)checkpoint_parts(config) * (size_t)gpt_parameter_count(&gpt->shape) + buffers) *
           sizeof(real);
}

size_t checkpoint_bytes(const Gpt *gpt, const Config *config)
{
    enum { HEADER = 1024, REST = 1 << 16 }; /* of a dataset, half of it used; of the file, with its keys */
    return checkpoint_values(gpt, config) + checkpoint_tensors(gpt, config) * HEADER + REST +
           strlen(config->text);
}

int checkpoint_shape(const Parameter *p, size_t dims[H5_MAX_RANK])
{
    dims[0] = (size_t)(p->whole_rows ? p->whole_rows : p->whole_columns);
    dims[1] = (size_t)p->whole_columns;
    return p->whole_rows ? 2 : 1;
}

bool checkpoint_each(const Gpt *gpt, const Config *config,
                     bool (*visit)(const Parameter *p, const char *path, int tensor, void *context),
                     void *context)
{
    char path[CHECKPOINT_PATH];
    int parts = checkpoint_parts(config), parameters = parts * gpt->parameters;
    bool ok = true;
    for (int i = 0; ok && i < parameters; i++) {
        const Parameter *p = &gpt->parameter[i % gpt->parameters];
        checkpoint_dataset(config, i / gpt->parameters, p, path);
        ok = p->copy_of || visit(p, path, i, context);
    }
    for (int i = 0; ok && i < gpt->buffers; i++) {
        checkpoint_dataset(config, parts, &gpt->buffer[i], path);
        ok = visit(&gpt->buffer[i], path, parameters + i, context);
    }
    return ok;
}
