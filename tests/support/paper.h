/* paper.h - a case of training held against the walk on paper: every action's times and memory as the actions
 * before it, the messages and the ideal seconds have them, and what the run file says of the step. */
#ifndef TESTS_SUPPORT_PAPER_H
#define TESTS_SUPPORT_PAPER_H
#include "tests/support/case.h"
#include "tests/support/folder.h"
#include "tests/support/ranks.h"

/* What rank 0 saw of a case. */
typedef struct Seen {
    bool records; /* given: at the end it makes a run file and looks at that, too */
    bool shared;  /* given: other messages take a little of the ports' time, which paper does not know of */
    Findings found;
    int idled, travelled; /* receives that waited for their sender, and for the wire */
    TimelineRow *rows;    /* of the last step, rows_each of every rank; the caller frees them */
    int rows_each, in_flight[8];
} Seen;

/* Before the first case and after the last: where their run file lies. 0, or not. */
int paper_start(void);
int paper_stop(void);
/* The set that a case that records needs: its run file. */
extern char paper_output[FOLDER + 32];

/* A case's `look`, whose context is a Seen: every rank's part after a step; rank 0 looks. */
void paper_look(Trainer *t, const StepResult *result, void *context);
/* Asserts that nothing was wrong. */
void paper_check(const Seen *seen, const char *what);
#endif
