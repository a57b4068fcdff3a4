/* matrix_cases.h - the cases of tests/matrix.c: models, grids, strategies, schedules, and which of all these meet.
 *
 * Where replicas share experts, every grid pp x dp x tp of these ranks that has any with each ep that divides dp, with each
 * data x reduce x schedule: 30 cases a grid in fp64, and 6 more under gpipe, of losses of a global batch's load. Which kind
 * of experts a case has (router, capacity or none, what keeps the load even, shared experts), what it computes again, and,
 * where four or more share them, how rows go (on a network without nodes, or over nodes in two hops, always or where these
 * take less), go round so that of any two of all these each pair of values meets in every grid. */
#ifndef TESTS_SUPPORT_MATRIX_CASES_H
#define TESTS_SUPPORT_MATRIX_CASES_H
#include "tests/support/case.h"

enum { MATRIX_STEPS = 2, MATRIX_SETS = 14, MATRIX_SPLITS = 4096, MATRIX_DATAS = 6, MATRIX_RECOMPUTES = 3 };

/* How far the loss, the norm and all gradients together may be apart, relative to the truth's; and each parameter's
 * gradient, of its largest value, or, in 16 bits of a unit roundoff, as far as rounding.h says. */
typedef struct Numbers {
    const char *name, *set, *gradients;
    double apart, roundoff;
} Numbers;

/* Of a grid; and one of its cases. */
typedef struct Split {
    const Numbers *format;
    int family; /* what model */
    int ranks, pp, dp, tp, ep;
    bool sequence_parallel;
} Split;

typedef struct Choice {
    Split split;
    int data, schedule, recompute;
} Choice;

/* Writes all splits, of which there are as many as it returns, MATRIX_SPLITS at most. */
int matrix_splits(Split *split);
/* Whether replicas share experts: of these cases which are run, as they cover pairs. */
bool matrix_shares_experts(const Split *s);
bool matrix_in_cover(const Choice *c);
/* Whether the case is one of a few dozen. */
bool matrix_in_slice(const Choice *c);
/* Whether the config must refuse it. */
bool matrix_impossible(const Choice *c);

RegionOverlap matrix_overlap(const Choice *c);
/* Whether gradients are reduced after each microbatch. */
bool matrix_reduces_each(const Choice *c);

/* What a case's sets point to. */
typedef struct Settings {
    char layers[32], text[MATRIX_SETS][48];
} Settings;
/* The unsplit run that has the model of a grid, and the case itself. Both live as long as `settings`. */
Case matrix_truth(const Split *split, Settings *settings);
Case matrix_case(const Choice *c, Settings *settings);
void matrix_name(const Choice *c, char *name, size_t size);
#endif
