/* sample_run.h - a run file with something in every dataset: two stages, two replicas. */
#ifndef TESTS_SUPPORT_SAMPLE_RUN_H
#define TESTS_SUPPORT_SAMPLE_RUN_H
#include <stdbool.h>
#include "sim/config/config.h"
#include "tests/support/folder.h"

enum { SAMPLE_RANKS = 4, SAMPLE_STEPS = 12, SAMPLE_ACTIONS = 24 };

/* Whether it is of 16 bits: not in a build of double precision, which has none. */
bool sample_half(void);
/* Its configuration, resolved; the caller frees it. */
void sample_config(Config *config);
/* Writes SAMPLE_STEPS steps of a run, complete or (planned to be longer) not. */
void sample_run(const char *path, bool complete);

/* The complete one in a folder of a test's own, and the copy of it that the test changes. */
typedef struct SamplePlace {
    char folder[FOLDER], whole[FOLDER + 16], copy[FOLDER + 16];
} SamplePlace;
/* cmocka's: *state is the test's SamplePlace. */
int sample_setup(void **state);
int sample_teardown(void **state);
/* The copy is as the run again. */
void sample_copy(const SamplePlace *place);
/* The copy is refused by the reader, with a line that names it and has `part` in it. */
void sample_refused(const SamplePlace *place, const char *part);
#endif
