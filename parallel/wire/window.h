/* window.h - memory that the ranks of a group share, where all of them run on one node.
 *
 * A rank has a segment of it, which it alone writes and all read. What is in there is told by counts that only grow:
 * who has stored something and then counts it (release) has it seen by whoever reads the count (acquire), and takes it
 * for gone when all others have counted that they are through. So nobody locks anything. A segment has a bounded size,
 * whatever goes through it: slots, used one after the other again and again. It is this machine's, as MPI's own buffers
 * are: in no ledger of the simulated one. */
#ifndef PARALLEL_WIRE_WINDOW_H
#define PARALLEL_WIRE_WINDOW_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "parallel/wire/arena.h"

/* Slots: some are filled while others are read; together they fit into a core's second cache. */
enum { WINDOW_COUNTS = 3, WINDOW_SLOTS = 4, WINDOW_SLOT_BYTES = 1 << 17, WINDOW_LINE = 64 };
enum { WINDOW_RANKS = 1024 }; /* at most, so that each finds a line in a slot */

typedef struct WindowCount {
    _Alignas(WINDOW_LINE) _Atomic uint32_t value; /* goes round: 0 follows the largest */
    _Atomic uint32_t sleepers;                    /* ranks that sleep until it changes */
} WindowCount;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "processes share counts, and no locks");

/* What goes with a slot, as a Stamp with a message: when the sender began, and its Comm.last as it put its values there
 * and as it put its sums. */
typedef struct WindowNote {
    double began;
    int64_t put_last, sum_last;
} WindowNote;

typedef struct WindowSegment {
    ArenaCard card; /* this rank's; and whether it has all others' before it */
    bool mapped;
    WindowCount count[WINDOW_COUNTS];
    _Alignas(WINDOW_LINE) WindowNote note[WINDOW_SLOTS];
    _Alignas(WINDOW_LINE) unsigned char slot[WINDOW_SLOTS][WINDOW_SLOT_BYTES];
} WindowSegment;

struct Collective;
typedef struct Window {
    WindowSegment **segment;       /* (the group's ranks) */
    uint32_t count[WINDOW_COUNTS]; /* this rank's */
    uint32_t begun;                /* chunks of all collectives so far */
    struct Collective *first; /* under way, in the order they began in (parallel/collectives/windows.c) */
    Arena *arena;             /* of the group's ranks; NULL: slots are all there is */
    void *handle;             /* the backend's */
} Window;

/* Whether a rank's count has come to so much. */
bool window_has(const Window *w, int rank, int which, uint32_t count);
/* The first whose has not; -1: all have. */
int window_behind(const Window *w, int ranks, int which, uint32_t count);
/* This rank's goes up by one, and who sleeps for it wakes. */
void window_count(Window *w, int rank, int which);
/* Sleeps until the rank's count changes, unless it has come to so much; for some tenths of a millisecond at most. */
void window_sleep(const Window *w, int rank, int which, uint32_t count);
#endif
