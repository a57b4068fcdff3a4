/* tape.h - what a stretch of a dry rank's program does in simulated time, in order: seconds computed, and rings that
 * begin and end. Played, it does so again from the rank's now, with what else keeps its ports busy now: to the last
 * bit what the program would do once more. */
#ifndef PARALLEL_WIRE_TAPE_H
#define PARALLEL_WIRE_TAPE_H
#include "parallel/wire/comm.h"

typedef struct TapeRing {
    Group *group;
    RingShape shape;
    bool ended;
} TapeRing;

/* A ring begins or ends, or both, after so many of the lane's steps. `like`: the first ring that is like it, so that
 * playing looks at few. */
typedef struct TapeEvent {
    int ring, like, steps;
    bool begins, ends;
} TapeEvent;

/* What its rings of a purpose send, together. */
typedef struct TapeCount {
    Purpose purpose;
    uint64_t messages, bytes, across;
} TapeCount;

struct Tape {
    LaneStep *step;       /* NULL: they are on the shelf (shelf.h) */
    const LaneStep *play; /* (steps), once it can be played */
    TapeEvent *event;
    TapeRing *ring;
    TapeCount *count;
    int steps, events, rings, counts;
    bool spoiled;     /* something happened that is in no event */
    uint64_t singles; /* comm's, as it began */
};

/* From here on what the rank does is noted. */
void tape_record(Tape *tape, Comm *comm);
/* No longer. Whether it can be played: its rings all began and ended on it, and it has no single messages,
 * nor any that may be late: another time they are not. */
bool tape_stop(Tape *tape, Comm *comm);
void tape_play(const Tape *tape, Comm *comm);
void tape_free(Tape *tape);

/* For rings: one begins, whose number is returned, and ends; -1 is of one that began on no tape. */
int tape_ring_begin(Tape *tape, Group *group, const RingShape *shape);
void tape_ring_end(Tape *tape, int ring);
#endif
