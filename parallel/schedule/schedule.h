/* schedule.h - a schedule is data: the list of actions one rank executes in a
 * step. Nothing is scheduled anywhere else.
 *
 * The model is cut into v * p stages, stage s on rank s mod p (other
 * placements come with schedules of a user's own, see plan.h). A list is
 * written in passes: first what is computed (F, B, or I and W), by one of
 * the five functions below; then lowering adds what must move between stages,
 * and surrounding what the whole step needs, which its strategy knows. */
#ifndef PARALLEL_SCHEDULE_SCHEDULE_H
#define PARALLEL_SCHEDULE_SCHEDULE_H
#include "models/machine/error.h"

typedef enum {
    ACTION_UNSHARD,       /* whole parameters reach every rank */
    ACTION_FORWARD,       /* F: one microbatch through this stage */
    ACTION_BACKWARD,      /* B: both halves of the backward pass */
    ACTION_INPUT,         /* I: the half that gives the input's gradient; saved activations stay */
    ACTION_WEIGHT,        /* W: the half that gives the weights' gradients */
    ACTION_SEND_FORWARD,  /* this stage's output to the next stage */
    ACTION_RECV_FORWARD,  /* this stage's input from the stage before */
    ACTION_SEND_BACKWARD, /* the gradient of this stage's input to the stage before */
    ACTION_RECV_BACKWARD, /* the gradient of this stage's output from the next stage */
    ACTION_BALANCE, /* what all microbatches chose of experts reaches every replica, before any backward */
    ACTION_REDUCE,  /* gradients are complete where they are owned */
    ACTION_STEP,    /* the optimizer */
    ACTION_KINDS
} ActionKind;
/* "UNSHARD", "F", "B", "I", "W", "SEND_F", "RECV_F", "SEND_B", "RECV_B", "BALANCE", "REDUCE", "STEP" */
extern const char *const action_name[ACTION_KINDS];

/* Of which a step has millions: eight bytes. */
typedef struct Action {
    int microbatch;        /* -1: not of one */
    signed int stage : 24; /* -1: of all stages this rank holds */
    ActionKind kind : 7;
    /* an F that is one with the B computed after it: the two run as if at once (DualPipe, arXiv 2412.19437) */
    bool overlapped : 1;
} Action;

typedef struct Schedule {
    Action *action; /* (count) */
    int count;
} Schedule;

enum { SCHEDULE_MOST = 1 << 20 }; /* v * p * m: forwards a step, so that each message has a tag */
_Static_assert(sizeof(Action) == 2 * sizeof(int) && SCHEDULE_MOST < 1 << 23 && ACTION_KINDS < 1 << 6,
               "an action has room for its stage and kind");
typedef struct Shape {
    int v, p, m; /* stages a rank, ranks, microbatches a step */
} Shape;

typedef enum {
    SCHEDULE_NAIVE,
    SCHEDULE_GPIPE,
    SCHEDULE_1F1B,
    SCHEDULE_INTERLEAVED,
    SCHEDULE_ZB_H1,
    SCHEDULE_KINDS
} ScheduleKind;
extern const char *const schedule_name[SCHEDULE_KINDS + 1]; /* "naive", "gpipe", ...; ends in NULL */

/* Writes what one rank computes. Every stage runs its backwards in ascending
 * order of microbatches, so that all schedules of one split add the same
 * numbers in the same order. */
void schedule_write(Schedule *schedule, ScheduleKind kind, Shape shape, int rank);
/* Whether a kind can run a shape; the reason when it cannot, and what else would do where that is not another
 * number of microbatches: what makes that number is the caller's. */
bool schedule_possible(ScheduleKind kind, Shape shape, Error *error);

/* Adds a receive before and a send after each F and each B or I, wherever the
 * neighbour stage is on another rank. rank_of: per stage of `stages`. */
void schedule_lower_messages(Schedule *schedule, const int *rank_of, int stages);
/* Whether no forward comes after a backward, nor beside one; and, of such a list, adds between them what needs all
 * forwards. */
bool schedule_forwards_first(const Schedule *schedule);
void schedule_add_between(Schedule *schedule, ActionKind kind);
/* Adds what the step does before and after the computation; either list ends in ACTION_KINDS. */
void schedule_surround(Schedule *schedule, const ActionKind *before, const ActionKind *after);

void schedule_add(Schedule *schedule, ActionKind kind, int stage, int microbatch);
void schedule_append(Schedule *schedule, Action action);
/* B, I or W. */
static inline bool action_is_backward(ActionKind kind)
{
    return kind == ACTION_BACKWARD || kind == ACTION_INPUT || kind == ACTION_WEIGHT;
}
/* These and F: what a stage computes, and a schedule's text names. */
static inline bool action_computes(ActionKind kind)
{
    return kind == ACTION_FORWARD || action_is_backward(kind);
}
/* The place on the list of the action that the one at `index` is one with; `index` where it is for itself. */
int schedule_overlapped_with(const Schedule *schedule, int index);
void schedule_free(Schedule *schedule);
/* "2B13", "SEND_F of stage 2, microbatch 13" or "REDUCE" into text. */
const char *action_text(Action action, char *text, unsigned long size);
#endif
