/* run.c - a run from request to report, the same on real and virtual ranks. */
#include "sim/run/run.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/machine/denormals.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/config/checks.h"
#include "sim/config/parse.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"
#include "sim/config/stem.h"
#include "sim/report/report.h"
#include "sim/run/admit.h"
#include "sim/run/agree.h"
#include "sim/run/announce.h"
#include "sim/run/assumed_load.h"
#include "sim/run/resume.h"
#include "sim/run/initialise.h"
#include "sim/run/run_private.h"
#include "sim/run/share_text.h"
#include "sim/run/step.h"
#include "sim/run/step_faults.h"
#include "sim/run/watch.h"

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

/* And a real one routes its tokens. */
static bool check_load(Run *run)
{
    const Config *c = run->config;
    if (run->options->dry || !assumes_load(c)) return true;
    return config_refuse(c, c->assumed.load[0] ? "moe.load" : "moe.skew", &run->error,
                         "it is what a dry run assumes, and this one routes its tokens; try --dry-run, or "
                         "leaving it out");
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

/* Whatever will be written at the end must be writable now; who goes on writes no gradients. */
static bool outputs_are_possible(const Config *c, const RunOptions *o, Error *error)
{
    const char *const paths[] = {c->output.file, c->output.weights, c->output.gradients,
                                 c->output.checkpoint};
    const char *resume = o->resume ? o->resume : "";
    for (int i = 0; i < (o->dry ? 1 : 4); i++)
        if (paths[i][0] && !(files_prepare(paths[i], error) && draft_is_possible(paths[i], error)))
            return false;
    return config_check_files(c, resume, error) && (o->dry || weights_have_room(c, !*resume, error));
}

static bool prepare_outputs(Run *run)
{
    bool ok = !run->main || outputs_are_possible(run->config, run->options, &run->error);
    return agree(run->world, ok);
}

/* Nothing is learned in a dry run. */
static bool read_baseline(Run *run)
{
    bool ok = !run->main || run->options->dry || baseline_read(&run->baseline, run->config, &run->error);
    return agree(run->world, ok);
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
    if (!alike_read_config(run->alike, run->world, run->options, &run->error) || !check_profile(run) ||
        !check_load(run))
        return STATUS_BAD_REQUEST;
    if (!resume_is_possible(run->options->resume, run->config, &run->error)) return STATUS_BAD_REQUEST;
    run->world->comm->stall_timeout = run->config->output.stall_timeout;
    if (!read_text(run)) return STATUS_BAD_REQUEST;
    if (!alike_read_schedule(run->alike, run->world, &run->error) || !has_room(run))
        return STATUS_BAD_REQUEST;
    output_path(run);
    if (!prepare_outputs(run) || !read_baseline(run)) return STATUS_BAD_REQUEST;
    run->trainer = trainer_new(run->config, &run->alike->plan, run->world->comm,
                               data_is_markov(&run->config->data) ? NULL : &run->alike->text.text,
                               run->options->dry, run->alike->like, &run->error);
    if (!run->trainer) {
        Error why = run->error;
        config_refuse(run->config, "data.source", &run->error, "%s", why.text);
        return STATUS_BAD_REQUEST;
    }
    run->trainer->assumed = &run->alike->assumed;
    if (!checkpoints_are_possible(run->trainer, run->world, &run->error)) return STATUS_BAD_REQUEST;
    if (run->main) announce(run->trainer, run->world->size);
    if (run->options->dry) watch_made(&run->alike->watch);
    if (!begin_values(run)) return STATUS_BAD_REQUEST;
    if (run->from.run[0] && run->from.step == run->config->train.steps) return run_end_again(run);
    initialise_data(run->trainer, run->main);
    run->trainer->goes_on = run->from.step > 0;
    if (run->main) faults_announce(run->config, run->options->dry, run->trainer->goes_on);
    record_begin(&run->record, run->trainer, run->world, &run->baseline, run->options->command_line,
                 run->from.step);
    checkpoints_begin(&run->checkpoints, run->trainer, &run->record, run->from.run);
    run_steps(run);
    return run_end(run);
}

static int run_on(Comm *comm, const RunOptions *options, Alike *alike)
{
    matmul_one_thread();
    device_keep_memory();
    denormals_off();
    Run *run = allocate_zeroed(1, sizeof *run);
    run->options = options;
    run->alike = alike;
    run->config = &alike->config;
    run->world = group_world(comm, CHANNEL_CONTROL);
    run->main = comm->rank == 0;

    int status = run_all(run);
    if (run->main && status == STATUS_OK && run->record.path[0] &&
        !report_run(run->record.path, true, &run->error))
        status = STATUS_FAILED;
    if (run->main && status != STATUS_OK) {
        fflush(stdout);
        fprintf(stderr, "sim: %s\n", run->error.text);
    }
    checkpoints_free(&run->checkpoints);
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
    if (alike_foresee(dry.alike, options, ranks, &error)) {
        alike_prepare_walk(dry.alike);
        if (!virtual_run_some(&dry.alike->walked, dry_rank, &dry, &error)) fail("%s", error.text);
    } else
        fprintf(stderr, "sim: %s\n", error.text);
    alike_free(dry.alike);
    return dry.status;
}
