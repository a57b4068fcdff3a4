/* plan.h - the lists of all ranks of one pipeline, and whether they are whole. */
#ifndef PARALLEL_SCHEDULE_PLAN_H
#define PARALLEL_SCHEDULE_PLAN_H
#include "parallel/schedule/schedule.h"

typedef struct Plan {
    Shape shape;
    int stages;     /* v * p */
    int *rank_of;   /* (stages) */
    Schedule *list; /* (p) */
    bool lowered;   /* sends and receives are in */
} Plan;

/* The lists of one schedule, of what is computed only. */
bool plan_write(Plan *plan, ScheduleKind kind, Shape shape, Error *error);
/* Empty lists; rank_of is 0 everywhere. */
void plan_empty(Plan *plan, Shape shape);
void plan_free(Plan *plan);
/* Adds sends and receives to every list. */
void plan_lower_messages(Plan *plan);
/* Whether on every rank all forwards come before the first backward; and for such a plan, lowered, an action between. */
bool plan_forwards_first(const Plan *plan);
void plan_add_between(Plan *plan, ActionKind kind);
/* schedule_surround() for every list. */
void plan_surround(Plan *plan, const ActionKind *before, const ActionKind *after);

/* An action by its place in a list; index -1: none in particular. */
typedef struct Place {
    int rank, index;
} Place;

/* Every microbatch visits every stage, on the stage's rank, once forward and
 * then once backward (B, or I and then W), never before what it needs from the
 * same rank or (when lowered) from a receive. The error does not say where;
 * `place` does. Whether ranks wait for each other forever is timeline.h's. */
bool plan_check(const Plan *plan, Place *place, Error *error);
#endif
