/* checkpoint_load.c - what this rank needs of a checkpoint, read and held against its checksums, and the agreement on how
 * it went. */
#include "sim/run/checkpoint_load.h"
#include <stdlib.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"
#include "parallel/data/kept.h"
#include "sim/base/progress.h"
#include "sim/file/checkpoint_sums.h"
#include "sim/run/agree.h"
#include "sim/run/checkpoint_share.h"
#include "sim/run/verdict.h"

/* One rank's reading. */
typedef struct Reading {
    const Trainer *t;
    H5 *file;
    int part;      /* of the file */
    real *values;  /* of a range of it */
    uint64_t *sum; /* (tensors) */
    Error *error;  /* of the first that failed */
    bool ok;
} Reading;

static void read_slab(const CheckpointSlab *s, void *context)
{
    Reading *c = context;
    char path[CHECKPOINT_PATH];
    if (!c->ok) return;
    checkpoint_dataset(c->t->config, c->part, s->parameter, path);
    c->ok = h5_read_slab(c->file, path, &s->slab, h5_real, c->values + s->in_range, c->error);
}

static void sum_slab(const CheckpointSlab *s, void *context)
{
    const Reading *c = context;
    if (s->owned) c->sum[s->tensor] += checkpoint_sum(s->parameter, &s->slab, c->values + s->in_range);
}

/* All that is needed of a unit; and what is owned of that, which lies in it, is held against the checksums. */
static void read_range(Reading *c, int i, const CheckpointRange *needed, real *values)
{
    Tensor ignored;
    const CheckpointRange owned = checkpoint_owned(c->t, i, &ignored);
    c->part = needed->part;
    c->values = values;
    checkpoint_slabs(c->t, needed, read_slab, c);
    if (!c->ok || owned.count == 0) return;
    c->values = values + owned.first - needed->first;
    checkpoint_slabs(c->t, &owned, sum_slab, c);
}

/* Parameters, whatever of them is a master, by way of a range of reals aside: a file is no part of a step's memory. */
static void read_parameters(Reading *c, int i, const CheckpointRange *needed)
{
    Device aside = {.dry = false};
    Tensor values = tensor_new(&aside, MEM_WORKSPACE, REAL, needed->count);
    tensor_zero(values);
    read_range(c, i, needed, reals(values));
    if (c->ok) data_parallel_take(c->t->data_parallel, needed->unit, values, needed->first);
    tensor_free(&values);
}

static void read_units(Reading *c)
{
    int units = checkpoint_units(c->t);
    Progress progress;
    progress_begin(&progress, units, PROGRESS_QUIET);
    for (int i = 0; i < units && c->ok; i++) {
        Tensor values;
        const CheckpointRange needed = checkpoint_needed(c->t, i, &values);
        if (needed.count == 0) continue;
        if (needed.part == 0)
            read_parameters(c, i, &needed);
        else
            read_range(c, i, &needed, reals(values));
        if (c->t->comm->rank == 0 && progress_due(&progress, i + 1))
            progress_show(&progress, "checkpoint: %d of %d pieces read", i + 1, units);
    }
    progress_end(&progress);
}

static bool read_all(Trainer *t, Group *world, const char *path, Error *error)
{
    size_t tensors = (size_t)checkpoint_tensors(t->gpt, t->config);
    uint64_t *sum = allocate_zeroed(tensors, sizeof *sum);
    Error why;
    H5 *file = h5_open(path, &why); /* each by itself, as a file that is read */
    Reading c = {.t = t, .file = file, .sum = sum, .error = &why, .ok = file != NULL};
    read_units(&c);
    bool whole = verdict_of_all(world, c.ok, sum, tensors, &why);
    if (!whole) *error = why;
    if (world->rank == 0 && whole) whole = checkpoint_is_whole(file, trainer_whole(t), t->config, sum, error);
    if (file) h5_close(file, NULL);
    free(sum);
    return agree(world, whole);
}

/* Rank 0's view of what the file says of itself; and all know it. */
static CheckpointFit check(Trainer *t, Group *world, const char *path, CheckpointState *state, Error *error)
{
    int32_t found = CHECKPOINT_DAMAGED;
    H5 *file = world->rank == 0 ? h5_open(path, error) : NULL;
    if (file) found = checkpoint_check(file, trainer_whole(t), t->config, data_mark(t->data), state, error);
    if (file) h5_close(file, NULL);
    tree_broadcast(world, CONTROL, &found, sizeof found, 0);
    return (CheckpointFit)found;
}

CheckpointFit checkpoint_load(Trainer *t, Group *world, const char *path, CheckpointState *state,
                              Error *error)
{
    *state = (CheckpointState){.step = 0};
    CheckpointFit found = check(t, world, path, state, error);
    if (found != CHECKPOINT_FITS) return found;
    tree_broadcast(world, INIT_BROADCAST, state, sizeof *state, 0);
    if (!read_all(t, world, path, error)) return CHECKPOINT_DAMAGED;
    t->updates = state->updates;
    /* what another precision scaled its loss by says nothing of this one's */
    if (t->config->train.precision == PRECISION_FP16 && state->scaled) {
        t->loss_scale = state->loss_scale;
        t->fine = state->fine;
    }
    if (t->updates > 0) kept_settle(t->data_parallel);
    return CHECKPOINT_FITS;
}
