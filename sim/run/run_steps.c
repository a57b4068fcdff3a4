/* run_steps.c - a run's steps, one after the other, and how it ends. */
#include <math.h>
#include <stdio.h>
#include "sim/base/clock.h"
#include "sim/base/progress.h"
#include "sim/base/standard.h"
#include "sim/config/refuse.h"
#include "sim/run/announce.h"
#include "sim/run/run_private.h"
#include "sim/run/scales.h"
#include "sim/run/step.h"
#include "sim/run/step_faults.h"
#include "sim/run/stop.h"
#include "sim/run/watch.h"

static void save_gradients(Trainer *t, void *context)
{
    Run *run = context;
    run->gradients_due = false;
    if (!weights_save(run->config->output.gradients, t, run->world, true, &run->gradients, &run->error))
        fail("%s", run->error.text);
}

/* People count steps from 1, as the progress does. */
static bool can_go_on(const Config *c, int64_t step, const StepResult *result, double loss, Error *error)
{
    bool clips = c->train.clip > 0 && c->train.clip <= 1, fp16 = c->train.precision == PRECISION_FP16;
    if (!isfinite(loss))
        return error_set(error, "step %lld: the loss is %s; try a smaller train.learning_rate%s%s",
                         (long long)step + 1, isnan(loss) ? "nan" : "inf", clips ? "" : ", or train.clip = 1",
                         fp16 ? ", or train.precision = bf16" : "");
    if (result->skipped && result->loss_scale <= LOSS_SCALE_LEAST)
        return error_set(
            error,
            "step %lld: gradients overflow at any loss scale, down to %.2g; try train.precision = "
            "bf16, or a smaller train.learning_rate",
            (long long)step + 1, result->loss_scale);
    return true;
}

/* And what a run that ends now would have to go on from. */
static void show_step(Progress *p, const Run *run, int64_t step, double loss, double wall_time)
{
    const Config *c = run->config;
    int64_t first = run->from.step, placed = run->checkpoints.placed_step;
    char checkpoint[48] = "";
    if (placed) snprintf(checkpoint, sizeof checkpoint, "   checkpoint %lld", (long long)placed);
    double tokens = (double)(c->train.global_batch * c->model.shape.sequence);
    int digits = p->terminal ? 0 : snprintf(NULL, 0, "%lld", (long long)c->train.steps);
    if (progress_due(p, (double)(step - first) + 1))
        progress_show(p, "step %*lld/%lld   loss %.4f   %.0f tokens/s%s", digits, (long long)step + 1,
                      (long long)c->train.steps, loss, tokens / wall_time, checkpoint);
}

/* What goes on inside a long step: a dry run's, or, of a real one, until its steps are lines in a log. */
static void watch(Run *run, const Progress *steps, Watch *inside, int64_t step)
{
    const Config *c = run->config;
    Trainer *t = run->trainer;
    bool dry = run->options->dry, shows = dry || (run->main && (steps->terminal || !steps->shown));
    t->performed = shows ? watch_performed : NULL;
    t->watch = dry ? &run->alike->watch : inside;
    if (shows && !dry) watch_step(inside, trainer_list(t), step, c->train.steps);
}

/* All ranks know alike. */
static bool stops(const Run *run, int64_t steps)
{
    return run->world->comm->last == run->done && run->done < steps;
}

void run_steps(Run *run)
{
    Trainer *t = run->trainer;
    const Config *c = run->config;
    bool dry = run->options->dry;
    int64_t steps = config_steps(c, dry);
    Progress progress = {.terminal = false};
    Watch inside;
    int64_t first = run->from.step;
    run->gradients_due = c->output.gradients[0] != '\0' && first == 0; /* the first step's */
    if (run->main) progress_begin(&progress, (double)(steps - first), 0);
    run->done = first;
    t->asked = dry ? NULL : stop_asked();
    for (int64_t step = first; step < steps && !run->stopped; step++) {
        double began = clock_now();
        record_step_begin(&run->record);
        watch(run, &progress, &inside, step);
        StepResult result = trainer_step(t, step, run->gradients_due ? save_gradients : NULL, run);
        checkpoints_tell(&run->checkpoints);
        double wall_time = clock_now() - began, loss = record_step(&run->record, step, &result, wall_time);
        if (run->main && dry && step + 1 == steps)
            watch_end(&run->alike->watch); /* all ranks have told what they did */
        if (run->main && !dry) {
            show_step(&progress, run, step, loss, wall_time);
            if (!can_go_on(c, step, &result, loss, &run->error)) {
                progress_end(&progress);
                checkpoints_drop(&run->checkpoints);
                stop_forget(); /* MPI ends with TERM what has failed */
                fail("%s", run->error.text);
            }
        }
        run->done = step + 1;
        run->stopped = stops(run, steps);
        if (!run->stopped) checkpoints_after(&run->checkpoints, run->done);
    }
    if (run->main) progress_end(&progress);
}

static bool finish(Run *run)
{
    const char *weights = run->config->output.weights, *gradients = run->config->output.gradients;
    Saved saved = {0};
    bool kept = !weights[0] || weights_save(weights, run->trainer, run->world, false, &saved, &run->error);
    Error missed;
    bool can_go_on_later = checkpoints_end(&run->checkpoints, run->done, &missed);
    record_end(&run->record, false);
    if (!kept) fail("%s; the run itself is complete, in %s", run->error.text, run->record.path);
    if (saved.path[0]) announce_place("file", weights, saved.path, saved.kept);
    if (run->gradients.path[0]) announce_place("file", gradients, run->gradients.path, run->gradients.kept);
    if (!can_go_on_later)
        return error_set(&run->error, "%s; the run itself is complete, in %s", missed.text, run->record.path);
    if (!run->gradients_due) return true;
    return config_refuse(
        run->config, "output.gradients", &run->error,
        "gradients overflowed in every step, so none were written; try more train.steps than "
        "%lld, or a smaller train.loss_scale than %g",
        (long long)run->config->train.steps, run->config->train.loss_scale);
}

/* The weights at its end are another's, who goes on. */
static int finish_stopped(Run *run)
{
    const Config *c = run->config;
    long long done = run->done, steps = c->train.steps;
    Error missed;
    bool kept = checkpoints_end(&run->checkpoints, run->done, &missed);
    record_end(&run->record, true);
    if (run->gradients.path[0])
        announce_place("file", c->output.gradients, run->gradients.path, run->gradients.kept);
    if (!kept) {
        error_set(&run->error, "stopped by %s after step %lld of %lld: %s", stop_name(), done, steps,
                  missed.text);
        return STATUS_FAILED;
    }
    if (c->output.checkpoint[0])
        error_set(&run->error, "stopped by %s after step %lld of %lld; try --resume %s to go on", stop_name(),
                  done, steps, run->checkpoints.last.path);
    else
        error_set(&run->error,
                  "stopped by %s after step %lld of %lld, and no checkpoint was asked for; try --set "
                  "output.checkpoint=results/ck.h5 in a run that is to go on",
                  stop_name(), done, steps);
    return STATUS_STOPPED;
}

int run_end(Run *run)
{
    if (run->stopped) return finish_stopped(run);
    return finish(run) ? STATUS_OK : STATUS_FAILED;
}
