/* run_record.c - a run's file begun, and its steps gathered on rank 0 and written there. */
#include "sim/run/run_record.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "models/kernels/matmul.h"
#include "models/layers/gpt_count.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/arena.h"
#include "sim/base/node.h"
#include "sim/file/schema.h"
#include "sim/run/announce.h"
#include "sim/run/formulas.h"
#include "sim/run/hosts.h"
#include "sim/run/routing_record.h"
#include "sim/run/rows.h"
#include "sim/run/run_record_private.h"
#include "sim/run/step_time.h"
#include "sim/run/stop.h"

size_t record_reports(const Record *r)
{
    return (size_t)group_walks(r->world);
}

/* ---- before the first step ---- */

int record_actions(const Trainer *t, const Group *world)
{
    int64_t actions = 0;
    for (int i = 0; i < group_walks(world); i++)
        actions += t->plan->list[mesh_place(t->mesh.shape, group_walked(world, i)).pipe].count;
    if (actions > INT_MAX)
        fail(
            "%lld actions of all ranks are more than a run's file can have, %d; try fewer ranks, or a larger "
            "train.microbatch",
            (long long)actions, INT_MAX);
    return (int)actions;
}

void record_tell_if_many(const Record *r, const char *what)
{
    enum { MANY = 1000000 };
    int actions = record_actions(r->trainer, r->world);
    if (actions < MANY) return;
    printf("  %s %.3g million actions\n", what, actions / 1e6);
    fflush(stdout);
}

static void open_recorder(Record *r, const char *command_line, const Hosts *hosts)
{
    const Trainer *t = r->trainer;
    const Config *config = t->config;
    Formulas formulas = formulas_new(t, r->world, r->first);
    RunInfo info = {.path = config->output.file,
                    .command_line = command_line,
                    .ranks = r->world->size,
                    .recorded = (int)rows_of(r->world),
                    .rank = formulas.rank,
                    .dry = t->device.dry,
                    .given_rows = t->assumed && t->assumed->rows,
                    .first = r->first,
                    .parameters = gpt_parameter_count(&config->model.shape),
                    .entropy = data_entropy(t->data),
                    .actions = record_actions(r->trainer, r->world),
                    .theory_bytes = formulas.bytes,
                    .theory_memory = formulas.memory,
                    .theory_copy = formulas.copy,
                    .theory_links = formulas.links[0]};
    char kept[CONFIG_PATH + 16], host[NODE_HOST];
    Error error;
    node_describe(host, sizeof host);
    if (!t->device.dry) {
        info.host = host;
        info.products = matmul_chosen();
        info.threads = t->threads;
    }
    if (hosts->count > 1) info.hosts = hosts->text;
    info.across = hosts->across;
    record_tell_if_many(r, "making a file for");
    r->recorder = recorder_open(&info, config, kept, sizeof kept, &error);
    if (!r->recorder) fail("%s", error.text);
    snprintf(r->path, sizeof r->path, "%s", recorder_path(r->recorder));
    const bool other = kept[0] && schema_at(kept) != SCHEMA_RUN;
    announce_place(other ? "file" : "run", config->output.file, r->path, kept);
    const char *apart = recorder_apart(r->recorder);
    if (r->first > 0)
        printf("  step %lld on is recorded in %s, %s%s\n", (long long)r->first + 1, r->path,
               *apart ? "apart from those before: " : "behind those before", apart);
    formulas_free(&formulas);
}

void record_begin(Record *r, Trainer *trainer, Group *world, const Baseline *baseline,
                  const char *command_line, int64_t first)
{
    *r = (Record){.trainer = trainer, .world = world, .baseline = baseline, .hold = -1, .first = first};
    recent_make(&r->recent, trainer, record_reports(r));
    const int tp = config_mesh(trainer->config, world->size).tp;
    const Hosts hosts = hosts_look(world, tp, trainer->device.dry);
    if (world->rank == 0) open_recorder(r, command_line, &hosts);
    if (trainer->device.dry) return;
    stop_listen(world->rank == 0 ? r->path : NULL, trainer->config->train.steps);
    stop_kept(first);
}

void record_free(Record *r)
{
    recent_free(&r->recent);
    if (r->path[0] && r->hold >= 0) close(r->hold);
    r->hold = -1;
}

_Noreturn void record_lose(Record *r, const Error *error)
{
    recorder_abandon(r->recorder);
    if (!r->trainer->device.dry) stop_forget();
    fail("%s", error->text);
}

/* ---- the steps ---- */

void record_step_begin(Record *r)
{
    memcpy(r->bytes, r->world->comm->bytes, sizeof r->bytes);
    memcpy(r->messages, r->world->comm->messages, sizeof r->messages);
    memcpy(r->across, r->world->comm->across, sizeof r->across);
    work_record_begin(&r->work, &r->trainer->device);
}

/* A step's own counts: what went out since it began, except what only went to
 * a file; the record that carries them to rank 0 counts itself. */
static void count_step(Record *r, StepRecord *record)
{
    const Comm *comm = r->world->comm;
    for (int p = 0; p < PURPOSES; p++) {
        if (p == OUTPUT_GATHER) continue;
        record->bytes[p] = comm->bytes[p] - r->bytes[p];
        record->messages[p] = comm->messages[p] - r->messages[p];
        record->across[p] = comm->across[p] - r->across[p];
        if (p == CONTROL && r->world->rank > 0) {
            record->bytes[p] += sizeof *record;
            record->messages[p]++;
        }
        r->reported_bytes[p] += record->bytes[p];
        r->reported_messages[p] += record->messages[p];
    }
}

/* Of the peak so far, without what other ranks have of their own and count: asked for where the peak has risen, as to know
 * it takes a walk through all memory. */
static uint64_t resident_peak(Record *r)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (usage.ru_maxrss > r->resident) r->of_others = arena_others();
    r->resident = usage.ru_maxrss;
    return (uint64_t)r->resident * 1024 - r->of_others;
}

/* Ranks wait here until rank 0 looks for what they send, as Open MPI has them do above 256 bytes: after its own update. That
 * costs no step anything, as what comes next needs rank 0, too (tests/bench_record.c). */
static void gather_records(Record *r, const StepResult *result)
{
    const Device *device = &r->trainer->device;
    StepRecord mine = {.loss = result->loss, .simulated = device->lanes.now};
    for (int c = 0; c < MEMORY_CATEGORIES; c++) mine.peak[c] = device->peak[c];
    mine.peak_total = device->peak_total;
    mine.rss = device->dry ? 0 : resident_peak(r);
    memcpy(mine.spent, device->lanes.spent, sizeof mine.spent);
    memcpy(mine.hidden, device->lanes.hidden, sizeof mine.hidden);
    for (Route route = 0; route < ROUTES; route++) mine.busy[route] = comm_busy(r->world->comm, route);
    count_step(r, &mine);
    gather(r->world, CONTROL, &mine, sizeof mine, recent_records(&r->recent), 0);
}

/* Main only: one row of /steps and /comm, and the peaks so far. */
static double write_step(Record *r, int64_t step, const StepResult *result, const RoutingRow *routing,
                         double wall_time)
{
    size_t ranks = rows_of(r->world);
    const Config *c = r->trainer->config;
    StepRow row = {.step = step, .grad_norm = result->grad_norm, .learning_rate = result->learning_rate};
    row.tokens = c->train.global_batch * c->model.shape.sequence;
    row.wall_time = wall_time;
    row.loss_scale = result->loss_scale;
    row.skipped = result->skipped;
    uint64_t *table = allocate(ranks * (2 * PURPOSES + MEMORY_CATEGORIES + 2) * sizeof *table);
    uint64_t *bytes = table, *messages = bytes + ranks * PURPOSES, *peak = messages + ranks * PURPOSES;
    uint64_t *total = peak + ranks * MEMORY_CATEGORIES, *rss = total + ranks;
    for (size_t k = 0; k < ranks; k++) {
        const StepRecord *record = &recent_records(&r->recent)[rows_report(r->world, k)];
        row.loss += record->loss;
        row.simulated_time = fmax(row.simulated_time, record->simulated);
        memcpy(bytes + k * PURPOSES, record->bytes, sizeof record->bytes);
        memcpy(messages + k * PURPOSES, record->messages, sizeof record->messages);
        if (rows_is_second(r->world, k)) {
            bytes[k * PURPOSES + CONTROL] += step_record_bytes(c, r->world->size);
            messages[k * PURPOSES + CONTROL] += step_record_messages(&c->model.shape);
        }
        memcpy(peak + k * MEMORY_CATEGORIES, record->peak, sizeof record->peak);
        total[k] = record->peak_total;
        rss[k] = record->rss;
    }
    if (r->trainer->device.dry) row.loss = row.grad_norm = row.wall_time = (double)NAN;
    row.loss_difference = baseline_difference(r->baseline, step, row.loss);
    Error error;
    if (faults_fill_disk(&c->fault, step) && !r->trainer->goes_on) recorder_fill_disk(r->recorder);
    if (!step_time_check(c, row.simulated_time, &error) ||
        (routing->load && !recorder_routing(r->recorder, routing, &error)) ||
        !recorder_step(r->recorder, &row, bytes, messages, &error) ||
        !recorder_memory(r->recorder, peak, total, rss, &error))
        record_lose(r, &error);
    stop_kept(step + 1);
    free(table);
    return row.loss;
}

double record_step(Record *r, int64_t step, const StepResult *result, double wall_time)
{
    work_record_end(&r->work, &r->trainer->device, result->skipped);
    RoutingRecord routing = routing_record_gather(r->trainer, r->world);
    gather_records(r, result);
    double loss = r->world->rank == 0 ? write_step(r, step, result, &routing.row, wall_time) : 0;
    routing_record_free(&routing);
    recent_keep(&r->recent, wall_time);
    r->held = 0;
    return loss;
}

void record_checkpoint(Record *r, bool beside, double seconds)
{
    Error error;
    r->held += seconds;
    if (r->recent.seen > 0 && !recorder_checkpoint(r->recorder, beside, r->held, &error))
        record_lose(r, &error);
}

void record_placed(Record *r, int64_t steps, CheckpointPlaced placed)
{
    Error error;
    int64_t last = r->first + r->recent.seen;
    placed.back = (size_t)(last - steps);
    if (steps > r->first && !recorder_placed(r->recorder, &placed, &error)) record_lose(r, &error);
}
