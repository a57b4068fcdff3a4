/* checkpoint.c - who writes what of a checkpoint, who reads what, and the agreement on how it went.
 *
 * Writes are independent: no rank waits for another until all have written, so that stages and replicas write at
 * once, and one that fails keeps nobody waiting. Only then, before the file is closed, do they agree: a parallel file
 * that HDF5 could not write must not be closed (it hangs), so the job ends. What can be known before it is open, a
 * full disk above all, is found by rank 0 alone, and costs no more than that checkpoint. */
#include "sim/run/checkpoint.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "parallel/data/kept.h"
#include "parallel/wire/comm_mpi.h"
#include "sim/base/posix.h"
#include "sim/base/progress.h"
#include "sim/run/agree.h"
#include "sim/run/stopped.h"
#include "sim/run/verdict.h"

enum { DRAFT_PATH = CONFIG_PATH + 128 };

/* One rank's part. */
typedef struct Carrying {
    const Trainer *t;
    H5 *file;
    int part;             /* of the file */
    real *values;         /* of a range of a unit, */
    int64_t first, alone, /* where that begins, and the part of it whose checksum is this rank's to tell */
        alone_count;
    bool writes;
    uint64_t *sum; /* (tensors) */
    Error *error;  /* of the first that failed */
    bool ok;
} Carrying;

static int tensors_of(const Trainer *t)
{
    return checkpoint_parts(t->config) * t->gpt->parameters;
}

/* ---- a range of a unit ---- */

/* Why a write fails HDF5 does not learn from MPI. */
static void move(Carrying *c, const char *path, const H5Slab *slab, real *values)
{
    if (!c->ok) return;
    if (c->writes)
        c->ok =
            h5_write_slab(c->file, path, slab, checkpoint_kind, values, NULL) ||
            error_set(c->error, "cannot write %s (no room, a limit as ulimit -f, or a failing disk)", path);
    else
        c->ok = h5_read_slab(c->file, path, slab, checkpoint_kind, values, c->error);
}

typedef struct Run {
    int64_t in_parameter, count;
    real *values;
} Run;

/* Elements of a parameter that lie one after the other here; `sums`: into its checksum, else to or from the file. Of
 * what ranks of a tensor group hold alike the first one writes and sums. */
static void carry_run(Carrying *c, const Parameter *p, Run run, bool sums)
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
        if (!sums && (mine || !c->writes)) move(c, path, &s, run.values);
    }
}

static void carry_parameter(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count,
                            void *context)
{
    Carrying *c = context;
    carry_run(c, p, (Run){in_parameter, count, c->values + in_range}, false);
}

static void sum_parameter(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count,
                          void *context)
{
    Carrying *c = context;
    carry_run(c, p, (Run){in_parameter, count, c->values + c->alone - c->first + in_range}, true);
}

/* `count` values of a unit from c->first on, of which this rank answers for `alone`. */
static void carry_range(Carrying *c, int unit, int64_t count)
{
    gpt_each_parameter(c->t->gpt, unit, c->first, count, carry_parameter, c);
    if (c->ok) gpt_each_parameter(c->t->gpt, unit, c->alone, c->alone_count, sum_parameter, c);
}

static void answer_for(Carrying *c, int unit)
{
    Tensor alone = kept_alone(c->t->data_parallel, checkpoint_which(c->part), unit, &c->alone);
    c->alone_count = alone.device ? alone.count : 0;
}

/* ---- saving ---- */

static void write_units(Carrying *c)
{
    const Gpt *gpt = c->t->gpt;
    int units = checkpoint_parts(c->t->config) * gpt->units;
    Progress progress;
    progress_begin(&progress, units, PROGRESS_QUIET);
    for (int i = 0; i < units && c->ok; i++) {
        int unit = i % gpt->units;
        int64_t first;
        c->part = i / gpt->units;
        Tensor mine = kept_alone(c->t->data_parallel, checkpoint_which(c->part), unit, &first);
        if (!gpt->unit[unit].held || !mine.device) continue;
        c->values = reals(mine);
        c->first = first;
        answer_for(c, unit);
        carry_range(c, unit, mine.count);
        if (c->t->comm->rank == 0 && progress_due(&progress, i + 1))
            progress_show(&progress, "checkpoint: %d of %d pieces written", i + 1, units);
    }
    progress_end(&progress);
}

/* Ends the job where this fails: on every rank but one that could go on, were the file closed. */
static void write_all(Trainer *t, Group *world, const char *path, H5 *lent, uint64_t *sum)
{
    char draft[DRAFT_PATH] = "";
    Error error;
    if (lent) snprintf(draft, sizeof draft, "%s", h5_draft(lent));
    tree_broadcast(world, CONTROL, draft, sizeof draft, 0);
    H5 *file = h5_join(draft, comm_mpi_number(t->comm), &error);
    Carrying c = {.t = t, .file = file, .writes = true, .sum = sum, .error = &error, .ok = file != NULL};
    write_units(&c);
    size_t tensors = (size_t)tensors_of(t);
    if (!verdict_of_all(world, c.ok, sum, tensors, &error)) {
        h5_abandon(lent);
        stopped_forget(); /* MPI ends with TERM what has failed */
        fail("%s: not written, and earlier ones are untouched: %s", path, error.text);
    }
    agree(world, true); /* who comes here after a failure waits for the end */
    if (!h5_close(file, &error)) fail("%s", error.text);
    uint64_t none;
    verdict_of_all(world, true, &none, 0, &error); /* all have closed it */
}

bool checkpoint_save(Trainer *t, Group *world, const char *path, int64_t step, const char *run, Saved *saved,
                     Error *error)
{
    H5 *file = NULL;
    CheckpointState state = {.step = step,
                             .updates = t->updates,
                             .next_sample = step * t->config->train.global_batch,
                             .fine = t->fine,
                             .loss_scale = t->loss_scale,
                             .scaled = t->config->train.precision == PRECISION_FP16,
                             .data = data_mark(t->data)};
    snprintf(state.run, sizeof state.run, "%s", run);
    *saved = (Saved){0};
    if (world->rank == 0) file = checkpoint_make(path, t->gpt, t->config, &state, error);
    if (!agree(world, file)) return false;
    uint64_t *sum = allocate_zeroed((size_t)tensors_of(t), sizeof *sum);
    write_all(t, world, path, file, sum);
    if (file) {
        if (!checkpoint_sign(file, t->gpt, t->config, sum, error) || !h5_publish(file, error) ||
            !files_sync_folder(h5_path(file), error)) {
            h5_abandon(file);
            stopped_forget();
            fail("%s", error->text);
        }
        snprintf(saved->path, sizeof saved->path, "%s", h5_path(file));
        snprintf(saved->kept, sizeof saved->kept, "%s", h5_kept(file));
        if (!h5_close(file, error)) fail("%s", error->text);
    }
    free(sum);
    return true;
}

/* ---- loading ---- */

/* The parameters that are here, whatever of them is a master, by way of a range of reals aside: a file is no part of a
 * step's memory. */
static void read_parameters(Carrying *c, int unit)
{
    DataParallel *d = c->t->data_parallel;
    Device aside = {.dry = false};
    int64_t count;
    data_parallel_here(d, unit, &c->first, &count);
    Tensor values = tensor_new(&aside, MEM_WORKSPACE, REAL, count);
    tensor_zero(values);
    c->values = reals(values);
    answer_for(c, unit);
    carry_range(c, unit, count);
    if (c->ok) data_parallel_take(d, unit, values, c->first);
    tensor_free(&values);
}

static void read_state(Carrying *c, int unit)
{
    Tensor here = kept_here(c->t->data_parallel, checkpoint_which(c->part), unit, &c->first);
    if (!here.device) return;
    c->values = reals(here);
    answer_for(c, unit);
    carry_range(c, unit, here.count);
}

static void read_units(Carrying *c)
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
    size_t tensors = (size_t)tensors_of(t);
    uint64_t *sum = allocate_zeroed(tensors, sizeof *sum);
    Error why;
    H5 *file = h5_open(path, &why); /* each by itself, as a file that is read */
    Carrying c = {.t = t, .file = file, .sum = sum, .error = &why, .ok = file != NULL};
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
