/* planned.h - what a run of a case begins with: its config, checked for so many ranks, and its plan. */
#ifndef TESTS_SUPPORT_PLANNED_H
#define TESTS_SUPPORT_PLANNED_H
#include "sim/run/plan_from_config.h"
#include "tests/support/case.h"

typedef struct Planned {
    Case one; /* the case, now this one's */
    Config config;
    Plan plan;
} Planned;

/* On so many ranks, under one.schedule where there is a text. False with why where it is refused: then nothing is left to
 * free. */
bool planned_case(Planned *planned, Case one, int ranks, Error *error);
/* Of words, as case_of_words() takes them, which must be taken: else the test fails with why. */
Planned planned_words(int ranks, const char *format, ...) __attribute__((format(printf, 2, 3)));
void planned_free(Planned *planned);
#endif
