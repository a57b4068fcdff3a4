/* points.h - intervals between checkpoints, and what came of the jobs that were walked with each. */
#ifndef SIM_GOODPUT_POINTS_H
#define SIM_GOODPUT_POINTS_H
#include "sim/goodput/costs.h"
#include "sim/goodput/request.h"

/* Shares are of all the seconds of its jobs together. */
typedef struct Point {
    int64_t interval;                 /* steps */
    double expected;                  /* goodput, by theory */
    double goodput;                   /* of the jobs that were walked */
    double error;                     /* standard error of that */
    double deviation;                 /* standard deviation of one job's goodput; 0 of one job */
    double stalled, lost, restarting; /* shares: checkpoints, steps done again, restarts */
    double failures;                  /* a job, mean */
    double seconds;                   /* a job, mean */
} Point;

typedef struct Points {
    Costs costs;
    double young, daly;    /* seconds of steps between checkpoints, by their formulas */
    Point *point;          /* (count), intervals ascending */
    int count, runs, best; /* best: the one with most goodput */
    int left_out;          /* of the row that is made where none is given: those that hardly get on */
} Points;

/* Chooses the intervals, those of the request or a row around Daly's; false where one is refused, or where none gets
 * on. What is expected is filled in. To be freed in any case. */
bool points_choose(Points *points, const Costs *costs, const GoodputRequest *request, Error *error);
/* Walks the jobs, over the cores of this machine, and fills in the rest. The same numbers whatever the cores are.
 * `quiet`: without progress. */
bool points_walk(Points *points, bool quiet, Error *error);
void points_free(Points *points);
#endif
