/* schedule.h - a schedule is data: the list of actions one rank executes in a
 * step. Nothing is scheduled anywhere else. */
#ifndef PARALLEL_SCHEDULE_H
#define PARALLEL_SCHEDULE_H
#include "parallel/data_parallel.h"

typedef enum {
    ACTION_UNSHARD,  /* whole parameters reach every rank */
    ACTION_FORWARD,  /* F: one microbatch through this stage */
    ACTION_BACKWARD, /* B */
    ACTION_REDUCE,   /* gradients are complete where they are owned */
    ACTION_STEP,     /* the optimizer */
    ACTION_KINDS
} ActionKind;
extern const char *const action_name[ACTION_KINDS]; /* "UNSHARD", "F", "B", "REDUCE", "STEP" */

typedef struct Action {
    ActionKind kind;
    int stage, microbatch; /* microbatch -1: not of one */
} Action;

typedef struct Schedule {
    Action *action;
    int count, capacity;
} Schedule;

/* One stage: each microbatch forward, then backward at once, so that one
 * microbatch's activations are held at a time. */
void schedule_single_stage(Schedule *schedule, int microbatches);
/* Adds what the data-parallel strategy needs around the computation. */
void schedule_lower(Schedule *schedule, DataParallelKind data);
void schedule_free(Schedule *schedule);
#endif
