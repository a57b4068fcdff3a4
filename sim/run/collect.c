/* collect.c - over the replicas' shards and experts, the tensor ranks' slices and the pipeline's stages. */
#include "sim/run/collect.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"

/* fp16's gradients are those of the loss times its scale. */
static void unscale(const Trainer *t, Tensor whole)
{
    for (int64_t i = 0; i < whole.count && whole.data && t->loss_scale != 1; i++)
        reals(whole)[i] /= (real)t->loss_scale;
}

/* Whether a unit is of experts that replicas share. */
static bool is_shared(const Trainer *t, int u)
{
    return t->mesh.shape.ep > 1 && t->gpt->unit[u].domain > 0;
}

/* A unit of this rank, padded, on the first of those that hold it alike; of experts that replicas share all their parts,
 * one after the other, on the first of all. Freed by who has it. */
static Tensor collect_unit(Trainer *t, int u, bool gradients, Device *aside)
{
    const Mesh *mesh = &t->mesh;
    const DomainUnit *own = &t->data_parallel->unit[u];
    Tensor mine = {0}, all = {0};
    if (own->domain->groups.group->rank == 0) mine = tensor_new(aside, MEM_WORKSPACE, REAL, own->padded);
    data_parallel_collect(t->data_parallel, u, gradients, mine);
    if (!is_shared(t, u) || !mine.device) return mine;
    if (mesh->place.data == 0) all = tensor_new(aside, MEM_WORKSPACE, REAL, mesh->shape.ep * mine.count);
    gather(mesh->expert_group, OUTPUT_GATHER, mine.data, tensor_bytes(mine), all.data, 0);
    tensor_free(&mine);
    return all;
}

/* Where the i-th parameter of a unit of the whole model lies in that. */
static int64_t place_of(const Trainer *t, int u, int i)
{
    const Unit *unit = &t->gpt->unit[u];
    const DomainUnit *own = &t->data_parallel->unit[u];
    if (!is_shared(t, u)) return t->gpt->parameter[unit->first + i].offset;
    const int experts = (int)t->gpt->shape.experts.count, held = experts / t->mesh.shape.ep;
    const int tensor = i / experts, expert = i % experts;
    return expert / held * own->padded +
           t->gpt->parameter[unit->first + tensor * held + expert % held].offset;
}

void collect_parameters(Trainer *t, bool gradients,
                        void (*visit)(const Parameter *p, Tensor whole, void *context), void *context)
{
    Device aside = {.dry = t->device.dry};
    const Mesh *mesh = &t->mesh;
    const Gpt *gpt = trainer_whole(t);
    for (int u = 0; u < gpt->units; u++) {
        const Unit *unit = &gpt->unit[u];
        Tensor mine = {0};
        if (unit->parameters == 0 || gpt->parameter[unit->first].copy_of) continue;
        if (unit->held) mine = collect_unit(t, u, gradients, &aside);
        for (int i = 0; i < unit->parameters && mesh->place.data == 0; i++) {
            const Parameter *p = &gpt->parameter[unit->first + i];
            Tensor whole = {0};
            if (mesh->place.tensor == 0 && (unit->held || mesh->place.pipe == 0))
                whole = tensor_new(&aside, MEM_WORKSPACE, REAL, parameter_whole_count(p));
            if (unit->held)
                tensor_parallel_collect(p, mesh->tensor_group,
                                        tensor_view(mine, place_of(t, u, i), parameter_count(p)), whole);
            if (mesh->place.tensor == 0) stages_collect(t->stages, unit->stage, unit->first + i, whole);
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
