/* verdict.c - a piece from each. */
#include "sim/run/verdict.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a rank tells rank 0 in one piece: how it went, and behind that its checksums. */
typedef struct Verdict {
    int64_t ok;
    char why[512];
} Verdict;

struct Verdicts {
    Group *world;
    size_t tensors, bytes; /* of a piece */
    int tag;
    bool told;
    char *piece;      /* rank 0's: (ranks) pieces; elsewhere its own */
    Request *request; /* a piece each */
};

static char *piece_of(const Verdicts *v, int rank)
{
    return v->piece + (v->world->rank ? 0 : (size_t)rank * v->bytes);
}

/* Requests that are outstanding here. */
static int requests_of(const Verdicts *v)
{
    return v->world->rank ? 1 : v->world->size;
}

Verdicts *verdicts_new(Group *world, size_t tensors)
{
    Verdicts *v = allocate_zeroed(1, sizeof *v);
    v->world = world;
    v->tensors = tensors;
    v->bytes = sizeof(Verdict) + tensors * sizeof(uint64_t);
    v->tag = group_tag(world);
    v->piece = allocate_zeroed((size_t)requests_of(v), v->bytes);
    v->request = allocate_zeroed((size_t)requests_of(v), sizeof *v->request);
    for (int r = 1; r < world->size && world->rank == 0; r++)
        comm_receive(world, r, v->tag, OUTPUT_GATHER, piece_of(v, r), v->bytes, &v->request[r]);
    return v;
}

void verdicts_tell(Verdicts *v, bool ok, const uint64_t *sum, const Error *error)
{
    Verdict verdict = {.ok = ok};
    char *mine = piece_of(v, v->world->rank);
    if (!ok) snprintf(verdict.why, sizeof verdict.why, "%.511s", error->text);
    memcpy(mine, &verdict, sizeof verdict);
    memcpy(mine + sizeof verdict, sum, v->tensors * sizeof *sum);
    v->told = true;
    if (v->world->rank > 0) comm_send(v->world, 0, v->tag, OUTPUT_GATHER, mine, v->bytes, v->request);
}

bool verdicts_are_in(Verdicts *v)
{
    bool all = v->told;
    for (int i = 0; i < requests_of(v) && all; i++) all = comm_test(&v->request[i]);
    return all;
}

static bool sum_up(const Verdicts *v, uint64_t *sum, Error *error)
{
    int failed = -1;
    Verdict verdict, first;
    memset(sum, 0, v->tensors * sizeof *sum);
    for (int r = 0; r < v->world->size; r++) {
        const char *piece = piece_of(v, r);
        const uint64_t *part = (const uint64_t *)(piece + sizeof verdict);
        memcpy(&verdict, piece, sizeof verdict);
        for (size_t i = 0; i < v->tensors; i++) sum[i] += part[i];
        if (verdict.ok || failed >= 0) continue;
        failed = r;
        first = verdict;
    }
    if (failed < 0) return true;
    if (failed == 0) return error_set(error, "%s", first.why);
    return error_set(error, "rank %d: %s", failed, first.why);
}

bool verdicts_end(Verdicts *v, uint64_t *sum, Error *error)
{
    for (int i = 0; i < requests_of(v); i++) comm_finish(&v->request[i]);
    bool ok = v->world->rank > 0 || sum_up(v, sum, error);
    free(v->piece);
    free(v->request);
    free(v);
    return ok;
}

bool verdict_of_all(Group *world, bool ok, uint64_t *sum, size_t tensors, Error *error)
{
    Verdicts *v = verdicts_new(world, tensors);
    verdicts_tell(v, ok, sum, error);
    return verdicts_end(v, sum, error);
}
