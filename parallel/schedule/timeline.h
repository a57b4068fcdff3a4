/* timeline.h - a pipeline walked on paper: when each action of all ranks would
 * start and end, given how long actions and messages take.
 *
 * A send hands its message over and takes no time; the message is known by its
 * sender's stage and its microbatch, not by its order. A receive waits: `idle`
 * until its peer sends, then `wire` until the message arrives. A rank that has
 * ended is idle until all have, so that for every rank
 *
 *     end of all = busy + idle + wire        bubble = idle / end of all
 */
#ifndef PARALLEL_SCHEDULE_TIMELINE_H
#define PARALLEL_SCHEDULE_TIMELINE_H
#include "parallel/schedule/plan.h"

typedef struct Durations {
    double (*seconds)(void *context, int rank, Action action); /* never asked for a send or a receive */
    /* how long a message keeps its sender's port out and its receiver's port in (parallel/wire/port.h) busy, bytes /
     * bandwidth; NULL: no time at all */
    double (*message)(void *context, int from, int to, Action send);
    double latency; /* beside that */
    void *context;
} Durations;

/* Every F, B, I, W takes its kind's seconds on every rank, messages none. */
typedef struct Ideal {
    double forward, backward, input, weight;
} Ideal;
Durations timeline_ideal(Ideal *ideal);

typedef struct Span {
    double start, end;
} Span;

typedef struct RankTimeline {
    Span *span; /* one an action of the rank's list */
    double busy, idle, wire, bubble;
    /* most microbatches held at once, counted on each of the rank's stages: from F until B, or until W when the
     * backward is cut; and until B or I, which frees what only the input's gradient needs */
    int in_flight, in_flight_input;
} RankTimeline;

typedef struct Timeline {
    int ranks;
    double end, bubble; /* of all: the idle share of ranks x end */
    RankTimeline *rank;
} Timeline;

/* Checks a lowered plan (plan_check, so every message sent has its receive),
 * then walks it. False, with the ranks and actions that stand still, for a
 * deadlock; and for a message sent twice. */
bool timeline_walk(Timeline *timeline, const Plan *plan, const Durations *durations, Error *error);
void timeline_free(Timeline *timeline);
#endif
