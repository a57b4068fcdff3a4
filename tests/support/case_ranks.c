/* case_ranks.c - running a case where the launch has it, and comparing. */
#include "tests/support/case_ranks.h"

/* Of losses, gradients and norms, relative: the rounding of sums in another order. */
#ifdef SIM_DOUBLE
static const double TOLERANCE = 1e-12;
#else
static const double TOLERANCE = 1e-5;
#endif

bool ranks_fit(int ranks)
{
    return !mpi || mpi->size == ranks;
}

bool run_case(Case *c, int ranks)
{
    if (!mpi) return case_virtual(c, ranks);
    case_run(mpi, c);
    return mpi->rank == 0 && !c->refused[0];
}

void run_truth(Case *truth)
{
    if (mpi && mpi->rank > 0) return;
    if (!case_virtual(truth, 1)) print_error("the unsplit run: %s\n", truth->refused);
    assert_true(!truth->refused[0]);
}

void agrees(const Case *truth, Case *c, const char *what, int ranks)
{
    if (run_case(c, ranks))
        assert_true(case_agrees(truth, c, what, ranks, TOLERANCE));
    else if (c->refused[0])
        print_error("%s on %d ranks: %s\n", what, ranks, c->refused);
    assert_true(!c->refused[0]);
}

void agrees_also_dry(const Case *truth, Case *c, const char *what, int ranks)
{
    Case dry = *c;
    dry.dry = true;
    dry.steps = 1;
    dry.text = NULL; /* the case's own */
    agrees(truth, c, what, ranks);
    if (!mpi || mpi->rank == 0) {
        assert_true(case_virtual(&dry, ranks));
        assert_true(case_dry_equals(c, &dry, what, ranks));
    }
    case_free(c);
    case_free(&dry);
}
