/* swept.h - what tests of `sim sweep` share: calls of it, and a config that it tries in no time. */
#ifndef TESTS_SUPPORT_SWEPT_H
#define TESTS_SUPPORT_SWEPT_H
#include "tests/support/plot_place.h"

/* Runs sim sweep on the words up to NULL: its exit status. */
int sweep_words(PlotPlace *place, const char *const *words);
#define SWEEP(place, ...) sweep_words(place, (const char *const[]){__VA_ARGS__, NULL})

/* A model that 8 ranks walk in a millisecond: the path of its config, made in the place. */
const char *config_in(const PlotPlace *place);

#define GRID                                                                                                \
    "--set", "parallel.tp=1,2,3", "--set", "parallel.pp=2,1", "--set", "train.microbatch=1,2,4,5", "--set", \
        "train.recompute=none,full"
#endif
