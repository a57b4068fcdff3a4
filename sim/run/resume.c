/* resume.c - which checkpoint, and how far its run had come. */
#include "sim/run/resume.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/words.h"
#include "sim/file/checkpoint_list.h"
#include "sim/run/agree.h"

enum { PATH_SIZE = CONFIG_PATH + 64 };

/* The state is the same on all ranks. */
static bool can_go_on(const Trainer *t, const char *path, const CheckpointState *state, Error *error)
{
    long long done = state->step, steps = t->config->train.steps;
    if (done > steps)
        return error_set(error,
                         "%s: %lld step%s are done in it, more than train.steps = %lld; try train.steps = "
                         "%lld to end where it does, or an earlier checkpoint",
                         path, done, words_s(done), steps, done);
    if (t->comm->rank > 0) return true;
    if (done < steps)
        printf("  goes on from %s, after step %lld%s\n", path, done,
               state->unused ? ", without its /optimizer: train.optimizer = sgd has no running values" : "");
    else
        printf("  all %lld step%s of train.steps = %lld were done already, in %s\n", steps, words_s(steps),
               steps, path);
    return true;
}

/* "ck.h5" is what checkpoints are named after, and none of them. */
static void name_newest(const char *path, Error *error)
{
    CheckpointFound *found = NULL;
    char quoted[PATH_SIZE];
    size_t count = access(path, F_OK) == 0 ? 0 : checkpoint_list(path, &found);
    if (count == 0) return;
    words_quote(quoted, sizeof quoted, found[0].path);
    error_set(error,
              "--resume %s: no such file, and the newest checkpoint of that name is %s; try --resume %s, or "
              "output.checkpoint = %s and --resume auto",
              path, found[0].path, quoted, path);
    checkpoint_list_free(found, count);
}

static bool resume_from(Trainer *t, Group *world, const char *path, CheckpointState *state, Error *error)
{
    if (checkpoint_load(t, world, path, state, error) == CHECKPOINT_FITS)
        return can_go_on(t, path, state, error);
    if (world->rank == 0) name_newest(path, error);
    return false;
}

/* Rank 0 has the list; all walk down it. */
static bool resume_newest(Trainer *t, Group *world, CheckpointState *state, Error *error)
{
    CheckpointFound *found = NULL;
    const char *where = t->config->output.checkpoint;
    int64_t count = world->rank == 0 ? (int64_t)checkpoint_list(where, &found) : 0;
    CheckpointFit loaded = CHECKPOINT_DAMAGED;
    char path[PATH_SIZE] = "";
    tree_broadcast(world, CONTROL, &count, sizeof count, 0);
    for (int64_t i = 0; i < count && loaded == CHECKPOINT_DAMAGED; i++) {
        if (found) snprintf(path, sizeof path, "%s", found[i].path);
        tree_broadcast(world, CONTROL, path, sizeof path, 0);
        loaded = checkpoint_load(t, world, path, state, error);
        if (loaded == CHECKPOINT_DAMAGED && found) {
            fflush(stdout);
            fprintf(stderr, "sim: warning: %s\n", error->text);
        }
    }
    checkpoint_list_free(found, (size_t)(found ? count : 0));
    if (world->rank == 0 && count == 0) printf("  no checkpoint of %s yet: begins with step 1\n", where);
    if (count == 0) return true;
    if (loaded == CHECKPOINT_DAMAGED)
        return error_set(
            error, "--resume auto: none of the %lld checkpoint%s of %s is whole; remove them to begin again",
            (long long)count, words_s(count), where);
    return loaded == CHECKPOINT_FITS && can_go_on(t, path, state, error);
}

bool resume_is_possible(const char *from, const Config *config, Error *error)
{
    return !from || strcmp(from, "auto") != 0 || config->output.checkpoint[0] ||
           error_set(error, "--resume auto: looks where output.checkpoint says, and that is empty; try "
                            "--set output.checkpoint=results/ck.h5, or --resume FILE.h5");
}

bool resume(Trainer *t, Group *world, const char *from, CheckpointState *state, Error *error)
{
    *state = (CheckpointState){.step = 0};
    if (strcmp(from, "auto") == 0) return resume_newest(t, world, state, error);
    return resume_from(t, world, from, state, error);
}
