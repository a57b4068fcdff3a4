/* points.c - a row of intervals; jobs in blocks, over the cores; means. */
#include "sim/goodput/points.h"
#include <math.h>
#include <stdlib.h>
#include "parallel/wire/cores.h"
#include "sim/base/progress.h"
#include "sim/base/words.h"
#include "sim/base/workers.h"
#include "sim/goodput/seconds.h"
#include "sim/goodput/walk.h"

enum { ROW = 17, BLOCK = 10 };           /* intervals; jobs that a worker walks at a time */
static const double LEAST = 0.01;        /* goodput that is walked: what is lost ends up in the exponent */
static const double FAILURES_MOST = 2e9; /* drawn in all: a minute or two */

/* ---- which intervals ---- */

static double expect(const GoodputJob *job, int64_t interval)
{
    return goodput_expected(job, interval);
}

static void add(Points *p, int64_t interval)
{
    if (p->count && p->point[p->count - 1].interval == interval) return;
    double expected = expect(&p->costs.job, interval);
    if (!(expected >= LEAST)) {
        p->left_out++;
        return;
    }
    p->point[p->count++] = (Point){.interval = interval, .expected = expected};
}

/* From a sixteenth of Daly's to sixteen times it, each a root of 2 times the one before. */
static void add_row(Points *p)
{
    const GoodputJob *job = &p->costs.job;
    int64_t least = goodput_least_interval(job);
    double centre = fmax(p->daly / job->step, (double)least);
    for (int i = -(ROW / 2); i <= ROW / 2; i++) {
        double steps = round(centre * pow(2, i / 2.0));
        if (steps < (double)least) steps = (double)least;
        add(p, steps < (double)job->steps ? (int64_t)steps : job->steps);
    }
}

static bool add_given(Points *p, const GoodputRequest *r, Error *error)
{
    const GoodputJob *job = &p->costs.job;
    char fails[32], takes[32];
    int64_t least = goodput_least_interval(job);
    for (int i = 0; i < r->intervals; i++) {
        long long interval = r->interval[i];
        goodput_seconds((double)interval * job->step, takes, sizeof takes);
        goodput_seconds(job->mtbf, fails, sizeof fails);
        if (interval > job->steps)
            return error_set(error,
                             "--intervals %lld: more than the %lld steps of the job; try %lld or fewer",
                             interval, (long long)job->steps, (long long)job->steps);
        if (interval < least)
            return error_set(
                error,
                "--intervals %lld: %.3g s of steps, and a checkpoint is written in %.3g s, beside "
                "them; try %lld or more",
                interval, (double)interval * job->step, job->write, (long long)least);
        add(p, interval);
        if (p->left_out)
            return error_set(error,
                             "--intervals %lld: with a checkpoint every %s and a failure every %s hardly any "
                             "of its time would count, %.2g %%; try fewer steps",
                             interval, takes, fails, 100 * expect(job, interval));
    }
    return true;
}

static bool some_get_on(const Points *p, Error *error)
{
    const Costs *c = &p->costs;
    char fails[32], writes[32], restarts[32];
    goodput_seconds(c->job.mtbf, fails, sizeof fails);
    goodput_seconds(c->write_seconds, writes, sizeof writes);
    goodput_seconds(c->job.restart, restarts, sizeof restarts);
    return p->count > 0 ||
           error_set(
               error,
               "such a job does not get on: on %d node%s it fails every %s (--mtbf), a checkpoint takes "
               "%s (node.storage_gb) and a restart %s (--restart); try fewer ranks, or other values",
               c->nodes, words_s(c->nodes), fails, writes, restarts);
}

static bool is_few(const Points *p, Error *error)
{
    double failures = 0;
    for (int i = 0; i < p->count; i++)
        failures += p->runs * (double)p->costs.job.steps * p->costs.job.step / p->point[i].expected /
                    p->costs.job.mtbf;
    return failures <= FAILURES_MOST ||
           error_set(error,
                     "%.2g failures would be drawn, more than %.0g; try fewer --seeds, or a shorter job",
                     failures, FAILURES_MOST);
}

bool points_choose(Points *p, const Costs *costs, const GoodputRequest *r, Error *error)
{
    const GoodputJob *job = &costs->job;
    *p = (Points){.costs = *costs,
                  .young = goodput_young(job->stall, job->mtbf),
                  .daly = goodput_daly(job->stall, job->mtbf),
                  .runs = r->runs,
                  .best = -1};
    p->point = allocate_zeroed(GOODPUT_INTERVALS, sizeof *p->point);
    if (!r->intervals)
        add_row(p);
    else if (!add_given(p, r, error))
        return false;
    return some_get_on(p, error) && is_few(p, error);
}

void points_free(Points *p)
{
    free(p->point);
    p->point = NULL;
}

/* ---- walking ---- */

typedef struct Block {
    GoodputWalk walk[BLOCK];
} Block;

static int blocks_of(const Points *p)
{
    return (p->runs + BLOCK - 1) / BLOCK;
}

static bool walk_block(const void *context, int index, void *result, Error *error)
{
    (void)error;
    const Points *p = context;
    Block *block = result;
    int first = index % blocks_of(p) * BLOCK;
    int64_t interval = p->point[index / blocks_of(p)].interval;
    for (int i = 0; i < BLOCK && first + i < p->runs; i++)
        block->walk[i] = goodput_walk(&p->costs.job, interval, p->costs.seed, first + i);
    return true;
}

/* The goodput of all jobs together is the steps' seconds over the mean of theirs, as what is expected of them is. */
static void sum_up(Point *point, const Points *p, const Block *block)
{
    double runs = p->runs, squares = 0, spread = 0, each = 0;
    GoodputWalk sum = {0};
    for (int i = 0; i < p->runs; i++) {
        const GoodputWalk *w = &block[i / BLOCK].walk[i % BLOCK];
        sum.seconds += w->seconds;
        sum.trained += w->trained;
        sum.stalled += w->stalled;
        sum.lost += w->lost;
        sum.restarting += w->restarting;
        sum.failures += w->failures;
        each += w->trained / w->seconds;
    }
    point->goodput = sum.trained / sum.seconds;
    point->stalled = sum.stalled / sum.seconds;
    point->lost = sum.lost / sum.seconds;
    point->restarting = sum.restarting / sum.seconds;
    point->failures = (double)sum.failures / runs;
    point->seconds = sum.seconds / runs;
    for (int i = 0; i < p->runs; i++) {
        const GoodputWalk *w = &block[i / BLOCK].walk[i % BLOCK];
        double off = w->seconds / point->seconds - 1, apart = w->trained / w->seconds - each / runs;
        squares += off * off;
        spread += apart * apart;
    }
    if (p->runs < 2) return;
    point->error = point->goodput * sqrt(squares / (runs - 1) / runs);
    point->deviation = sqrt(spread / (runs - 1));
}

typedef struct Told {
    Progress progress;
    int blocks;
} Told;

static void tell(void *listener, int done)
{
    Told *told = listener;
    if (progress_due(&told->progress, done))
        progress_show(&told->progress, "goodput: %.0f %% of the jobs walked", 100.0 * done / told->blocks);
}

bool points_walk(Points *p, bool quiet, Error *error)
{
    Told told = {.blocks = p->count * blocks_of(p)};
    Block *block = allocate((size_t)told.blocks * sizeof *block);
    const Jobs jobs = {.count = told.blocks,
                       .result = sizeof *block,
                       .perform = walk_block,
                       .context = p,
                       .tell = quiet ? NULL : tell,
                       .listener = &told};
    progress_begin(&told.progress, told.blocks, PROGRESS_QUIET);
    bool good = workers_perform(&jobs, cores_of_process(), block, error);
    progress_end(&told.progress);
    for (int i = 0; good && i < p->count; i++) {
        sum_up(&p->point[i], p, block + (size_t)i * (size_t)blocks_of(p));
        if (i == 0 || p->point[i].goodput > p->point[p->best].goodput) p->best = i;
    }
    free(block);
    return good;
}
