/* checkpoint_save.c - from what this rank owns to a file in its place, and the agreement on how it went.
 *
 * No rank waits for another's writes, so that stages and replicas write at once, and one that fails keeps nobody
 * waiting. Rank 0 hears of each; only when all have written their parts, and these are on the disk, does it write their
 * checksums, and only when these are, too, does the file get its name. */
#include "sim/run/checkpoint_save.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"
#include "sim/base/beside.h"
#include "sim/base/clock.h"
#include "sim/base/posix.h"
#include "sim/file/checkpoint_file.h"
#include "sim/file/checkpoint_sums.h"
#include "sim/file/checkpoint_writer.h"
#include "sim/run/agree.h"
#include "sim/run/checkpoint_share.h"
#include "sim/run/verdict.h"

enum { DRAFT_PATH = CONFIG_PATH + 128 };

struct Saving {
    const Trainer *t;
    Group *world;
    char path[CONFIG_PATH + 32];
    CheckpointWriter *writer; /* NULL: this rank has told how it went */
    bool beside;              /* from copies */
    real *copy;               /* until it is written */
    size_t copied;            /* bytes */
    double began, placed;     /* when; the latter is rank 0's */
    Verdicts *verdicts;       /* NULL: they are in */
    bool waits;               /* for what is left, from here on */
    /* rank 0's */
    const Gpt *whole;
    H5 *file;         /* lent to all; NULL: all values are in it, or it is dropped */
    Draft draft;      /* then: on its way to its place, */
    Beside placing;   /* by this */
    uint64_t *sum;    /* (tensors), and behind them (ranks) what each has copied */
    uint64_t of_sums; /* where checksums go in the file */
    bool ok;
    Error error;
};

/* ---- what this rank has ---- */

/* Of a range: where its values are while they are written. */
typedef struct Source {
    CheckpointWriter *writer;
    const real *values;
} Source;

static void add_slab(const CheckpointSlab *s, void *context)
{
    const Source *source = context;
    if (s->owned)
        checkpoint_writer_add(source->writer, &(CheckpointBlock){s->parameter, s->tensor, s->slab,
                                                                 source->values + s->in_range});
}

static size_t bytes_owned(const Trainer *t)
{
    size_t bytes = 0;
    Tensor values;
    for (int i = 0; i < checkpoint_units(t); i++)
        bytes += (size_t)checkpoint_owned(t, i, &values).count * sizeof(real);
    return bytes;
}

static void add_units(Saving *s)
{
    const Trainer *t = s->t;
    size_t used = 0;
    if (s->beside) {
        s->copied = bytes_owned(t);
        s->copy = device_aside(&t->device, "a copy that a checkpoint is written from", s->copied);
    }
    for (int i = 0; i < checkpoint_units(t); i++) {
        Tensor values;
        CheckpointRange owned = checkpoint_owned(t, i, &values);
        if (owned.count == 0) continue;
        Source source = {s->writer, reals(values)};
        if (s->beside)
            source.values = memcpy(s->copy + used, reals(values), (size_t)owned.count * sizeof(real));
        used += (size_t)owned.count;
        checkpoint_slabs(t, &owned, add_slab, &source);
    }
}

/* ---- beginning ---- */

/* What rank 0 tells: where the draft is, and behind that where the values of each tensor lie in it. */
static void join(Saving *s, const uint64_t *places)
{
    size_t tensors = checkpoint_tensors(s->t->gpt, s->t->config),
           bytes = DRAFT_PATH + tensors * sizeof *places;
    char *told = allocate_zeroed(1, bytes);
    uint64_t *place = (uint64_t *)(told + DRAFT_PATH);
    if (s->file) {
        snprintf(told, DRAFT_PATH, "%s", h5_draft(s->file));
        memcpy(place, places, tensors * sizeof *places);
        s->of_sums = places[tensors];
    }
    tree_broadcast(s->world, CONTROL, told, bytes, 0);
    s->writer = checkpoint_writer_new(&(CheckpointDraft){s->path, told, place}, tensors);
    s->sum = allocate_zeroed(tensors + (size_t)s->world->size, sizeof *s->sum);
    s->verdicts = verdicts_new(s->world, tensors + (size_t)s->world->size);
    free(told);
}

Saving *checkpoint_begin(Trainer *t, Group *world, const SavingRequest *r, Error *error)
{
    CheckpointState state = {.step = r->step,
                             .updates = t->updates,
                             .next_sample = r->step * t->config->train.global_batch,
                             .fine = t->fine,
                             .moment = r->moment,
                             .loss_scale = t->loss_scale,
                             .scaled = t->config->train.precision == PRECISION_FP16,
                             .data = data_mark(t->data)};
    snprintf(state.run, sizeof state.run, "%s", r->run);
    Saving *s = allocate_zeroed(1, sizeof *s);
    s->t = t;
    s->world = world;
    s->draft.file = -1;
    s->beside = r->beside;
    s->began = clock_now();
    snprintf(s->path, sizeof s->path, "%s", r->path);
    uint64_t *places = allocate_zeroed(checkpoint_places(t->gpt, t->config), sizeof *places);
    if (world->rank == 0) s->whole = trainer_whole(t);
    if (world->rank == 0)
        s->file = checkpoint_make(r->path, s->whole, t->config, &state, places, r->image, error);
    bool made = agree(world, s->file);
    if (made) {
        join(s, places);
        add_units(s);
        if (r->beside) checkpoint_writer_begin(s->writer);
    }
    free(places);
    if (made) return s;
    free(s);
    return NULL;
}

/* ---- going on ---- */

static void write_rest(Saving *s)
{
    Error error;
    size_t tensors = checkpoint_tensors(s->t->gpt, s->t->config);
    bool ok = checkpoint_writer_end(s->writer, s->waits && s->world->rank == 0, &error);
    memcpy(s->sum, checkpoint_writer_sums(s->writer), tensors * sizeof *s->sum);
    s->sum[tensors + (size_t)s->world->rank] = s->copied;
    verdicts_tell(s->verdicts, ok, s->sum, &error);
    checkpoint_writer_free(s->writer);
    s->writer = NULL;
    free(s->copy);
    s->copy = NULL;
}

/* In a thread: once it is on the disk. */
static void place(void *saving)
{
    Saving *s = saving;
    const Trainer *t = s->t;
    s->ok = checkpoint_sums_write(&s->draft, s->of_sums, s->whole, t->config, s->sum, &s->error) &&
            draft_place(&s->draft, NULL, &s->error) && files_sync_folder(s->draft.path, &s->error);
    s->placed = clock_now();
}

/* All values are in it, or it is not to be. */
static void hear(Saving *s)
{
    s->ok = verdicts_end(s->verdicts, s->sum, &s->error);
    s->verdicts = NULL;
    if (s->world->rank > 0) return;
    if (s->ok) {
        h5_give_draft(s->file, &s->draft);
        beside_begin(&s->placing, place, s);
    } else {
        h5_abandon(s->file);
    }
    s->file = NULL;
}

void checkpoint_tell(Saving *s)
{
    if (s->writer && checkpoint_writer_is_done(s->writer)) write_rest(s);
}

bool checkpoint_goes_on(Saving *s)
{
    checkpoint_tell(s);
    if (s->verdicts && verdicts_are_in(s->verdicts)) hear(s);
    return !s->writer && !s->verdicts && beside_is_done(&s->placing);
}

bool checkpoint_end(Saving *s, Saved *saved, Error *error)
{
    *saved = (Saved){0};
    s->waits = true;
    if (s->writer) write_rest(s);
    if (s->verdicts) hear(s);
    beside_end(&s->placing);
    bool ok = s->ok;
    if (!ok) *error = s->error;
    if (ok && s->world->rank == 0) {
        snprintf(saved->path, sizeof saved->path, "%s", s->draft.path);
        snprintf(saved->kept, sizeof saved->kept, "%s", s->draft.kept ? s->draft.kept : "");
    }
    draft_end(&s->draft);
    return ok;
}

double checkpoint_seconds(const Saving *s)
{
    return s->placed - s->began;
}

const uint64_t *checkpoint_copies(const Saving *s)
{
    return s->beside ? s->sum + checkpoint_tensors(s->t->gpt, s->t->config) : NULL;
}

void checkpoint_free(Saving *s)
{
    free(s->sum);
    free(s);
}

void checkpoint_drop(Saving *s)
{
    if (!s) return;
    h5_abandon(s->file);
    beside_end(&s->placing);
}

bool checkpoint_save(Trainer *t, Group *world, const char *path, int64_t step, const char *run, Saved *saved,
                     Error *error)
{
    CheckpointImage *image = NULL;
    Saving *s = checkpoint_begin(
        t, world, &(SavingRequest){.path = path, .step = step, .run = run, .image = &image}, error);
    checkpoint_image_free(image);
    if (!s) return false;
    bool written = checkpoint_end(s, saved, error);
    checkpoint_free(s);
    return agree(world, written);
}
