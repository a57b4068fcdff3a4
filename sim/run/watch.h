/* watch.h - how far a step is: shown where it takes more than two seconds. */
#ifndef SIM_RUN_WATCH_H
#define SIM_RUN_WATCH_H
#include "sim/base/progress.h"
#include "sim/run/estimate.h"

/* Of a dry run's steps, all ranks together; or of rank 0's part of a real one. */
typedef struct Watch {
    Progress progress;
    int64_t actions, performed;
    double ranks, made;  /* a dry run's ranks, and those that have all they need for the step */
    double rank, action; /* estimated seconds of either */
    int64_t step, steps; /* a real run's */
} Watch;

/* Before any rank is made. */
void watch_walk(Watch *w, const Estimate *estimate, const Plan *plan, int ranks, int64_t steps);
void watch_made(Watch *w);
/* As real step `step` of so many begins. */
void watch_step(Watch *w, const Schedule *list, int64_t step, int64_t steps);
/* Trainer.performed, of a Watch. */
void watch_performed(void *watch);
void watch_end(Watch *w);
#endif
