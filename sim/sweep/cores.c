/* cores.c - trials as jobs (sim/base/workers.h), in batches, as reasons take room; and what is said when a signal ends
 * them. */
#include "sim/sweep/cores.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/machine/device.h"
#include "sim/base/workers.h"

enum { SIGNALS = 3, BATCH = 4096 };

typedef struct Result {
    SweepRow row;
    char why[sizeof(Error)];
} Result;

typedef struct Batch {
    const Trials *trials;
    Tally *tally;
    int64_t first;
} Batch;

/* ---- signals ---- */

static const int signals[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
static const char *const signal_names[SIGNALS] = {"TERM", "INT", "HUP"};
static volatile sig_atomic_t stopped_by;

static void note(int number)
{
    stopped_by = number;
}

/* What is ignored, as under nohup, stays so. */
static void take_signals(struct sigaction earlier[SIGNALS])
{
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&action.sa_mask);
    stopped_by = 0;
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &earlier[i]);
        if (earlier[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
    }
}

static void give_signals_back(const struct sigaction earlier[SIGNALS])
{
    for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &earlier[i], NULL);
}

/* And the best so far, of those that fit. */
static void say_stopped(const Tally *tally, int number)
{
    const Sweep *s = tally->sweep;
    const SweepRow *best = NULL;
    char what[512] = "";
    for (int64_t i = 0; i < s->space.count; i++) {
        if (s->row[i].state != SWEEP_FITS || (best && s->row[i].a_device <= best->a_device)) continue;
        best = &s->row[i];
        space_describe(&s->space, i, what, sizeof what);
    }
    const char *name = "";
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i] == number) name = signal_names[i];
    fprintf(stderr,
            "%ssim: sweep: stopped by %s: %lld of %lld combinations were tried%s%s; nothing is kept\n",
            isatty(STDERR_FILENO) ? "\n" : "", name, (long long)tally->done, (long long)s->space.count,
            best ? ", the best of them " : "", what);
}

/* ---- batches ---- */

static bool try_one(const void *context, int job, void *result, Error *error)
{
    (void)error; /* a refusal is a result */
    const Batch *batch = context;
    Result *r = result;
    Error why = {""};
    r->row = trial_run(batch->trials, batch->first + job, &why);
    if (r->row.state == SWEEP_REFUSED) memcpy(r->why, why.text, strlen(why.text) + 1);
    return true;
}

static void tell(void *listener, int done)
{
    const Batch *batch = listener;
    tally_show(batch->tally, batch->first + done);
}

/* Of a batch that ended before its time, too: what was not tried is all zero. */
static void take_results(const Batch *batch, const Result *result, int count)
{
    for (int i = 0; i < count; i++)
        if (result[i].row.state != SWEEP_UNTRIED)
            tally_take(batch->tally, batch->first + i, &result[i].row, result[i].why);
}

static bool try_batch(Batch *batch, int count, int workers, Error *error)
{
    Result *result = allocate((size_t)count * sizeof *result);
    Jobs jobs = {.count = count,
                 .result = sizeof *result,
                 .perform = try_one,
                 .context = batch,
                 .tell = tell,
                 .listener = batch,
                 .stopped = &stopped_by};
    Error why;
    bool good = workers_perform(&jobs, workers, result, &why);
    take_results(batch, result, count);
    if (!good)
        error_set(error, "%s; %lld of %lld combinations were tried", why.text, (long long)batch->tally->done,
                  (long long)batch->trials->space->count);
    free(result);
    return good;
}

bool cores_try(const Trials *trials, int workers, Tally *tally, Error *error)
{
    int64_t count = trials->space->count;
    struct sigaction earlier[SIGNALS];
    Batch batch = {.trials = trials, .tally = tally};
    bool good = true;
    device_keep_memory(); /* a trial takes what the one before it had */
    take_signals(earlier);
    for (; good && batch.first < count; batch.first += BATCH) {
        int64_t left = count - batch.first;
        good = try_batch(&batch, left < BATCH ? (int)left : BATCH, workers, error);
    }
    give_signals_back(earlier);
    if (stopped_by) {
        say_stopped(tally, stopped_by);
        raise(stopped_by);
    }
    return good;
}
