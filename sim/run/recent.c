/* recent.c - a ring of the last steps. */
#include "sim/run/recent.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"

static size_t place_of(const Recent *r, int64_t kept)
{
    return (size_t)(kept % (int64_t)r->places);
}

/* Of this rank in a step. */
static size_t actions_of(const Recent *r)
{
    return (size_t)trainer_list(r->trainer)->count;
}

static const Faults *faults_of(const Recent *r)
{
    return &r->trainer->config->fault;
}

void recent_make(Recent *r, const Trainer *t, size_t reports)
{
    const int64_t steps = config_steps(t->config, t->device.dry);
    const bool main = t->comm->rank == 0;
    *r = (Recent){.trainer = t, .most = 1, .reports = reports};
    if (steps > 1) r->most = steps < RECENT_MOST ? (size_t)steps : RECENT_MOST;
    r->places = r->most + faults_any(faults_of(r));
    const size_t laps = r->places > 1 ? r->places * actions_of(r) : 0;
    if (laps > 0) r->lap = allocate(laps * sizeof *r->lap);
    if (laps > 0 && t->laps.measured) r->measured = allocate(laps * sizeof *r->measured);
    if (main) r->records = allocate(r->places * r->reports * sizeof *r->records);
}

void recent_free(Recent *r)
{
    free(r->lap);
    free(r->measured);
    free(r->records);
    *r = (Recent){.trainer = NULL};
}

StepRecord *recent_records(const Recent *r)
{
    return r->records ? r->records + place_of(r, r->kept) * r->reports : NULL;
}

void recent_keep(Recent *r, double wall_time)
{
    const size_t place = place_of(r, r->kept), count = actions_of(r);
    const Laps *laps = &r->trainer->laps;
    const bool holds = faults_hold(faults_of(r), r->trainer->step);
    r->seen++;
    if (r->faulty && !holds) return;
    if (holds && !r->faulty) r->from = r->kept;
    r->faulty |= holds;
    r->step[place] = r->trainer->step;
    r->wall_time[place] = wall_time;
    if (r->lap) memcpy(r->lap + place * count, laps->lap, count * sizeof *r->lap);
    if (r->measured) memcpy(r->measured + place * count, laps->measured, count * sizeof *r->measured);
    r->kept++;
}

static int64_t median_of(const Recent *r, int64_t first)
{
    const int64_t count = r->kept - first;
    int64_t typical = first;
    for (int64_t step = first; step < r->kept; step++) {
        int64_t shorter = 0; /* steps than this one; of equal ones the later count */
        for (int64_t other = first; other < r->kept; other++) {
            const double mine = r->wall_time[place_of(r, step)], its = r->wall_time[place_of(r, other)];
            shorter += its < mine || (its == mine && other > step);
        }
        if (shorter == (count - 1) / 2) typical = step;
    }
    return typical;
}

/* Simulated seconds, until the last rank ended; rank 0 knows. */
static double seconds_of(const Recent *r, int64_t kept)
{
    const StepRecord *record = recent_records_of(r, kept);
    double end = 0;
    for (size_t i = 0; i < r->reports; i++) end = fmax(end, record[i].simulated);
    return end;
}

static int64_t longest_of(const Recent *r, int64_t first)
{
    int64_t longest = first;
    for (int64_t step = first + 1; r->records && step < r->kept; step++)
        if (seconds_of(r, step) > seconds_of(r, longest)) longest = step;
    return longest;
}

int64_t recent_typical(const Recent *r, Group *world)
{
    const int64_t most = (int64_t)r->most, oldest = r->kept > most ? r->kept - most : 0,
                  first = oldest > r->from ? oldest : r->from;
    int64_t typical = faults_any(faults_of(r)) ? longest_of(r, first) : median_of(r, first);
    /* of a dry run, too: it sends what a real one does */
    tree_broadcast(world, CONTROL, &typical, sizeof typical, 0);
    return typical;
}

int64_t recent_step(const Recent *r, int64_t kept)
{
    return r->step[place_of(r, kept)];
}

Laps recent_laps(const Recent *r, int64_t kept)
{
    Laps laps = r->trainer->laps;
    const size_t first = place_of(r, kept) * actions_of(r);
    if (r->lap) laps.lap = r->lap + first;
    if (r->measured) laps.measured = r->measured + first;
    return laps;
}

const StepRecord *recent_records_of(const Recent *r, int64_t kept)
{
    return r->records + place_of(r, kept) * r->reports;
}
