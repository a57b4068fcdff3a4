/* result.h - what came of each combination, which is best, and why others are none: as it is printed, drawn and kept. */
#ifndef SIM_SWEEP_RESULT_H
#define SIM_SWEEP_RESULT_H
#include "sim/sweep/space.h"

typedef enum { SWEEP_UNTRIED, SWEEP_FITS, SWEEP_TOO_LARGE, SWEEP_REFUSED, SWEEP_STATES } SweepState;
extern const char *const sweep_state_names[SWEEP_STATES]; /* "untried", "fits", "too large", "refused" */

/* One combination; NaN and 0 where it is refused. */
typedef struct SweepRow {
    double step_time;         /* simulated seconds */
    double tokens_per_second; /* of all ranks */
    double a_device;          /* of each: what combinations are ranked by */
    double mfu,
        hfu;       /* shares of the peak (sim/report/utilization.h); by parameters where no other is known */
    double bubble; /* idle share of a pipeline's ranks, their mean */
    double memory, capacity; /* bytes: the rank that holds the most; what an accelerator has */
    int32_t ranks, replicas, microbatches;
    int32_t state;  /* SweepState */
    int32_t reason; /* why it is refused, among the reasons; -1: it is not */
    int32_t place;  /* from 1, the best, among those that fit; 0: none */
} SweepRow;

typedef struct Sweep {
    char *config, *command_line; /* the ini as the user named it; what was asked for */
    char *ini;                   /* its text */
    Space space;
    SweepRow *row; /* (space.count) */
    char **reason; /* (reasons), each once, in the order of their first combinations */
    int reasons;
    int64_t states[SWEEP_STATES]; /* how many are so */
    int64_t best;                 /* -1: none fits */
} Sweep;

/* A row of what is refused. */
SweepRow sweep_refused(int ranks);

/* Texts, each once: the number of one, from 0 in the order they come. */
typedef struct SweepTexts SweepTexts;
SweepTexts *sweep_texts_new(void);
int32_t sweep_texts_add(SweepTexts *texts, const char *text);
void sweep_texts_free(SweepTexts *texts);

/* When all rows are there, their reasons numbered in `texts`, which are freed: numbers these by the combinations,
 * counts and ranks. */
void sweep_finish(Sweep *sweep, SweepTexts *texts);
void sweep_free(Sweep *sweep);

/* The combinations that are walked, best first; where `all`, those that do not fit among them. To be freed. */
int64_t *sweep_ranking(const Sweep *sweep, bool all, int64_t *count);

/* Refusals that differ in numbers alone. */
typedef struct SweepGroup {
    int64_t count;
    int reason; /* of the first of them */
} SweepGroup;
/* The largest first; to be freed. `group_of`, unless NULL: which of them each reason is in. */
SweepGroup *sweep_groups(const Sweep *sweep, int *groups, int *group_of);
#endif
