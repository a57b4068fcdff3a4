/* walk.c - from failure to failure: between two of them all is certain, and segments are counted, not walked. */
#include "sim/goodput/walk.h"
#include <math.h>
#include "models/machine/random.h"

double goodput_gap(const GoodputJob *job, int64_t seed, int64_t run, int64_t index)
{
    uint64_t bits = random_bits(seed, STREAM_FAILURES, (uint64_t)run, (uint64_t)index);
    return -job->mtbf * log(((double)(bits >> 11) + 0.5) * 0x1p-53);
}

typedef struct Walk {
    const GoodputJob *job;
    GoodputCut cut;
    int64_t seed, run;
    double now, next; /* the next failure */
    GoodputWalk so_far;
} Walk;

static void fail_now(Walk *w)
{
    w->now = w->next;
    w->so_far.failures++;
    w->next += goodput_gap(w->job, w->seed, w->run, w->so_far.failures);
}

static void restart(Walk *w)
{
    while (w->next < w->now + w->job->restart) {
        w->so_far.restarting += w->next - w->now;
        fail_now(w);
    }
    w->now += w->job->restart;
    w->so_far.restarting += w->job->restart;
}

/* Segments of so many that are left whose checkpoints are whole so many seconds after the first began. */
static int64_t whole_after(const Walk *w, double seconds, int64_t left)
{
    double begun = floor(seconds / w->cut.segment);
    int64_t done = begun < (double)(left - 1) ? (int64_t)begun : left - 1;
    if (done > 0 && seconds < (double)done * w->cut.segment + w->job->write) done--;
    return done;
}

static double rest(const Walk *w, int64_t left)
{
    double waits = left > 1 ? w->cut.last_waits : 0;
    return (double)(left - 1) * w->cut.segment + waits + w->cut.last + w->job->write;
}

GoodputWalk goodput_walk(const GoodputJob *job, int64_t interval, int64_t seed, int64_t run)
{
    Walk w = {.job = job, .cut = goodput_cut(job, interval), .seed = seed, .run = run};
    int64_t left = w.cut.segments;
    w.next = isinf(job->mtbf) ? INFINITY : goodput_gap(job, seed, run, 0);
    while (w.next < w.now + rest(&w, left)) {
        double ran = w.next - w.now;
        int64_t kept = whole_after(&w, ran, left);
        w.so_far.lost += ran - (double)kept * w.cut.segment;
        left -= kept;
        fail_now(&w);
        restart(&w);
    }
    w.so_far.seconds = w.now + rest(&w, left);
    w.so_far.trained = (double)job->steps * job->step;
    w.so_far.stalled = (double)w.cut.segments * job->stall + (left > 1 ? w.cut.last_waits : 0) + job->write;
    return w.so_far;
}
