/* ranks.h - a test body on many ranks: on 1 to 9 virtual ranks in this process,
 * and under mpirun on the ranks it was given.
 *
 * A body is one rank's part. It runs inside a coroutine, out of which no assert
 * may jump: it counts what it finds wrong, and the assert is outside. */
#ifndef TESTS_SUPPORT_RANKS_H
#define TESTS_SUPPORT_RANKS_H
#include <stdio.h>
#include <stdlib.h>
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_mpi.h"
#include "parallel/wire/comm_virtual.h"
#include "tests/support/check.h"

enum { RANKS_MAX = 9, CHANNEL = CHANNELS, CHANNEL_FINDINGS = CHANNEL + 9 };
static const int64_t COUNTS[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,   11,
                                 12, 13, 14, 15, 16, 17, 18, 19, 20, 97, 1000, 2520};
enum { COUNT_CASES = sizeof COUNTS / sizeof *COUNTS };

static Comm *mpi; /* NULL: virtual ranks */

typedef struct Findings {
    int wrong;
    char first[200];
} Findings;

__attribute__((format(printf, 3, 4))) static inline void expect(Findings *f, bool right, const char *format,
                                                                ...)
{
    if (right || f->wrong++) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->first, sizeof f->first, format, args);
    va_end(args);
}

static inline void check_findings(const Findings *f, int ranks, int rank)
{
    if (f->wrong)
        print_error("on %d ranks (rank %d): %d wrong, first: %s\n", ranks, rank, f->wrong, f->first);
    assert_int_equal(f->wrong, 0);
}

static inline void on_all_ranks(void (*body)(Comm *comm, void *findings))
{
    if (!mpi) {
        for (int n = 1; n <= RANKS_MAX; n++) {
            Findings f = {0};
            Error error;
            bool ended = virtual_run(n, body, &f, &error);
            if (!ended) print_error("%s\n", error.text);
            assert_true(ended);
            check_findings(&f, n, -1);
        }
        return;
    }
    Findings mine = {0}, *all = allocate((size_t)mpi->size * sizeof *all);
    body(mpi, &mine);
    Group *world = group_world(mpi, CHANNEL_FINDINGS);
    gather(world, CONTROL, &mine, sizeof mine, all, 0);
    for (int r = 0; mpi->rank == 0 && r < mpi->size; r++) check_findings(&all[r], mpi->size, r);
    group_free(world);
    free(all);
}

static inline Tensor part_new(Device *device, int64_t count)
{
    return tensor_new(device, MEM_GRADIENTS, REAL, count);
}

/* Rank r's element i is r + 100 (i mod 997): sums of small whole numbers, exact. */
static inline double plain(int rank, int64_t i)
{
    return rank + 100.0 * (double)(i % 997);
}

static inline void fill_plain(Tensor t, int rank)
{
    for (int64_t i = 0; i < t.count; i++) reals(t)[i] = (real)plain(rank, i);
}

/* 0 + 1 + .. + (n-1), and n times the rest */
static inline double plain_sum(int n, int64_t i)
{
    return n * (n - 1) / 2.0 + n * plain(0, i);
}

/* Rank 0 alone reports and asserts; a failure there ends the whole job. */
static inline void ranks_start(int *argc, char ***argv)
{
    if (getenv("OMPI_COMM_WORLD_SIZE")) mpi = comm_mpi_start(argc, argv);
    if (mpi && mpi->rank > 0 && !freopen("/dev/null", "w", stdout)) exit(1); /* where cmocka reports */
}

static inline int ranks_stop(int failed)
{
    fflush(NULL); /* an abort does not */
    if (mpi && failed && mpi->rank == 0) comm_mpi_abort(1);
    if (mpi) comm_mpi_stop(mpi);
    return failed != 0;
}
#endif
