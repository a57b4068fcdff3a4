/* experts_walked.h - a dry run of two ranks, a small model of experts: two layers of four, two a token, 8 samples of 10. */
#ifndef TESTS_SUPPORT_EXPERTS_WALKED_H
#define TESTS_SUPPORT_EXPERTS_WALKED_H
#include "tests/support/plot_place.h"

enum { WALKED_EXPERTS = 4, WALKED_LAYERS = 2 };

/* With these keys, until a NULL, into a file of that name; what was said is in place. Returns the exit status. */
int experts_walk(PlotPlace *place, const char *name, const char *const *sets);
#define EXPERTS_WALK(place, name, ...) experts_walk(place, name, (const char *const[]){__VA_ARGS__, NULL})

/* What its file has of the step. */
typedef struct ExpertsLoads {
    double load[WALKED_LAYERS][WALKED_EXPERTS], dropped[WALKED_LAYERS], imbalance[WALKED_LAYERS];
} ExpertsLoads;
ExpertsLoads experts_loads(const PlotPlace *place, const char *name);
void experts_assert_loads(const ExpertsLoads *l, int layer, const double expected[WALKED_EXPERTS]);
#endif
