/* run.c - a run from request to report, the same on real and virtual ranks. */
#include "sim/run/run.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/base/clock.h"
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/base/progress.h"
#include "sim/config/checks.h"
#include "sim/config/parse.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"
#include "sim/config/stem.h"
#include "sim/report/report.h"
#include "sim/run/admit.h"
#include "sim/run/agree.h"
#include "sim/run/alike.h"
#include "sim/run/announce.h"
#include "sim/run/baseline.h"
#include "sim/run/carry_weights.h"
#include "sim/run/checkpoints.h"
#include "sim/run/resume.h"
#include "sim/run/initialise.h"
#include "sim/run/run_record.h"
#include "sim/run/share_text.h"
#include "sim/run/step.h"
#include "sim/run/step_faults.h"
#include "sim/run/stop.h"
#include "sim/run/watch.h"

typedef struct Run {
    const RunOptions *options;
    Group *world;
    bool main; /* rank 0: reads, writes, prints */
    Alike *alike;
    Config *config;    /* alike's */
    Baseline baseline; /* rank 0's */
    Trainer *trainer;
    Record record;
    bool gradients_due;   /* output.gradients is asked for, and no step has had finite ones yet */
    Saved gradients;      /* rank 0's: where they are */
    CheckpointState from; /* what it goes on from; step 0: the beginning */
    Checkpoints checkpoints;
    int64_t done; /* steps */
    bool stopped; /* before the last, as a signal asked for */
    Error error;
} Run;

/* ---- before the first step ---- */

bool run_is_possible(const RunOptions *options, int ranks, Error *error)
{
    Alike *alike = alike_new();
    bool possible = alike_is_possible(alike, options, ranks, error);
    alike_free(alike);
    return possible;
}

/* Nothing computes in a dry run. */
static bool check_profile(Run *run)
{
    if (!run->options->dry || run->config->hardware.profile != PROFILE_MEASURED) return true;
    return config_refuse(run->config, "hardware.profile", &run->error,
                         "a dry run computes nothing whose time could be measured; try "
                         "--set hardware.profile=ideal, or a run without --dry-run");
}

static bool read_text(Run *run)
{
    return data_is_markov(&run->config->data) ||
           share_text(run->world, run->config, &run->alike->text, &run->error);
}

/* The ranks of a dry run were asked about together, before there was any. */
static bool has_room(Run *run)
{
    bool asks = !run->options->dry && !run->options->force;
    return admit_everywhere(run->world, run->config, &run->alike->plan, asks, &run->error);
}

/* A dry run has a default of its own: it must not take a real run's place. */
static void output_path(Run *run)
{
    Config *c = run->config;
    char stem[CONFIG_PATH - 32];
    config_stem(c, stem, sizeof stem);
    if (run->options->dry && c->origin[config_row_named("output.file")] == ORIGIN_DEFAULT)
        snprintf(c->output.file, sizeof c->output.file, "results/%s-dry.h5", stem);
}

/* Whatever will be written at the end must be writable now. */
static bool prepare_outputs(Run *run)
{
    const char *paths[] = {run->config->output.file, run->config->output.weights,
                           run->config->output.gradients, run->config->output.checkpoint};
    bool ok = true;
    for (int i = 0; i < (run->options->dry ? 1 : 4) && run->main && ok; i++)
        if (paths[i][0])
            ok = files_prepare(paths[i], &run->error) && draft_is_possible(paths[i], &run->error);
    ok = ok && (!run->main || config_check_files(run->config, &run->error));
    return agree(run->world, ok);
}

/* Nothing is learned in a dry run. */
static bool read_baseline(Run *run)
{
    bool ok = !run->main || run->options->dry || baseline_read(&run->baseline, run->config, &run->error);
    return agree(run->world, ok);
}

/* ---- the steps ---- */

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

static void show_step(Progress *p, const Config *c, int64_t step, int64_t first, double loss,
                      double wall_time)
{
    double tokens = (double)(c->train.global_batch * c->model.shape.sequence);
    int digits = p->terminal ? 0 : snprintf(NULL, 0, "%lld", (long long)c->train.steps);
    if (progress_due(p, (double)(step - first) + 1))
        progress_show(p, "step %*lld/%lld   loss %.4f   %.0f tokens/s", digits, (long long)step + 1,
                      (long long)c->train.steps, loss, tokens / wall_time);
}

/* What goes on inside a long step: a dry run's, or, of a real one, until its steps are lines in a log. */
static void watch(Run *run, const Progress *steps, Watch *inside, int64_t step)
{
    const Config *c = run->config;
    Trainer *t = run->trainer;
    bool dry = run->options->dry, shows = dry || (run->main && (steps->terminal || !steps->shown));
    t->performed = shows ? watch_performed : NULL;
    t->watch = dry ? &run->alike->watch : inside;
    if (shows && !dry) watch_step(inside, &t->plan->list[t->mesh.place.pipe], step, c->train.steps);
}

/* All ranks know alike. */
static bool stops(const Run *run, int64_t steps)
{
    return run->world->comm->last == run->done && run->done < steps;
}

static void train(Run *run)
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
            show_step(&progress, c, step, first, loss, wall_time);
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

/* Of a checkpoint, a file of weights, or the seed. */
static bool begin_values(Run *run)
{
    Error why;
    const char *init = run->config->model.init;
    if (run->options->resume &&
        !resume(run->trainer, run->world, run->options->resume, &run->from, &run->error))
        return false;
    if (run->main && run->from.step > 0 && run->config->output.gradients[0])
        printf("  no gradients are written: those of the first step were before\n");
    if (run->from.run[0]) return true;
    if (!init[0])
        initialise_weights(run->trainer, run->main);
    else if (!weights_load(init, run->trainer, run->world, &why))
        return config_refuse(run->config, "model.init", &run->error, "%s", why.text);
    return true;
}

static int run_all(Run *run)
{
    if (!alike_read_config(run->alike, run->world, run->options, &run->error) || !check_profile(run))
        return STATUS_BAD_REQUEST;
    run->world->comm->stall_timeout = run->config->output.stall_timeout;
    if (!read_text(run)) return STATUS_BAD_REQUEST;
    if (!alike_read_schedule(run->alike, run->world, &run->error) || !has_room(run))
        return STATUS_BAD_REQUEST;
    output_path(run);
    if (!prepare_outputs(run) || !read_baseline(run)) return STATUS_BAD_REQUEST;
    run->trainer = trainer_new(run->config, &run->alike->plan, run->world->comm,
                               data_is_markov(&run->config->data) ? NULL : &run->alike->text.text,
                               run->options->dry, &run->error);
    if (!run->trainer) {
        Error why = run->error;
        config_refuse(run->config, "data.source", &run->error, "%s", why.text);
        return STATUS_BAD_REQUEST;
    }
    if (!checkpoints_are_possible(run->trainer, run->world, &run->error)) return STATUS_BAD_REQUEST;
    if (run->main) announce(run->trainer, run->world->size);
    if (run->options->dry) watch_made(&run->alike->watch);
    if (!begin_values(run)) return STATUS_BAD_REQUEST;
    initialise_data(run->trainer, run->main);
    run->trainer->goes_on = run->from.step > 0;
    if (run->main) faults_announce(run->config, run->options->dry, run->trainer->goes_on);
    record_begin(&run->record, run->trainer, run->world, &run->baseline, run->options->command_line,
                 run->from.step);
    checkpoints_begin(&run->checkpoints, run->trainer, &run->record, run->from.run);
    train(run);
    if (run->stopped) return finish_stopped(run);
    return finish(run) ? STATUS_OK : STATUS_FAILED;
}

static int run_on(Comm *comm, const RunOptions *options, Alike *alike)
{
    matmul_one_thread();
    device_keep_memory();
    Run *run = allocate_zeroed(1, sizeof *run);
    run->options = options;
    run->alike = alike;
    run->config = &alike->config;
    run->world = group_world(comm, CHANNEL_CONTROL);
    run->main = comm->rank == 0;

    int status = run_all(run);
    if (run->main && status == STATUS_OK && !report_run(run->record.path, &run->error))
        status = STATUS_FAILED;
    if (run->main && status != STATUS_OK) {
        fflush(stdout);
        fprintf(stderr, "sim: %s\n", run->error.text);
    }
    trainer_free(run->trainer);
    record_free(&run->record);
    baseline_free(&run->baseline);
    group_free(run->world);
    free(run);
    return status;
}

int run_rank(Comm *comm, const RunOptions *options)
{
    Alike *alike = alike_new();
    int status = run_on(comm, options, alike);
    alike_free(alike);
    return status;
}

/* ---- dry ---- */

typedef struct Dry {
    const RunOptions *options;
    Alike *alike;
    int status; /* rank 0's */
} Dry;

static void dry_rank(Comm *comm, void *context)
{
    Dry *dry = context;
    int status = run_on(comm, dry->options, dry->alike);
    if (comm->rank == 0) dry->status = status;
}

int run_dry(int ranks, const RunOptions *options)
{
    Dry dry = {.options = options, .alike = alike_new(), .status = STATUS_BAD_REQUEST};
    Error error;
    if (!alike_foresee(dry.alike, options, ranks, &error))
        fprintf(stderr, "sim: %s\n", error.text);
    else if (!virtual_run_some(&dry.alike->walked, dry_rank, &dry, &error))
        fail("%s", error.text);
    alike_free(dry.alike);
    return dry.status;
}
