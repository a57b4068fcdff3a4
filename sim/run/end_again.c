/* end_again.c - a run whose last checkpoint was written, and that may not have lived to its end: the weights it was to
 * leave are in that checkpoint, and its file has every step. */
#include <stdio.h>
#include "sim/base/standard.h"
#include "sim/file/checkpoint_list.h"
#include "sim/file/continued.h"
#include "sim/run/announce.h"
#include "sim/run/run_private.h"

/* What was being written, and what the last one lets go. */
static void tidy(const Run *run)
{
    const Config *config = run->config;
    Discard gone = {.files = 0};
    if (!config->output.checkpoint[0]) return;
    checkpoint_clear(config->output.checkpoint);
    if (config->output.checkpoint_keep)
        checkpoint_prune(config->output.checkpoint, run->from.run, (size_t)config->output.checkpoint_keep,
                         &gone);
    discard_end(&gone);
}

/* The record has its path where there is something to report. */
static void complete_file(Run *run)
{
    const char *path = run->config->output.file;
    Error why;
    const RunInfo info = {.path = path,
                          .command_line = run->options->command_line,
                          .ranks = run->world->size,
                          .first = run->from.step,
                          .actions = record_actions(run->trainer, run->world)};
    const Completed completed = continued_complete(&info, run->config, &why);
    if (completed == COMPLETED_NOTHING)
        printf("  there is no step to record in %s, and it is left as it is: %s\n", path, why.text);
    else
        printf("  %s is complete%s\n", path, completed == COMPLETED_NOW ? " now" : "");
    if (completed != COMPLETED_NOTHING) snprintf(run->record.path, sizeof run->record.path, "%s", path);
}

int run_end_again(Run *run)
{
    const char *weights = run->config->output.weights;
    Saved saved = {0};
    if (weights[0] && !weights_save(weights, run->trainer, run->world, false, &saved, &run->error))
        fail("%s", run->error.text);
    if (!run->main) return STATUS_OK;
    if (saved.path[0]) announce_place("file", weights, saved.path, saved.kept);
    tidy(run);
    complete_file(run);
    return STATUS_OK;
}
