/* continued.c - what of the earlier part stays, and what is as if it had never ended; or as if it had ended as it should. */
#include "sim/file/continued.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/draft.h"
#include "sim/base/utc.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"
#include "sim/file/checksums.h"
#include "sim/file/config_record.h"
#include "sim/file/run_file.h"
#include "sim/file/skeleton.h"

/* What leaves every column of a file as it was meant: how long and how fast a run learns, and what else it writes. */
static bool may_change(const char *key)
{
    static const char *const keys[] = {"train.steps",
                                       "train.learning_rate",
                                       "train.warmup",
                                       "train.decay",
                                       "train.beta1",
                                       "train.beta2",
                                       "train.epsilon",
                                       "train.weight_decay",
                                       "train.alpha",
                                       "train.momentum",
                                       "train.clip",
                                       "train.loss_scale",
                                       "model.init",
                                       "model.preset",
                                       "train.loss_scale_backoff",
                                       "train.loss_scale_interval"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return strncmp(key, "output.", 7) == 0;
}

static bool same_config(const RunFile *run, const Config *config, Error *why)
{
    char key[64], mine[CONFIG_VALUE], theirs[CONFIG_VALUE];
    for (int i = 0; config_row(config, i, key, sizeof key, mine, sizeof mine); i++) {
        if (!config_is_recorded(config_row_at(i), config) || may_change(key)) continue;
        run_file_config(run, key, theirs, sizeof theirs);
        if (strcmp(mine, theirs) != 0) return error_set(why, "that file has %s = %s", key, theirs);
    }
    return true;
}

static bool say_steps(const RunFile *run, Error *why)
{
    return error_set(why, "that file has steps %lld to %lld", (long long)run->first + 1,
                     (long long)run->first + (long long)run->steps);
}

static bool is_earlier_part(const RunFile *run, const RunInfo *info, const Config *config, Error *why)
{
    if (run->dry || run->ranks != info->ranks)
        return error_set(why, "that file is of %d rank%s", run->ranks, words_s(run->ranks));
    if (run->first > info->first || run->first + (int64_t)run->steps < info->first)
        return say_steps(run, why);
    if (run->actions != (size_t)info->actions || run->purposes != PURPOSES ||
        run->categories != MEMORY_CATEGORIES || run->parts != PARTS || run->kinds != WORK_KINDS)
        return error_set(why, "that file is of another sim");
    if (run->experts && run_file_has(run, "/moe/rows") != (skeleton_rows_bytes(info, config) > 0))
        return error_set(why, "that file is of another sim");
    return same_config(run, config, why);
}

/* By netCDF's convention a line for each program that wrote it. */
static bool add_history(H5 *file, const RunInfo *info, Error *error)
{
    enum { EARLIER = 1 << 16 };
    char *history = allocate(EARLIER + strlen(info->command_line) + 64), now[UTC_TEXT];
    if (!h5_get_text(file, "/", "history", history, EARLIER)) history[0] = '\0';
    utc_now(now);
    size_t used = strlen(history);
    snprintf(history + used, strlen(info->command_line) + 64, "\n%s: from step %lld: %s", now,
             (long long)info->first + 1, info->command_line);
    bool ok = h5_set_text(file, "/", "history", history, error);
    free(history);
    return ok;
}

/* NULL with why. */
static RunFile *open_earlier_part(const RunInfo *info, const Config *config, Error *why)
{
    if (access(info->path, F_OK)) {
        error_set(why, "there is no such file");
        return NULL;
    }
    RunFile *run = run_file_open(info->path, why);
    if (!run || is_earlier_part(run, info, config, why)) return run;
    run_file_close(run);
    return NULL;
}

/* A copy, unless another run still writes it. */
static H5 *edit(const RunInfo *info, Error *why)
{
    if (!draft_is_written(info->path)) return h5_edit(info->path, why);
    error_set(why, "another run still writes that file");
    return NULL;
}

/* As it stands in the file. */
static void place_text(const RunInfo *info, char *text, size_t size)
{
    snprintf(text, size, "%s", info->hosts ? info->hosts : info->host ? info->host : "");
}

/* The machines of this part, where they are others than those of the part before; of many parts the last alone. */
static bool add_place(H5 *file, const RunInfo *info, Error *error)
{
    char first[RUN_HOSTS] = "", later[RUN_HOSTS] = "", here[RUN_HOSTS], all[2 * RUN_HOSTS + 64];
    double across = 0;
    if (!h5_get_text(file, "/", "hosts", first, sizeof first))
        h5_get_text(file, "/", "host", first, sizeof first);
    h5_get_text(file, "/", "hosts_later", later, sizeof later);
    place_text(info, here, sizeof here);
    const size_t known = strlen(later), length = strlen(here);
    const char *last = !later[0] ? first : known > length ? later + known - length : "";
    if (!here[0] || strcmp(last, here) == 0) return true;
    snprintf(all, sizeof all, "%s%sfrom step %lld on %s", later, later[0] ? "; " : "",
             (long long)info->first + 1, here);
    const char *kept = strlen(all) < sizeof later ? all : all + known + 2;
    h5_get_number(file, "/", "tensor_groups_across_hosts", &across);
    return h5_set_text(file, "/", "hosts_later", kept, error) &&
           h5_set_integer(file, "/", "tensor_groups_across_hosts",
                          across > info->across ? (int64_t)across : info->across, error);
}

/* Where this part takes copies for checkpoints, whether or not the earlier one did. */
static bool copy_again(H5 *file, const RunInfo *info, Error *error)
{
    bool any = false;
    for (int r = 0; r < info->ranks; r++) any |= info->theory_copy[r] > 0;
    return !any || h5_write(file, "/memory/checkpoint_theory", 0, (size_t)info->ranks, H5_F64,
                            info->theory_copy, error);
}

H5 *continued_open(const RunInfo *info, const Config *config, size_t rows, size_t *done, Error *why)
{
    RunFile *run = open_earlier_part(info, config, why);
    if (run) *done = (size_t)(info->first - run->first);
    H5 *file = run ? edit(info, why) : NULL;
    run_file_close(run);
    /* trimmed, so that what was recorded after the checkpoint is gone; the copy is complete only when it ends */
    if (!file || (h5_set_integer(file, "/", "complete", 0, why) && skeleton_extend(file, *done, why) &&
                  skeleton_extend(file, *done + rows, why) &&
                  skeleton_no_actions(file, (size_t)info->actions, why) && checksums_clear(file, why) &&
                  copy_again(file, info, why) && config_record_again(file, config, why) &&
                  add_history(file, info, why) && add_place(file, info, why)))
        return file;
    h5_abandon(file);
    fail("%s", why->text);
}

/* What it does not know of its end it never will. */
static bool complete(H5 *file, const RunInfo *info, size_t steps, const Config *config, Error *error)
{
    return skeleton_extend(file, steps, error) && config_record_again(file, config, error) &&
           add_history(file, info, error) && checksums_write(file, error) && h5_flush(file, error) &&
           h5_set_integer(file, "/", "complete", 1, error);
}

Completed continued_complete(const RunInfo *info, const Config *config, Error *why)
{
    RunFile *run = open_earlier_part(info, config, why);
    if (!run) return COMPLETED_NOTHING;
    const size_t steps = run->steps;
    const bool all = run->first + (int64_t)steps == info->first, before = run->complete;
    if (!all) say_steps(run, why);
    H5 *file = all && !before ? edit(info, why) : NULL;
    run_file_close(run);
    if (all && before) return COMPLETED_BEFORE;
    if (!file) return COMPLETED_NOTHING;
    if (complete(file, info, steps, config, why) && h5_close(file, why)) return COMPLETED_NOW;
    fail("%s", why->text);
}
