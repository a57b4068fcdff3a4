/* collect.c - over the replicas' shards, the tensor ranks' slices and the pipeline's stages. */
#include "sim/run/collect.h"
#include "models/machine/tensor_values.h"

/* fp16's gradients are those of the loss times its scale. */
static void unscale(const Trainer *t, Tensor whole)
{
    for (int64_t i = 0; i < whole.count && whole.data && t->loss_scale != 1; i++)
        reals(whole)[i] /= (real)t->loss_scale;
}

void collect_parameters(Trainer *t, bool gradients,
                        void (*visit)(const Parameter *p, Tensor whole, void *context), void *context)
{
    Device aside = {.dry = t->device.dry};
    const Mesh *mesh = &t->mesh;
    for (int u = 0; u < t->gpt->units; u++) {
        const Unit *unit = &t->gpt->unit[u];
        Tensor mine = {0};
        if (unit->parameters == 0 || t->gpt->parameter[unit->first].copy_of) continue;
        if (unit->held) {
            const DomainUnit *own = &t->data_parallel->unit[u];
            if (own->domain->groups.group->rank == 0)
                mine = tensor_new(&aside, MEM_WORKSPACE, REAL, own->padded);
            data_parallel_collect(t->data_parallel, u, gradients, mine);
        }
        for (int i = unit->first; i < unit->first + unit->parameters && mesh->place.data == 0; i++) {
            const Parameter *p = &t->gpt->parameter[i];
            Tensor whole = {0};
            if (mesh->place.tensor == 0 && (unit->held || mesh->place.pipe == 0))
                whole = tensor_new(&aside, MEM_WORKSPACE, REAL, parameter_whole_count(p));
            if (unit->held)
                tensor_parallel_collect(p, mesh->tensor_group,
                                        tensor_view(mine, p->offset, parameter_count(p)), whole);
            if (mesh->place.tensor == 0) stages_collect(t->stages, unit->stage, i, whole);
            if (gradients && t->comm->rank == 0) unscale(t, whole);
            if (t->comm->rank == 0) visit(p, whole, context);
            tensor_free(&whole);
        }
        tensor_free(&mine);
    }
}

/* The first replica's, and of it the first of each tensor group's: all have them alike. */
void collect_buffers(Trainer *t, void (*visit)(const Parameter *p, Tensor whole, void *context),
                     void *context)
{
    Device aside = {.dry = t->device.dry};
    const MeshPlace *place = &t->mesh.place;
    for (int i = 0; i < t->gpt->buffers && place->data == 0 && place->tensor == 0; i++) {
        const Parameter *p = &t->gpt->buffer[i];
        const Unit *unit = &t->gpt->unit[p->unit];
        Tensor arrived = {0}, whole = t->bias.each[i];
        if (!unit->held && place->pipe == 0)
            whole = arrived = tensor_new(&aside, MEM_WORKSPACE, REAL, parameter_whole_count(p));
        stages_collect(t->stages, unit->stage, t->gpt->parameters + i, whole);
        if (t->comm->rank == 0) visit(p, whole, context);
        tensor_free(&arrived);
    }
}
