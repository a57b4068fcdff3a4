/* case_ranks.h - a test of cases, on virtual ranks in its process or, under mpirun, on those it was given. */
#ifndef TESTS_SUPPORT_CASE_RANKS_H
#define TESTS_SUPPORT_CASE_RANKS_H
#include <stdio.h>
#include <stdlib.h>
#include "parallel/wire/comm_mpi.h"
#include "tests/support/case.h"
#include "tests/support/check.h"

#ifdef SIM_DOUBLE
static const double TOLERANCE = 1e-12;
#else
static const double TOLERANCE = 1e-5;
#endif

static Comm *mpi; /* NULL: virtual ranks */

static inline bool ranks_fit(int ranks)
{
    return !mpi || mpi->size == ranks;
}

/* Runs the case on `ranks`; on every rank but 0 of an MPI run there is nothing to look at. */
static inline bool run_case(Case *c, int ranks)
{
    if (!mpi) return case_virtual(c, ranks);
    case_run(mpi, c);
    return mpi->rank == 0 && !c->refused[0];
}

/* One case against its truth; on the ranks of an MPI run that have nothing to look at, whether it ran. */
static inline void agrees(const Case *truth, Case *c, const char *what, int ranks)
{
    if (run_case(c, ranks))
        assert_true(case_agrees(truth, c, what, ranks, TOLERANCE));
    else if (c->refused[0])
        print_error("%s on %d ranks: %s\n", what, ranks, c->refused);
    assert_true(!c->refused[0]);
}

/* The same, and the case's first step without numbers counts what it counts with them; the case is freed. */
static inline void agrees_also_dry(const Case *truth, Case *c, const char *what, int ranks)
{
    Case dry = *c;
    dry.dry = true;
    dry.steps = 1;
    dry.text = NULL; /* the case's own */
    agrees(truth, c, what, ranks);
    if (c->loss) { /* where there is something to look at: in one process, also beside MPI */
        assert_true(case_virtual(&dry, ranks));
        assert_true(case_dry_equals(c, &dry, what, ranks));
    }
    case_free(c);
    case_free(&dry);
}

/* Under MPI rank 0 alone asserts and prints; its first failure ends the whole
 * job, so that no rank is left in a collective. */
static inline void cases_start(int *argc, char ***argv)
{
    if (getenv("OMPI_COMM_WORLD_SIZE")) mpi = comm_mpi_start(argc, argv);
    if (mpi) setenv("CMOCKA_TEST_ABORT", "1", 1);
    setvbuf(stdout, NULL, _IONBF, 0); /* an abort must not swallow the verdict */
    if (mpi && mpi->rank > 0 && !freopen("/dev/null", "w", stdout)) exit(1);
}

static inline int cases_stop(int failed)
{
    if (mpi && failed && mpi->rank == 0) comm_mpi_abort(1);
    if (mpi) comm_mpi_stop(mpi);
    return failed != 0;
}
#endif
