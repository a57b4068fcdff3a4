/* workers.h - jobs over the cores of this machine, each in one of a few processes that share nothing but the results.
 *
 * A worker is a fork of this process: it sees all that was made before, and nothing that it changes reaches another, so
 * code that keeps its state to itself needs no lock. Jobs are taken in their order, by whoever is free. Where no process
 * may be started this one does them. */
#ifndef SIM_BASE_WORKERS_H
#define SIM_BASE_WORKERS_H
#include <signal.h>
#include <stddef.h>
#include "models/machine/error.h"

typedef struct Jobs {
    int count;
    size_t result; /* bytes that a job gives */
    /* Job 0 to count - 1, mostly in a worker; its result is all zero before. False, with `error` filled, ends all. */
    bool (*perform)(const void *context, int job, void *result, Error *error);
    const void *context;
    void (*tell)(void *listener, int done); /* here, as jobs are done; or NULL */
    void *listener;
    /* Or NULL. Not 0, as a signal's handler may make it: all end before their time. It is for this process alone to
     * end the workers then: they ignore INT and HUP, which a terminal sends to all. */
    const volatile sig_atomic_t *stopped;
    bool *
        lost; /* or NULL. Set where a worker ended before its time: no job was refused, so the request is as good
                 * as it was. */
} Jobs;

/* Does all jobs in as many workers, or fewer where there are fewer jobs; their results, one behind the other, are in
 * `results`. False where a job is refused (of several, the first in order), a worker ended before its time, after
 * which none begins another job, or all were stopped. All workers have ended when it returns. Memory is theirs
 * together: nobody checks it. */
bool workers_perform(const Jobs *jobs, int workers, void *results, Error *error);
#endif
