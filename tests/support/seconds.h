/* seconds.h - what a step took in simulated time, action by action, and what lay and went meanwhile. */
#ifndef TESTS_SUPPORT_SECONDS_H
#define TESTS_SUPPORT_SECONDS_H
#include "sim/run/step.h"

/* Over links. */
typedef struct SecondsSent {
    uint64_t across[PURPOSES];
    double busy[ROUTES];
} SecondsSent;

/* What rank 0 has of all ranks after the last step. */
typedef struct Seconds {
    TimelineRow *rows;
    Lanes *lanes;
    SecondsSent *sent;
    int rows_each;
} Seconds;

/* Case.look: rank 0 keeps the last step's; `context` is a Seconds. */
void seconds_look(Trainer *t, const StepResult *result, void *context);
/* Asserts that both have the same, to the last bit, and of each rank no more than the step. */
void seconds_same(const Seconds *run, const Seconds *dry, int ranks);
void seconds_free(Seconds *seen);
#endif
