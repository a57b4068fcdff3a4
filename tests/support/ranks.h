/* ranks.h - a test body on many ranks: on 1 to 9 virtual ranks in this process,
 * and under mpirun on the ranks it was given.
 *
 * A body is one rank's part. It runs inside a coroutine, out of which no assert
 * may jump: it counts what it finds wrong, and the assert is outside. */
#ifndef TESTS_SUPPORT_RANKS_H
#define TESTS_SUPPORT_RANKS_H
#include "models/machine/real.h"
#include "models/machine/tensor.h"
#include "parallel/collectives/collectives.h"
#include "tests/support/check.h"
#include "tests/support/launch.h"

enum { RANKS_MAX = 9, PARTS_MAX = 3, CHANNEL = CHANNELS, CHANNEL_FINDINGS = CHANNEL + 9, COUNT_CASES = 24 };
/* Elements to send: none, fewer than the ranks, and more that the ranks divide or do not. */
extern const int64_t COUNTS[COUNT_CASES];

/* What a body finds wrong: how often, and the first in words. */
typedef struct Findings {
    int wrong;
    char first[200];
} Findings;

/* Counts what is not right, and keeps the words of the first. */
void expect(Findings *f, bool right, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Asserts that nothing was wrong; `rank` is -1 where all ranks share the findings. */
void check_findings(const Findings *f, int ranks, int rank);
/* Runs the body, whose findings are checked. */
void on_all_ranks(void (*body)(Comm *comm, void *findings));

/* All ranks, and how their rings go: by messages; or, of real ranks, through a window, by its slots, without an arena, or
 * in place where the tensors are shared (parallel/collectives/shared_tensor.h). */
typedef enum { BY_MESSAGES, BY_SLOTS, BY_SHARING, WAYS } Way;
Group *world_by(Comm *comm, Way way, int channel);

/* A tensor of so many numbers, on one rank. */
Tensor part_new(Device *device, int64_t count);
/* Rank r's element i is r + 100 (i mod 997): sums of small whole numbers, exact. */
double plain(int rank, int64_t i);
void fill_plain(Tensor t, int rank);
/* The sum of element i over n ranks: 0 + 1 + .. + (n-1), and n times the rest. */
double plain_sum(int n, int64_t i);
/* Numbers of very different sizes, whose sum depends on the order of adding; of up to PARTS_MAX parts. */
real wild(int rank, int part, int64_t i);
void fill_wild(Tensor t, int rank, int part);

/* Collectives that are under way at once, moved on from inside kernels, also their own: a Between's call and context. */
enum { OVERLAPPING = 4 };
typedef struct Overlap {
    Collective ring[OVERLAPPING];
    int calls;
} Overlap;
void overlap_progress(void *overlap);
#endif
