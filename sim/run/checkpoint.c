/* checkpoint.c - who reads what of a checkpoint, and the agreement on how it went. */
#include "sim/run/checkpoint.h"
#include <stdlib.h>
#include "parallel/collectives/collectives.h"
#include "parallel/data/kept.h"
#include "sim/base/progress.h"
#include "sim/run/agree.h"
#include "sim/run/verdict.h"

/* One rank's part. */
typedef struct Reading {
    const Trainer *t;
    H5 *file;
    int part;             /* of the file */
    real *values;         /* of a range of a unit, */
    int64_t first, alone, /* where that begins, and the part of it whose checksum is this rank's to tell */
        alone_count;
    uint64_t *sum; /* (tensors) */
    Error *error;  /* of the first that failed */
    bool ok;
} Reading;

/* ---- a range of a unit ---- */

typedef struct Run {
    int64_t in_parameter, count;
    real *values;
} Run;

/* Elements of a parameter that lie one after the other here; `sums`: into its checksum, else from the file. Of what ranks
 * of a tensor group hold alike the first one sums. */
static void read_run(Reading *c, const Parameter *p, Run run, bool sums)
{
    const Region *region = &c->t->gpt->region;
    ParameterSlab slab[PARAMETER_SLABS];
    char path[CHECKPOINT_PATH];
    int slabs = parameter_slabs(p, region->size, region->rank, run.in_parameter, run.count, slab);
    const Parameter *original = p->copy_of ? p->copy_of : p;
    checkpoint_dataset(c->t->config, c->part, original, path);
    for (int i = 0; i < slabs; i++) {
        const H5Slab s = {(size_t)slab[i].row,     (size_t)slab[i].column, (size_t)slab[i].rows,
                          (size_t)slab[i].columns, (size_t)slab[i].from,   (size_t)slab[i].stride};
        bool mine = slab[i].first && !p->copy_of;
        size_t tensor = (size_t)(c->part * c->t->gpt->parameters + (int)(original - c->t->gpt->parameter));
        if (sums && mine) c->sum[tensor] += checkpoint_sum(original, &s, run.values);
        if (!sums && c->ok) c->ok = h5_read_slab(c->file, path, &s, checkpoint_kind, run.values, c->error);
    }
}

static void read_parameter(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count,
                           void *context)
{
    Reading *c = context;
    read_run(c, p, (Run){in_parameter, count, c->values + in_range}, false);
}

static void sum_parameter(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count,
                          void *context)
{
    Reading *c = context;
    read_run(c, p, (Run){in_parameter, count, c->values + c->alone - c->first + in_range}, true);
}

/* `count` values of a unit from c->first on, of which this rank answers for `alone`. */
static void read_range(Reading *c, int unit, int64_t count)
{
    Tensor alone = kept_alone(c->t->data_parallel, checkpoint_which(c->part), unit, &c->alone);
    c->alone_count = alone.device ? alone.count : 0;
    gpt_each_parameter(c->t->gpt, unit, c->first, count, read_parameter, c);
    if (c->ok) gpt_each_parameter(c->t->gpt, unit, c->alone, c->alone_count, sum_parameter, c);
}

/* ---- all of them ---- */

/* The parameters that are here, whatever of them is a master, by way of a range of reals aside: a file is no part of a
 * step's memory. */
static void read_parameters(Reading *c, int unit)
{
    DataParallel *d = c->t->data_parallel;
    Device aside = {.dry = false};
    int64_t count;
    data_parallel_here(d, unit, &c->first, &count);
    Tensor values = tensor_new(&aside, MEM_WORKSPACE, REAL, count);
    tensor_zero(values);
    c->values = reals(values);
    read_range(c, unit, count);
    if (c->ok) data_parallel_take(d, unit, values, c->first);
    tensor_free(&values);
}

static void read_state(Reading *c, int unit)
{
    Tensor here = kept_here(c->t->data_parallel, checkpoint_which(c->part), unit, &c->first);
    if (!here.device) return;
    c->values = reals(here);
    read_range(c, unit, here.count);
}

static void read_units(Reading *c)
{
    const Gpt *gpt = c->t->gpt;
    int units = checkpoint_parts(c->t->config) * gpt->units;
    Progress progress;
    progress_begin(&progress, units, PROGRESS_QUIET);
    for (int i = 0; i < units && c->ok; i++) {
        int unit = i % gpt->units;
        c->part = i / gpt->units;
        if (!gpt->unit[unit].held) continue;
        if (c->part == 0)
            read_parameters(c, unit);
        else
            read_state(c, unit);
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
    if (world->rank == 0 && whole) whole = checkpoint_is_whole(file, t->gpt, t->config, sum, error);
    if (file) h5_close(file, NULL);
    free(sum);
    return agree(world, whole);
}

/* Rank 0's view of what the file says of itself; and all know it. */
static CheckpointLoaded check(const Trainer *t, Group *world, const char *path, CheckpointState *state,
                              Error *error)
{
    int32_t found = CHECKPOINT_LOADED;
    H5 *file = world->rank == 0 ? h5_open(path, error) : NULL;
    if (world->rank == 0 && !file)
        found = CHECKPOINT_DAMAGED;
    else if (file && !checkpoint_check(file, t->gpt, t->config, data_mark(t->data), state, error))
        found = CHECKPOINT_REFUSED;
    if (file) h5_close(file, NULL);
    tree_broadcast(world, CONTROL, &found, sizeof found, 0);
    return (CheckpointLoaded)found;
}

CheckpointLoaded checkpoint_load(Trainer *t, Group *world, const char *path, CheckpointState *state,
                                 Error *error)
{
    *state = (CheckpointState){.step = 0};
    CheckpointLoaded found = check(t, world, path, state, error);
    if (found != CHECKPOINT_LOADED) return found;
    tree_broadcast(world, INIT_BROADCAST, state, sizeof *state, 0);
    if (!read_all(t, world, path, error)) return CHECKPOINT_DAMAGED;
    t->updates = state->updates;
    /* what another precision scaled its loss by says nothing of this one's */
    if (t->config->train.precision == PRECISION_FP16 && state->scaled) {
        t->loss_scale = state->loss_scale;
        t->fine = state->fine;
    }
    if (t->updates > 0) kept_settle(t->data_parallel);
    return CHECKPOINT_LOADED;
}
