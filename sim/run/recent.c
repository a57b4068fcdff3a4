/* recent.c - a ring of the last steps. */
#include "sim/run/recent.h"
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"

static size_t place_of(const Recent *r, int64_t step)
{
    return (size_t)(step % (int64_t)r->most);
}

void recent_make(Recent *r, const Trainer *t, size_t reports)
{
    const int64_t steps = t->device.dry ? 1 : t->config->train.steps;
    const bool main = t->comm->rank == 0;
    *r = (Recent){.trainer = t, .most = 1, .reports = reports};
    if (steps > 1) r->most = steps < RECENT_MOST ? (size_t)steps : RECENT_MOST;
    if (r->most > 1) r->timeline = allocate(r->most * (size_t)t->rows * sizeof *r->timeline);
    if (main) r->records = allocate(r->most * r->reports * sizeof *r->records);
}

void recent_free(Recent *r)
{
    free(r->timeline);
    free(r->records);
    *r = (Recent){.trainer = NULL};
}

StepRecord *recent_records(const Recent *r)
{
    return r->records ? r->records + place_of(r, r->seen) * r->reports : NULL;
}

void recent_keep(Recent *r, double wall_time)
{
    const size_t place = place_of(r, r->seen), rows = (size_t)r->trainer->rows;
    r->wall_time[place] = wall_time;
    if (r->timeline) memcpy(r->timeline + place * rows, r->trainer->timeline, rows * sizeof *r->timeline);
    r->seen++;
}

int64_t recent_typical(const Recent *r, Group *world)
{
    const int64_t first = r->seen > (int64_t)r->most ? r->seen - (int64_t)r->most : 0,
                  count = r->seen - first;
    int64_t typical = first;
    for (int64_t step = first; step < r->seen; step++) {
        int64_t shorter = 0; /* steps than this one; of equal ones the later count */
        for (int64_t other = first; other < r->seen; other++) {
            const double mine = r->wall_time[place_of(r, step)], its = r->wall_time[place_of(r, other)];
            shorter += its < mine || (its == mine && other > step);
        }
        if (shorter == (count - 1) / 2) typical = step;
    }
    /* of a dry run, too: it sends what a real one does */
    tree_broadcast(world, CONTROL, &typical, sizeof typical, 0);
    return typical;
}

const TimelineRow *recent_timeline(const Recent *r, int64_t step)
{
    return r->timeline ? r->timeline + place_of(r, step) * (size_t)r->trainer->rows : r->trainer->timeline;
}

const StepRecord *recent_records_of(const Recent *r, int64_t step)
{
    return r->records + place_of(r, step) * r->reports;
}
