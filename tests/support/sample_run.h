/* sample_run.h - a run file with something in every dataset: two stages, two replicas. */
#ifndef TESTS_SUPPORT_SAMPLE_RUN_H
#define TESTS_SUPPORT_SAMPLE_RUN_H
#include <stdbool.h>
#include "sim/config/config.h"

enum { SAMPLE_RANKS = 4, SAMPLE_STEPS = 12, SAMPLE_ACTIONS = 24 };

/* Whether it is of 16 bits: not in a build of double precision, which has none. */
bool sample_half(void);
/* Its configuration, resolved; the caller frees it. */
void sample_config(Config *config);
/* Writes SAMPLE_STEPS steps of a run, complete or (planned to be longer) not. */
void sample_run(const char *path, bool complete);
#endif
