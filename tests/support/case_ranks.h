/* case_ranks.h - cases on virtual ranks or on those of the launch, held against their truths. */
#ifndef TESTS_SUPPORT_CASE_RANKS_H
#define TESTS_SUPPORT_CASE_RANKS_H
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/launch.h"

/* Whether a case of so many ranks can run here. */
bool ranks_fit(int ranks);
/* Runs the case on `ranks`; on every rank but 0 of an MPI run there is nothing to look at: false. */
bool run_case(Case *c, int ranks);
/* The unsplit run, where there is something to look at. */
void run_truth(Case *truth);
/* One case against its truth; on the ranks of an MPI run that have nothing to look at, whether it ran. */
void agrees(const Case *truth, Case *c, const char *what, int ranks);
/* The same, and the case's first step without numbers, on virtual ranks beside MPI too, counts what it counts with
 * them; the case is freed. */
void agrees_also_dry(const Case *truth, Case *c, const char *what, int ranks);
#endif
