/* verdict.c - a piece from each, one after the other. */
#include "sim/run/verdict.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"

/* What a rank tells rank 0 in one piece: how it went, and behind that its checksums. */
typedef struct Verdict {
    int64_t ok;
    char why[512];
} Verdict;

typedef struct Verdicts {
    size_t tensors;
    uint64_t *sum;
    int failed; /* the first rank that did; -1: none */
    char why[sizeof(((Verdict *)0)->why)];
} Verdicts;

static void hear(void *context, int rank, const void *piece)
{
    Verdicts *all = context;
    Verdict verdict;
    memcpy(&verdict, piece, sizeof verdict);
    const uint64_t *sum = (const uint64_t *)((const char *)piece + sizeof verdict);
    for (size_t i = 0; i < all->tensors; i++) all->sum[i] += sum[i];
    if (verdict.ok || all->failed >= 0) return;
    all->failed = rank;
    memcpy(all->why, verdict.why, sizeof all->why);
}

bool verdict_of_all(Group *world, bool ok, uint64_t *sum, size_t tensors, Error *error)
{
    size_t bytes = sizeof(Verdict) + tensors * sizeof *sum;
    char *mine = allocate_zeroed(1, bytes);
    Verdict verdict = {.ok = ok};
    if (!ok) snprintf(verdict.why, sizeof verdict.why, "%.511s", error->text);
    memcpy(mine, &verdict, sizeof verdict);
    memcpy(mine + sizeof verdict, sum, tensors * sizeof *sum);
    memset(sum, 0, tensors * sizeof *sum);
    Verdicts all = {.tensors = tensors, .sum = sum, .failed = -1};
    gather_each(world, OUTPUT_GATHER, mine, bytes, hear, &all, 0);
    free(mine);
    if (world->rank > 0 || all.failed < 0) return true;
    if (all.failed == 0) return error_set(error, "%s", all.why);
    return error_set(error, "rank %d: %s", all.failed, all.why);
}
