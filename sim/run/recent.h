/* recent.h - the last steps of a run, of which one that took as long as most is recorded action by action: a single
 * step, such as the last, shows what else the machine did in it. Where faults hold in some, those that they hold in are
 * the last ones here, and the longest in simulated time is recorded. */
#ifndef SIM_RUN_RECENT_H
#define SIM_RUN_RECENT_H
#include "sim/file/step_record.h"
#include "sim/run/step.h"

enum { RECENT_MOST = 15, RECENT_PLACES };

typedef struct Recent {
    const Trainer *trainer;
    size_t most, places;         /* that are kept; with faults one more is written before it is known to be */
    int64_t seen;                /* steps so far */
    int64_t kept;                /* of them; the n-th is at n % places */
    int64_t from;                /* the first that faults hold in, which those before do not count beside */
    bool faulty;                 /* there is one */
    int64_t step[RECENT_PLACES]; /* their numbers */
    double wall_time[RECENT_PLACES]; /* of this rank's clock, s */
    Lap *lap;                        /* (places, actions); NULL: the trainer's own, of the only step */
    LapMeasured *measured;           /* likewise; NULL of a dry run, too */
    StepRecord *records;             /* (places, reports); rank 0's, else NULL */
    size_t reports;                  /* of so many ranks */
} Recent;

void recent_make(Recent *recent, const Trainer *trainer, size_t reports);
void recent_free(Recent *recent);

/* Rank 0's: where the ranks' records go, of the step under way. */
StepRecord *recent_records(const Recent *recent);
/* Keeps the trainer's laps; the step is over. */
void recent_keep(Recent *recent, double wall_time);

/* Which of those kept has the median time on rank 0's clock; of two in the middle, the shorter one. With faults, which
 * is the longest in simulated time, the first of them. All ranks call it, after a step at least. */
int64_t recent_typical(const Recent *recent, Group *world);
/* Of that one: which step of the run it is, from 0, and what was kept of it. */
int64_t recent_step(const Recent *recent, int64_t kept);
/* They stay the trainer's and `recent`'s: not to be freed. */
Laps recent_laps(const Recent *recent, int64_t kept);
const StepRecord *recent_records_of(const Recent *recent, int64_t kept);
#endif
