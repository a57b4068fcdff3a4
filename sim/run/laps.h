/* laps.h - what a rank keeps of a step's actions. A dry run has millions of them, so little of each: it began where the
 * one before it ended, what it is the schedule says, and what was held as it ended is kept once for all alike. */
#ifndef SIM_RUN_LAPS_H
#define SIM_RUN_LAPS_H
#include "parallel/schedule/schedule.h"
#include "sim/file/run_info.h"

/* As in TimelineRow. */
typedef struct Lap {
    double end, recompute, communication; /* simulated */
    int held;                             /* which of the laps' */
} Lap;

typedef struct LapMeasured {
    double start, end, compute;
} LapMeasured;

typedef struct LapHeld {
    uint64_t memory[MEMORY_CATEGORIES], peak;
} LapHeld;

typedef struct Laps {
    Lap *lap;              /* (actions) */
    LapMeasured *measured; /* (actions); NULL of a dry run: nothing is */
    LapHeld *held;         /* (helds) */
    int helds;
    int last[ACTION_KINDS]; /* held after the last of a kind; -1: there was none */
} Laps;

void laps_make(Laps *laps, int actions, bool measured);
void laps_free(Laps *laps);
/* Which it is: most often the same as after the last action of its kind. */
int laps_hold(Laps *laps, ActionKind kind, const LapHeld *held);
/* Simulated, of action i of the list: as the one before it ended. */
double laps_start(const Laps *laps, int i);
/* The rows of actions first..first+count-1 of the rank's list; after its end rows without an action. */
void laps_rows(const Laps *laps, const Schedule *list, int rank, int first, int count, TimelineRow *rows);
#endif
