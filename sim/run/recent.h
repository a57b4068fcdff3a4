/* recent.h - the last steps of a run, of which one that took as long as most is recorded action by action: a single
 * step, such as the last, shows what else the machine did in it. */
#ifndef SIM_RUN_RECENT_H
#define SIM_RUN_RECENT_H
#include "sim/file/step_record.h"
#include "sim/run/step.h"

enum { RECENT_MOST = 15 };

typedef struct Recent {
    const Trainer *trainer;
    size_t most;                   /* that are kept */
    int64_t seen;                  /* steps so far; one of number n is kept at n % most */
    double wall_time[RECENT_MOST]; /* of this rank's clock, s */
    TimelineRow *timeline;         /* (most, trainer->rows); NULL: the trainer's own, of the only step */
    StepRecord *records;           /* (most, reports); rank 0's, else NULL */
    size_t reports;                /* of so many ranks */
} Recent;

void recent_make(Recent *recent, const Trainer *trainer, size_t reports);
void recent_free(Recent *recent);

/* Rank 0's: where the ranks' records go, of the step under way. */
StepRecord *recent_records(const Recent *recent);
/* Keeps the trainer's timeline; the step is over. */
void recent_keep(Recent *recent, double wall_time);

/* The number, from 0, of the step whose time on rank 0's clock is the median of those kept; of two in the middle, the
 * shorter one. All ranks call it, after a step at least. */
int64_t recent_typical(const Recent *recent, Group *world);
/* Of that step. */
const TimelineRow *recent_timeline(const Recent *recent, int64_t step);
const StepRecord *recent_records_of(const Recent *recent, int64_t step);
#endif
