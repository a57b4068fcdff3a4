/* walk.h - one job, from its first step to its last, through failures that are drawn. */
#ifndef SIM_GOODPUT_WALK_H
#define SIM_GOODPUT_WALK_H
#include "sim/theory/goodput.h"

/* Where its simulated seconds went. */
typedef struct GoodputWalk {
    double seconds; /* until all steps are done and the last checkpoint is whole: the sum of the next four */
    double trained; /* steps that counted */
    double stalled; /* checkpoints that counted, waiting for one to be written with them */
    double lost;    /* what was done and lost again */
    double restarting; /* after failures, with restarts that failed */
    int64_t failures;
} GoodputWalk;

/* Walks the job with a checkpoint every `interval` steps, from goodput_least_interval() on. Run `run` of a seed has
 * failures at moments that depend on these two and on M alone, so all intervals meet the same ones. Takes time as its
 * failures do, not as its steps. */
GoodputWalk goodput_walk(const GoodputJob *job, int64_t interval, int64_t seed, int64_t run);
/* Seconds between failure `index` - 1 and failure `index`, from 0: exponential of mean M. */
double goodput_gap(const GoodputJob *job, int64_t seed, int64_t run, int64_t index);
#endif
