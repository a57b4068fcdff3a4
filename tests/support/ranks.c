/* ranks.c - running a body on all ranks, and what its ranks hold. */
#include "tests/support/ranks.h"
#include <stdio.h>
#include <stdlib.h>
#include "models/machine/random.h"
#include "models/machine/tensor_values.h"
#include "parallel/wire/comm_virtual.h"

const int64_t COUNTS[COUNT_CASES] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,   11,
                                     12, 13, 14, 15, 16, 17, 18, 19, 20, 97, 1000, 2520};

void expect(Findings *f, bool right, const char *format, ...)
{
    if (right || f->wrong++) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->first, sizeof f->first, format, args);
    va_end(args);
}

void check_findings(const Findings *f, int ranks, int rank)
{
    if (f->wrong)
        print_error("on %d ranks (rank %d): %d wrong, first: %s\n", ranks, rank, f->wrong, f->first);
    assert_int_equal(f->wrong, 0);
}

static void on_virtual_ranks(void (*body)(Comm *comm, void *findings))
{
    for (int n = 1; n <= RANKS_MAX; n++) {
        Findings f = {0};
        Error error;
        bool ended = virtual_run(n, body, &f, &error);
        if (!ended) print_error("%s\n", error.text);
        assert_true(ended);
        check_findings(&f, n, -1);
    }
}

void on_all_ranks(void (*body)(Comm *comm, void *findings))
{
    if (!mpi) {
        on_virtual_ranks(body);
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

Group *world_by(Comm *comm, Way way, int channel)
{
    Group *group = group_world(comm, channel);
    comm->windows = way != BY_MESSAGES;
    group_share(group);
    comm->windows = false;
    if (group->window && way == BY_SLOTS) {
        arena_free(group->window->arena);
        group->window->arena = NULL;
    }
    return group;
}

Tensor part_new(Device *device, int64_t count)
{
    return tensor_new(device, MEM_GRADIENTS, REAL, count);
}

double plain(int rank, int64_t i)
{
    return rank + 100.0 * (double)(i % 997);
}

void fill_plain(Tensor t, int rank)
{
    for (int64_t i = 0; i < t.count; i++) reals(t)[i] = (real)plain(rank, i);
}

double plain_sum(int n, int64_t i)
{
    return n * (n - 1) / 2.0 + n * plain(0, i);
}

real wild(int rank, int part, int64_t i)
{
    uint64_t which = (uint64_t)(rank * PARTS_MAX + part);
    double size = (double)(1 << random_below(9, STREAM_TEXT_ORDER, which, (uint64_t)i, 30));
    return (real)(size * random_normal(9, STREAM_WEIGHTS, which, (uint64_t)i));
}

void fill_wild(Tensor t, int rank, int part)
{
    for (int64_t i = 0; i < t.count; i++) reals(t)[i] = wild(rank, part, i);
}

void overlap_progress(void *overlap)
{
    Overlap *o = overlap;
    o->calls++;
    for (int k = 0; k < OVERLAPPING; k++)
        if (o->ring[k].group) ring_progress(&o->ring[k]);
}
