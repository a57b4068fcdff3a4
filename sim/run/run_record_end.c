/* run_record_end.c - after the last step: one step whole, what is in none, and the file's end. */
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/posix.h"
#include "sim/run/late_record.h"
#include "sim/run/one_step.h"
#include "sim/run/rows.h"
#include "sim/run/run_record.h"
#include "sim/run/run_record_private.h"
#include "sim/run/stop.h"

/* What is in no row: sent before the first step, for files, and after the last
 * step, down to the message of `self` bytes that tells rank 0 so. */
static void count_outside(const Record *r, size_t self, uint64_t *bytes, uint64_t *messages)
{
    const Comm *comm = r->world->comm;
    for (int p = 0; p < PURPOSES; p++) {
        bytes[p] = comm->bytes[p] - r->reported_bytes[p];
        messages[p] = comm->messages[p] - r->reported_messages[p];
    }
    if (r->world->rank == 0) return; /* rank 0 tells itself without a message */
    bytes[CONTROL] += self;
    messages[CONTROL]++;
}

/* Main only: the timelines on their way into the file, one rank's at a time. */
typedef struct Timelines {
    Record *record;
    double *computed; /* [report][action], what each computed here; NULL in a dry run */
    bool ok;
    Error error;
} Timelines;

/* Lists differ in length from stage to stage: the rows after them are none. */
static void write_timeline(void *context, int report, const void *piece)
{
    Timelines *t = context;
    const TimelineRow *row = piece;
    int actions = t->record->trainer->rows, count = 0;
    while (count < actions && row[count].action[0]) count++;
    for (int i = 0; i < count; i++)
        t->computed[(size_t)report * (size_t)actions + (size_t)i] = row[i].measured_compute;
    t->ok = t->ok && recorder_actions(t->record->recorder, row, count, &t->error);
}

/* What a rank of a dry run has of that step. */
typedef struct Lent {
    const Trainer *trainer;
    Laps laps;
} Lent;

/* What is kept once for many is looked for in the file once, too. */
static void find_held(Timelines *t, const Laps *laps, int first, int count, TimelineRow *row, int32_t *held)
{
    for (int i = 0; i < count && t->ok; i++) {
        int32_t *of = &held[laps->lap[first + i].held];
        if (*of < 0) t->ok = recorder_held(t->record->recorder, &row[i], of, &t->error);
        row[i].held = *of;
    }
}

/* Few rows at a time, which stay in the cache, as they are of millions of actions. */
static void write_lent(void *context, int report, const void *piece)
{
    enum { ROWS = 128 };
    (void)report;
    Timelines *t = context;
    const Lent *lent = piece;
    const Laps *laps = &lent->laps;
    const int actions = trainer_list(lent->trainer)->count;
    const size_t bytes = (size_t)laps->helds * sizeof(int32_t);
    TimelineRow *row = allocate(ROWS * sizeof *row);
    int32_t *held = memset(allocate(bytes), -1, bytes);
    for (int first = 0; first < actions; first += ROWS) {
        int count = actions - first < ROWS ? actions - first : ROWS;
        trainer_rows(lent->trainer, laps, first, count, row);
        find_held(t, laps, first, count, row, held);
        t->ok = t->ok && recorder_actions_held(t->record->recorder, row, count, &t->error);
    }
    free(held);
    free(row);
}

/* Rank 0 writes those of all: as rows that are sent to it, or, of ranks that are in one process with it, where they are. */
static void gather_timelines(Timelines *t, int64_t step)
{
    Record *r = t->record;
    const Trainer *trainer = r->trainer;
    const Lent lent = {trainer, recent_laps(&r->recent, step)};
    const size_t bytes = (size_t)trainer->rows * sizeof(TimelineRow);
    if (trainer->device.dry) {
        gather_lent(r->world, CONTROL, &lent, bytes, write_lent, t, 0);
        return;
    }
    TimelineRow *row = allocate(bytes);
    trainer_rows(trainer, &lent.laps, 0, trainer->rows, row);
    gather_each(r->world, CONTROL, row, bytes, write_timeline, t, 0);
    free(row);
}

/* Main only: what is in no step, of each row, from all that reported. */
static bool write_outside(Record *r, const uint64_t *all, Error *error)
{
    enum { COUNTS = 2 * PURPOSES };
    size_t rows = rows_of(r->world), steps = (size_t)r->recent.seen;
    uint64_t *bytes = allocate(rows * COUNTS * sizeof *bytes), *messages = bytes + rows * PURPOSES;
    for (size_t k = 0; k < rows; k++) {
        const uint64_t *counts = all + rows_report(r->world, k) * COUNTS;
        memcpy(bytes + k * PURPOSES, counts, PURPOSES * sizeof *all);
        memcpy(messages + k * PURPOSES, counts + PURPOSES, PURPOSES * sizeof *all);
        if (!rows_is_second(r->world, k)) continue;
        /* it is no root, and a leaf of every tree: it sends its reports */
        bytes[k * PURPOSES + INIT_BROADCAST] = messages[k * PURPOSES + INIT_BROADCAST] = 0;
        const Config *c = r->trainer->config;
        bytes[k * PURPOSES + CONTROL] = r->world->gathered - steps * step_record_bytes(c, r->world->size);
        messages[k * PURPOSES + CONTROL] =
            (size_t)r->world->gathers - steps * step_record_messages(&c->model.shape);
    }
    bool ok = recorder_outside(r->recorder, bytes, messages, error);
    free(bytes);
    return ok;
}

void record_end(Record *r, bool stopped)
{
    const Trainer *t = r->trainer;
    size_t reports = record_reports(r), actions = (size_t)t->rows;
    bool main = r->world->rank == 0, dry = t->device.dry, walked = dry || t->config->train.steps > 0;
    Timelines rows = {.record = r, .ok = true};
    int64_t step = walked ? recent_typical(&r->recent, r->world) : 0;
    if (main && walked) record_tell_if_many(r, "recording");
    if (main && !dry) rows.computed = allocate(reports * actions * sizeof *rows.computed);
    if (walked) gather_timelines(&rows, step);

    WorkDone work[WORK_KINDS];
    if (walked) work_record_sum(&r->work, r->world, work);
    const bool lates = t->config->fault.lates > 0;
    LateCount *late = lates ? late_record_sum(r->world) : NULL, total = {0, 0};
    enum { COUNTS = 2 * PURPOSES };
    uint64_t mine[COUNTS], *all = main ? allocate(reports * sizeof mine) : NULL;
    count_outside(r, sizeof mine, mine, mine + PURPOSES);
    gather(r->world, CONTROL, mine, sizeof mine, all, 0);
    if (!main) { /* nothing is sent from here on */
        if (!dry && !stopped) stop_forget();
        return;
    }

    if (late) total = late[t->comm->lates];
    if (late && !stopped && r->first == 0) late_record_warn(t->comm, late);
    Error error = rows.error;
    bool ok = rows.ok && write_outside(r, all, &error) &&
              (!lates || recorder_late(r->recorder, total.messages, total.late, &error));
    if (ok && walked)
        ok = one_step_write(r->recorder, t, r->world, recent_records_of(&r->recent, step), rows.computed,
                            &error) &&
             recorder_work(r->recorder, work, &error) &&
             recorder_timeline(r->recorder, recent_step(&r->recent, step), NULL, 0, &error);
    r->hold = recorder_hold(r->recorder);
    ok = ok && (stopped ? recorder_stop(r->recorder, &error) : recorder_finish(r->recorder, &error));
    if (!ok) record_lose(r, &error);
    if (!dry && !stopped) stop_forget();
    files_follow(r->hold, r->path, sizeof r->path);
    free(late);
    free(rows.computed);
    free(all);
}
