/* carry_weights.c - one unit in memory at a time. */
#include "sim/run/carry_weights.h"
#include <stdio.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"
#include "sim/base/draft.h"
#include "sim/base/progress.h"
#include "sim/config/refuse.h"
#include "sim/file/weights.h"
#include "sim/run/agree.h"
#include "sim/run/collect.h"

/* As this rank has the parameter; NULL: it is of an expert elsewhere. */
static const Parameter *held_here(const Gpt *gpt, const Parameter *p)
{
    const Unit *unit = &gpt->unit[p->unit];
    if (!unit->held) return NULL;
    for (int i = unit->first; i < unit->first + unit->parameters; i++)
        if (gpt->parameter[i].number == p->number) return &gpt->parameter[i];
    return NULL;
}

/* One parameter reaches every rank whole, and each takes its slice into its range of the unit. Both lie aside, as in
 * sim/run/collect.h: a file is no part of a step's memory. */
static void load_parameter(H5 *file, const Trainer *t, const Parameter *p, Group *world, Tensor unit)
{
    const Parameter *own = held_here(t->gpt, p);
    Tensor whole = tensor_new(unit.device, MEM_WORKSPACE, REAL, parameter_whole_count(p));
    if (file && whole.data) weights_read(file, &t->gpt->shape, p, reals(whole));
    tree_broadcast(world, INIT_BROADCAST, whole.data, tensor_bytes(whole), 0);
    if (own) tensor_parallel_slice(t->gpt, own, whole, tensor_view(unit, own->offset, parameter_count(own)));
    tensor_free(&whole);
}

/* To all that hold it. */
static void load_buffer(H5 *file, const Trainer *t, int i, Group *world)
{
    Device aside = {.dry = t->device.dry};
    Tensor whole = tensor_new(&aside, MEM_WORKSPACE, REAL, parameter_whole_count(&t->gpt->buffer[i]));
    if (file && whole.data) weights_read(file, &t->gpt->shape, &t->gpt->buffer[i], reals(whole));
    tree_broadcast(world, INIT_BROADCAST, whole.data, tensor_bytes(whole), 0);
    if (t->bias.each[i].count) tensor_copy(t->bias.each[i], whole);
    tensor_free(&whole);
}

/* Rank 0's: how many of the model's tensors have been carried. */
static void show(Progress *progress, int carried, const Gpt *gpt, const char *how)
{
    if (progress_due(progress, carried))
        progress_show(progress, "%d of %d tensors %s", carried, gpt->parameters + gpt->buffers, how);
}

bool weights_load(const char *path, Trainer *t, Group *world, Error *error)
{
    DataParallel *d = t->data_parallel;
    Device aside = {.dry = t->device.dry};
    const Gpt *gpt = trainer_whole(t);
    H5 *file = world->rank == 0 ? weights_open(path, gpt, error) : NULL;
    if (!agree(world, file)) return false;
    Progress progress;
    progress_begin(&progress, gpt->parameters, PROGRESS_QUIET);
    for (int u = 0; u < gpt->units; u++) {
        const Unit *unit = &gpt->unit[u];
        Tensor mine = tensor_new(&aside, MEM_WORKSPACE, REAL, d->unit[u].padded);
        tensor_zero(mine);
        for (int i = unit->first; i < unit->first + unit->parameters; i++) {
            load_parameter(file, t, &gpt->parameter[i], world, mine);
            if (file) show(&progress, i + 1, gpt, "read");
        }
        data_parallel_set(d, u, mine);
        tensor_free(&mine);
    }
    for (int i = 0; i < t->gpt->buffers; i++) load_buffer(file, t, i, world);
    progress_end(&progress);
    if (file) h5_close(file, NULL);
    return true;
}

typedef struct Writing {
    H5 *file; /* NULL: a dry run's, or one that could not be written */
    const Gpt *gpt;
    bool gradients;
    Error *error;
    int written;
    Progress progress;
} Writing;

/* The others send on when the file is lost. */
static void write_parameter(const Parameter *p, Tensor whole, void *context)
{
    Writing *w = context;
    if (!w->file) return;
    if (weights_write(w->file, &w->gpt->shape, p, w->gradients, reals(whole), w->error)) {
        show(&w->progress, ++w->written, w->gpt, "written");
        return;
    }
    h5_abandon(w->file);
    w->file = NULL;
}

bool weights_have_room(const Config *c, bool gradients, Error *error)
{
    const char *const paths[] = {c->output.weights, gradients ? c->output.gradients : ""};
    const char *const keys[] = {"output.weights", "output.gradients"};
    const size_t bytes = weights_bytes(&c->model.shape);
    const char *key[2];
    DraftNeed need[2];
    Error why;
    int count = 0, lacks = 0;
    for (int i = 0; i < 2; i++)
        if (paths[i][0]) need[count] = (DraftNeed){paths[i], bytes}, key[count++] = keys[i];
    return drafts_have_room(need, count, &lacks, &why) || config_refuse(c, key[lacks], error, "%s", why.text);
}

bool weights_save(const char *path, Trainer *t, Group *world, bool gradients, Saved *saved, Error *error)
{
    bool writes = world->rank == 0 && !t->device.dry;
    Writing writing = {.gpt = trainer_whole(t), .gradients = gradients, .error = error};
    if (writes) writing.file = weights_create(path, gradients, error);
    *saved = (Saved){0};
    progress_begin(&writing.progress, writing.gpt->parameters, PROGRESS_QUIET);
    collect_parameters(t, gradients, write_parameter, &writing);
    if (!gradients) collect_buffers(t, write_parameter, &writing);
    progress_end(&writing.progress);
    H5 *file = writing.file;
    if (!file) return !writes;
    if (!h5_publish(file, error)) {
        h5_abandon(file);
        return false;
    }
    snprintf(saved->path, sizeof saved->path, "%s", h5_path(file));
    snprintf(saved->kept, sizeof saved->kept, "%s", h5_kept(file));
    return h5_close(file, error);
}
