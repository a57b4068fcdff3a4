/* checkpoints.c - the last steps' files. */
#include "sim/run/checkpoints.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "sim/base/clock.h"
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/config/refuse.h"
#include "sim/file/checkpoint_list.h"
#include "sim/run/agree.h"
#include "sim/run/announce.h"
#include "sim/run/shared_folder.h"
#include "sim/run/stop.h"

static bool asked_for(const Checkpoints *c)
{
    return c->trainer->config->output.checkpoint[0] != '\0';
}

bool checkpoints_are_possible(const Trainer *t, Group *world, Error *error)
{
    const Config *c = t->config;
    Error why = {.text = ""};
    char last[CONFIG_PATH + 32];
    if (!c->output.checkpoint[0] || t->device.dry) return true;
    checkpoint_name(c->output.checkpoint, c->train.steps, last, sizeof last);
    bool room = world->rank > 0 ||
                (files_prepare(last, &why) && draft_has_room(last, checkpoint_bytes(t->gpt, c), &why));
    if (agree(world, room) && shared_folder(world, c->output.checkpoint, &why)) return true;
    return config_refuse(c, "output.checkpoint", error, "%s", why.text);
}

static void announce_size(const Checkpoints *c)
{
    const Config *config = c->trainer->config;
    char size[32], every[64] = "", name[CONFIG_PATH + 32];
    words_bytes_about((double)checkpoint_bytes(c->trainer->gpt, config), size, sizeof size);
    checkpoint_name(config->output.checkpoint, config->train.steps, name, sizeof name);
    if (config->output.checkpoint_every)
        snprintf(every, sizeof every, " every %lld step%s and", (long long)config->output.checkpoint_every,
                 words_s(config->output.checkpoint_every));
    if (c->trainer->device.dry)
        printf("  a checkpoint would take at most %s; a dry run has none\n", size);
    else
        printf("  checkpoints of at most %s:%s after the last step, in %s\n", size, every, name);
    fflush(stdout);
}

void checkpoints_begin(Checkpoints *c, Trainer *t, Record *record, const char *run)
{
    const Group *world = record->world;
    *c = (Checkpoints){.trainer = t, .world = record->world, .record = record};
    if (world->rank > 0 || !asked_for(c)) return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (run[0])
        snprintf(c->run, sizeof c->run, "%s", run);
    else
        snprintf(c->run, sizeof c->run, "%llx.%lx-%lx", (long long)now.tv_sec, now.tv_nsec, (long)getpid());
    if (!t->device.dry) {
        checkpoint_clear(t->config->output.checkpoint);
        c->moment = checkpoint_newest(t->config->output.checkpoint);
    }
    announce_size(c);
}

/* What this run had written there before, and has written again, is worth nothing. */
static void let_go(Checkpoints *c, Saved *saved)
{
    if (!saved->kept[0] || !checkpoint_is_of(saved->kept, c->run)) return;
    discard_name(&c->gone, saved->kept);
    saved->kept[0] = '\0';
}

/* Rank 0's: one is complete; NULL: it is not. */
static void conclude(Checkpoints *c, const char *path, Saved *saved)
{
    const Config *config = c->trainer->config;
    c->missed = !saved;
    if (!saved) {
        fflush(stdout);
        fprintf(stderr, "sim: warning: no checkpoint after step %lld, and training goes on: %s\n",
                (long long)c->saved_step, c->why.text);
        return;
    }
    discard_end(&c->gone);
    let_go(c, saved);
    announce_place("checkpoint", path, saved->path, saved->kept);
    c->last = *saved;
    c->written++;
    c->placed_step = c->saved_step;
    stop_saved(saved->path);
    if (config->output.checkpoint_keep)
        checkpoint_prune(config->output.checkpoint, c->run, (size_t)config->output.checkpoint_keep, &c->gone);
    discard_begin(&c->gone);
}

static void note(const Checkpoints *c, const char *path)
{
    struct stat there;
    CheckpointPlaced placed = {.seconds = checkpoint_seconds(c->saving),
                               .copies = checkpoint_copies(c->saving)};
    if (!stat(path, &there)) placed.bytes = (double)there.st_size;
    record_placed(c->record, c->saved_step, placed);
}

/* The one under way, to its end. */
static void finish(Checkpoints *c)
{
    char path[CONFIG_PATH + 32];
    Saved saved;
    if (!c->saving) return;
    checkpoint_name(c->trainer->config->output.checkpoint, c->saved_step, path, sizeof path);
    bool written = checkpoint_end(c->saving, &saved, &c->why);
    if (c->world->rank == 0 && written) note(c, saved.path);
    checkpoint_free(c->saving);
    c->saving = NULL;
    if (c->world->rank == 0) conclude(c, path, written ? &saved : NULL);
}

/* The one before is in its place by then, or is none. */
static void begin(Checkpoints *c, int64_t steps, bool beside)
{
    char path[CONFIG_PATH + 32];
    finish(c);
    c->saved_step = steps;
    checkpoint_name(c->trainer->config->output.checkpoint, steps, path, sizeof path);
    if (c->world->rank == 0) c->moment = checkpoint_moment(c->moment);
    const SavingRequest request = {path, steps, c->run, c->moment, beside, &c->image};
    c->saving = checkpoint_begin(c->trainer, c->world, &request, &c->why);
    if (!c->saving) { /* what went for the one before may have held its room still */
        discard_end(&c->gone);
        c->saving = checkpoint_begin(c->trainer, c->world, &request, &c->why);
    }
    if (!c->saving && c->world->rank == 0) conclude(c, path, NULL);
}

void checkpoints_tell(Checkpoints *c)
{
    if (c->saving) checkpoint_tell(c->saving);
}

void checkpoints_after(Checkpoints *c, int64_t steps)
{
    const Config *config = c->trainer->config;
    int64_t every = config->output.checkpoint_every;
    bool due = asked_for(c) && every && steps % every == 0 && steps < config->train.steps,
         writing = c->saving, beside = config->output.checkpoint_async;
    double began = clock_now();
    if (c->trainer->device.dry || (!due && !writing)) return;
    if (writing && checkpoint_goes_on(c->saving)) finish(c);
    if (due) begin(c, steps, beside);
    if (due && !beside) finish(c);
    if (c->world->rank == 0) record_checkpoint(c->record, writing, clock_now() - began);
}

bool checkpoints_end(Checkpoints *c, int64_t steps, Error *error)
{
    if (!asked_for(c) || c->trainer->device.dry) return true;
    double began = clock_now();
    bool writing = c->saving;
    begin(c, steps, false);
    finish(c);
    if (c->world->rank == 0) record_checkpoint(c->record, writing, clock_now() - began);
    if (!agree(c->world, !c->missed))
        return error_set(error, "no checkpoint after the last step: %s", c->why.text);
    if (c->world->rank == 0) printf("  checkpoint after step %lld in %s\n", (long long)steps, c->last.path);
    return true;
}

void checkpoints_free(Checkpoints *c)
{
    discard_end(&c->gone);
    checkpoint_image_free(c->image);
}

void checkpoints_drop(Checkpoints *c)
{
    checkpoint_drop(c->saving);
}
