/* run.c - a run from request to report, the same on real and virtual ranks. */
#include "sim/run.h"
#include "sim/clock.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "models/matmul.h"
#include "parallel/collectives.h"
#include "parallel/comm_virtual.h"
#include "sim/agree.h"
#include "sim/config.h"
#include "sim/config_rows.h"
#include "sim/files.h"
#include "sim/pipeline.h"
#include "sim/progress.h"
#include "sim/recorder.h"
#include "sim/report.h"
#include "sim/step.h"
#include "sim/step_record.h"
#include "sim/theory.h"
#include "sim/weights.h"

enum { CHANNEL_CONTROL = 0 };

typedef struct Run {
    const RunOptions *options;
    Group *world;
    bool main; /* rank 0: reads, writes, prints */
    Config config;
    char *text; /* the data source's bytes */
    int64_t text_bytes;
    Plan plan;
    Trainer *trainer;
    Recorder *recorder;                                             /* main */
    uint64_t reported_bytes[PURPOSES], reported_messages[PURPOSES]; /* in the rows so far */
    StepRecord *records;                                            /* main: of all ranks */
    Error error;
} Run;

/* ---- before the first step ---- */

/* Rank 0's file reaches every rank: its length first, -1 when there is none.
 * Where only sizes matter (`carry` false) the bytes are counted but not copied. */
static bool share(Run *run, char **text, int64_t *bytes, bool carry)
{
    if (run->main && !*text) *bytes = -1;
    tree_broadcast(run->world, INIT_BROADCAST, bytes, sizeof *bytes, 0);
    if (*bytes < 0) return false;
    if (!run->main) *text = allocate_zeroed((size_t)(carry ? *bytes : 0) + 1, 1);
    tree_broadcast(run->world, INIT_BROADCAST, carry ? *text : NULL, (size_t)*bytes, 0);
    return true;
}

static bool read_config(Run *run)
{
    const RunOptions *o = run->options;
    char *text = run->main ? config_read(o->config, o->program_directory, &run->error) : NULL;
    int64_t bytes = text ? (int64_t)strlen(text) : 0;
    if (!share(run, &text, &bytes, true)) return false;
    bool ok = config_parse(&run->config, o->config, text, o->sets, o->set_count, o->output, &run->error) &&
              config_check_ranks(&run->config, run->world->size, &run->error);
    free(text);
    return ok; /* the same text, so the same answer on every rank */
}

/* A file that `key` names, from rank 0 to all; `carry` as in share(). */
static bool read_path(Run *run, const char *key, const char *path, const char *instead, bool carry,
                      char **text, int64_t *bytes)
{
    if (run->main) *text = config_read_path(&run->config, key, path, instead, bytes, &run->error);
    return share(run, text, bytes, carry);
}

static bool read_text(Run *run)
{
    const char *source = run->config.data.source;
    if (strcmp(source, "markov") == 0) return true;
    return read_path(run, "data.source", source, "a text file, or markov", !run->options->dry, &run->text,
                     &run->text_bytes);
}

/* The plan is the same on every rank, so all refuse it together. */
static bool read_schedule(Run *run)
{
    Config *c = &run->config;
    char *text = NULL; /* of a file; a schedule with a name has none */
    int64_t bytes;
    bool ok = !pipeline_is_file(c) || read_path(run, "parallel.schedule", c->pipeline.schedule,
                                                "a schedule in text, or 1f1b", true, &text, &bytes);
    ok = ok && pipeline_plan(c, config_microbatches(c, run->world->size), text, &run->plan, &run->error);
    free(text);
    if (ok) c->pipeline.virtual_stages = run->plan.shape.v; /* a file brings its own number */
    return ok;
}

/* A dry run has a default of its own: it must not take a real run's place. */
static void output_path(Run *run)
{
    Config *c = &run->config;
    char stem[CONFIG_PATH - 32];
    config_stem(c, stem, sizeof stem);
    if (run->options->dry && c->origin[config_row_named("output.file")] == ORIGIN_DEFAULT)
        snprintf(c->output.file, sizeof c->output.file, "results/%s-dry.h5", stem);
}

/* Whatever will be written at the end must be writable now. */
static bool prepare_outputs(Run *run)
{
    const char *paths[] = {run->config.output.file, run->config.output.weights, run->config.output.gradients};
    bool ok = true;
    for (int i = 0; i < (run->options->dry ? 1 : 3) && run->main && ok; i++)
        if (paths[i][0]) ok = files_prepare(paths[i], &run->error);
    return agree(run->world, ok);
}

/* Main only. From here on a refusal ends the job through fail(): the others
 * are on their way to the next collective. */
static void open_recorder(Run *run)
{
    int ranks = run->world->size;
    double *bytes = allocate((size_t)ranks * PURPOSES * sizeof *bytes);
    double *memory = allocate((size_t)ranks * MEMORY_CATEGORIES * sizeof *memory);
    for (int r = 0; r < ranks; r++) {
        theory_bytes(&run->config, &run->plan, ranks, r, bytes + r * PURPOSES);
        theory_memory(&run->config, &run->plan, ranks, r, memory + r * MEMORY_CATEGORIES);
    }
    RunInfo info = {.path = run->config.output.file,
                    .command_line = run->options->command_line,
                    .ranks = ranks,
                    .dry = run->options->dry,
                    .parameters = gpt_parameter_count(&run->config.model.shape),
                    .entropy = data_entropy(run->trainer->data),
                    .actions = ranks * run->trainer->schedule.count,
                    .theory_bytes = bytes,
                    .theory_memory = memory};
    char kept[CONFIG_PATH];
    run->recorder = recorder_open(&info, &run->config, kept, sizeof kept, &run->error);
    if (!run->recorder) fail("%s", run->error.text);
    if (kept[0]) printf("  an earlier run is kept as %s\n", kept);
    free(bytes);
    free(memory);
}

/* ---- the steps ---- */

/* A step's own counts: what went out since `before`, except what only went to
 * a file; the record that carries them to rank 0 counts itself. */
static void count_step(Run *run, const StepRecord *before, StepRecord *record)
{
    const Comm *comm = run->world->comm;
    for (int p = 0; p < PURPOSES; p++) {
        if (p == OUTPUT_GATHER) continue;
        record->bytes[p] = comm->bytes[p] - before->bytes[p];
        record->messages[p] = comm->messages[p] - before->messages[p];
        if (p == CONTROL && !run->main) {
            record->bytes[p] += sizeof *record;
            record->messages[p]++;
        }
        run->reported_bytes[p] += record->bytes[p];
        run->reported_messages[p] += record->messages[p];
    }
}

static void gather_records(Run *run, const StepRecord *before, const StepResult *result)
{
    StepRecord mine = {.loss = result->loss};
    const Device *device = &run->trainer->device;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    for (int c = 0; c < MEMORY_CATEGORIES; c++) mine.peak[c] = device->peak[c];
    mine.peak_total = device->peak_total;
    mine.rss = run->options->dry ? 0 : (uint64_t)usage.ru_maxrss * 1024;
    count_step(run, before, &mine);
    gather(run->world, CONTROL, &mine, sizeof mine, run->records, 0);
}

/* Main only: one row of /steps and /comm, and the peaks so far. */
static void record_step(Run *run, int64_t step, const StepResult *result, double wall_time,
                        Progress *progress)
{
    size_t ranks = (size_t)run->world->size;
    bool dry = run->options->dry;
    const Config *c = &run->config;
    StepRow row = {.step = step, .grad_norm = result->grad_norm, .learning_rate = learning_rate_at(c, step)};
    row.tokens = c->train.global_batch * c->model.shape.sequence;
    row.wall_time = wall_time;
    row.simulated_time = (double)NAN;
    uint64_t *table = allocate(ranks * (2 * PURPOSES + MEMORY_CATEGORIES + 2) * sizeof *table);
    uint64_t *bytes = table, *messages = bytes + ranks * PURPOSES, *peak = messages + ranks * PURPOSES;
    uint64_t *total = peak + ranks * MEMORY_CATEGORIES, *rss = total + ranks;
    for (size_t r = 0; r < ranks; r++) {
        const StepRecord *record = &run->records[r];
        row.loss += record->loss;
        memcpy(bytes + r * PURPOSES, record->bytes, sizeof record->bytes);
        memcpy(messages + r * PURPOSES, record->messages, sizeof record->messages);
        memcpy(peak + r * MEMORY_CATEGORIES, record->peak, sizeof record->peak);
        total[r] = record->peak_total;
        rss[r] = record->rss;
    }
    if (dry) row.loss = row.grad_norm = row.wall_time = (double)NAN;
    if (!recorder_step(run->recorder, &row, bytes, messages, &run->error) ||
        !recorder_memory(run->recorder, peak, total, rss, &run->error))
        fail("%s", run->error.text);
    free(table);
    if (dry) return;
    progress_step(progress, step, row.loss, wall_time);
    if (!isfinite(row.loss)) {
        progress_end(progress);
        fail("step %lld: the loss is %f; try a smaller train.learning_rate or train.clip = 1",
             (long long)step, row.loss);
    }
}

static void save_gradients(Trainer *t, void *context)
{
    Run *run = context;
    weights_save(run->config.output.gradients, t, run->world, true);
}

static void train(Run *run)
{
    Trainer *t = run->trainer;
    const Config *c = &run->config;
    int64_t steps = run->options->dry ? 1 : c->train.steps;
    Progress progress;
    if (run->main) progress_begin(&progress, steps, c->train.global_batch * c->model.shape.sequence);
    for (int64_t step = 0; step < steps; step++) {
        double began = clock_now();
        StepRecord before;
        memcpy(before.bytes, run->world->comm->bytes, sizeof before.bytes);
        memcpy(before.messages, run->world->comm->messages, sizeof before.messages);
        bool first = step == 0 && c->output.gradients[0];
        StepResult result = trainer_step(t, step, first ? save_gradients : NULL, run);
        gather_records(run, &before, &result);
        if (run->main) record_step(run, step, &result, clock_now() - began, &progress);
    }
    if (run->main) progress_end(&progress);
}

/* ---- after the last step ---- */

/* What is in no row: sent before the first step, for files, and after the last
 * step, down to the message of `self` bytes that tells rank 0 so. */
static void count_outside(const Run *run, size_t self, uint64_t *bytes, uint64_t *messages)
{
    const Comm *comm = run->world->comm;
    for (int p = 0; p < PURPOSES; p++) {
        bytes[p] = comm->bytes[p] - run->reported_bytes[p];
        messages[p] = comm->messages[p] - run->reported_messages[p];
    }
    if (run->main) return; /* rank 0 tells itself without a message */
    bytes[CONTROL] += self;
    messages[CONTROL]++;
}

static void finish(Run *run)
{
    Trainer *t = run->trainer;
    size_t ranks = (size_t)run->world->size, actions = (size_t)t->schedule.count;
    const char *weights = run->config.output.weights;
    if (weights[0]) weights_save(weights, t, run->world, false);

    bool walked = run->options->dry || run->config.train.steps > 0;
    TimelineRow *rows = run->main ? allocate(ranks * actions * sizeof *rows) : NULL;
    if (walked) gather(run->world, CONTROL, t->timeline, actions * sizeof *rows, rows, 0);

    enum { COUNTS = 2 * PURPOSES };
    uint64_t mine[COUNTS], *all = run->main ? allocate(ranks * sizeof mine) : NULL;
    count_outside(run, sizeof mine, mine, mine + PURPOSES);
    gather(run->world, CONTROL, mine, sizeof mine, all, 0);
    if (!run->main) return; /* nothing is sent from here on */

    uint64_t *outside = allocate(ranks * sizeof mine), *messages = outside + ranks * PURPOSES;
    for (size_t r = 0; r < ranks; r++) {
        memcpy(outside + r * PURPOSES, all + r * COUNTS, PURPOSES * sizeof *all);
        memcpy(messages + r * PURPOSES, all + r * COUNTS + PURPOSES, PURPOSES * sizeof *all);
    }
    bool timed = walked && !run->options->dry;
    if (!recorder_outside(run->recorder, outside, messages, &run->error) ||
        (timed && !recorder_timeline(run->recorder, run->config.train.steps - 1, rows, (int)(ranks * actions),
                                     &run->error)) ||
        !recorder_finish(run->recorder, &run->error))
        fail("%s", run->error.text);
    free(rows);
    free(all);
    free(outside);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void announce(const Run *run)
{
    const Config *c = &run->config;
    const Mesh *mesh = &run->trainer->mesh;
    int64_t tokens = c->train.global_batch * c->model.shape.sequence, t = mesh->tp, V = c->model.shape.vocab;
    char grid[64] = "";
    if (t > 1)
        snprintf(grid, sizeof grid, " (%d x tp %d%s)", mesh->dp, mesh->tp,
                 c->tensor.sequence_parallel ? ", sp" : "");
    printf("%s: %s on %d rank%s%s%s, %.3f M parameters in " REAL_NAME
           ", %lld tokens a step in %d microbatch%s a rank\n",
           c->name, config_data_name(c->parallel.kind), run->world->size, plural(run->world->size), grid,
           run->options->dry ? " (dry)" : "", (double)gpt_parameter_count(&c->model.shape) / 1e6,
           (long long)tokens, run->trainer->microbatches, run->trainer->microbatches == 1 ? "" : "es");
    if (V % t)
        printf("  the vocabulary of %lld is padded to %lld, %lld for each of %lld ranks\n", (long long)V,
               (long long)((V + t - 1) / t * t), (long long)((V + t - 1) / t), (long long)t);
    fflush(stdout);
}

static int run_all(Run *run)
{
    if (!read_config(run)) return STATUS_BAD_REQUEST;
    if (!read_text(run)) return STATUS_BAD_REQUEST;
    if (!read_schedule(run)) return STATUS_BAD_REQUEST;
    output_path(run);
    if (!prepare_outputs(run)) return STATUS_BAD_REQUEST;
    run->trainer = trainer_new(&run->config, &run->plan, run->world->comm, (const unsigned char *)run->text,
                               run->text_bytes, run->options->dry, &run->error);
    if (!run->trainer) {
        Error why = run->error;
        config_refuse(&run->config, "data.source", &run->error, "%s", why.text);
        return STATUS_BAD_REQUEST;
    }
    if (run->main) announce(run);
    if (run->config.model.init[0]) {
        Error why;
        if (!weights_load(run->config.model.init, run->trainer, run->world, &why)) {
            config_refuse(&run->config, "model.init", &run->error, "%s", why.text);
            return STATUS_BAD_REQUEST;
        }
    } else {
        data_parallel_initialise(run->trainer->data_parallel, run->config.train.seed);
    }
    if (run->main) open_recorder(run);
    train(run);
    finish(run);
    return STATUS_OK;
}

int run_rank(Comm *comm, const RunOptions *options)
{
    matmul_one_thread();
    device_keep_memory();
    Run *run = allocate_zeroed(1, sizeof *run);
    run->options = options;
    run->world = group_world(comm, CHANNEL_CONTROL);
    run->main = comm->rank == 0;
    if (run->main) run->records = allocate((size_t)comm->size * sizeof *run->records);

    int status = run_all(run);
    if (run->main && status == STATUS_OK && !report_run(run->config.output.file, &run->error))
        status = STATUS_FAILED;
    if (run->main && status != STATUS_OK) {
        fflush(stdout);
        fprintf(stderr, "sim: %s\n", run->error.text);
    }
    trainer_free(run->trainer);
    free(run->text);
    plan_free(&run->plan);
    config_free(&run->config);
    free(run->records);
    group_free(run->world);
    free(run);
    return status;
}

/* ---- dry ---- */

typedef struct Dry {
    const RunOptions *options;
    int status; /* rank 0's */
} Dry;

static void dry_rank(Comm *comm, void *context)
{
    Dry *dry = context;
    int status = run_rank(comm, dry->options);
    if (comm->rank == 0) dry->status = status;
}

int run_dry(int ranks, const RunOptions *options)
{
    Dry dry = {.options = options, .status = STATUS_FAILED};
    Error error;
    if (!virtual_run(ranks, dry_rank, &dry, &error)) fail("%s", error.text);
    return dry.status;
}
