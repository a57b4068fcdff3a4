/* ranks_windows.c - rings through memory that ranks share, by its slots and in place, beside those by messages. */
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/shared_tensor.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

enum { KINDS = 3 };
static void (*const begin[KINDS])(Collective *, Group *, Purpose, const Tensor *, int) = {
    ring_reduce_scatter_begin, ring_all_gather_begin, ring_all_reduce_begin};

/* ---- as by messages ---- */

enum { DRAWN = 499 };

/* Of one type, one kind: how the three go, and what they leave in blocks that are this rank's to read. */
static void compare_ways(Group *const group[WAYS], Findings *f, DType type, int kind)
{
    /* each block has more chunks than there are slots */
    const int64_t slot = WINDOW_SLOT_BYTES / (int64_t)sizeof(real),
                  counts[PARTS_MAX] = {2 * slot + 1, 97, (WINDOW_SLOTS - 1) * slot + 5};
    const int n = group[0]->size, r = group[0]->rank;
    Comm *comm = group[0]->comm;
    Device device = {0};
    Tensor part[WAYS][PARTS_MAX];
    real drawn[DRAWN];
    uint64_t bytes[WAYS], messages[WAYS];
    for (int i = 0; i < DRAWN; i++) drawn[i] = wild(r, 0, i);
    for (Way way = 0; way < WAYS; way++) {
        Collective ring;
        for (int p = 0; p < PARTS_MAX; p++) {
            Tensor values = part_new(&device, counts[p]);
            for (int64_t i = 0; i < counts[p]; i++) reals(values)[i] = drawn[(i + 17 * p) % DRAWN];
            part[way][p] = shared_tensor_new(group[way], &device, MEM_GRADIENTS, type, counts[p]);
            tensor_convert(part[way][p], values);
            tensor_free(&values);
        }
        bytes[way] = comm->bytes[CONTROL], messages[way] = comm->messages[CONTROL];
        begin[kind](&ring, group[way], CONTROL, part[way], PARTS_MAX);
        ring_end(&ring);
        bytes[way] = comm->bytes[CONTROL] - bytes[way],
        messages[way] = comm->messages[CONTROL] - messages[way];
        expect(f, bytes[way] == bytes[0] && messages[way] == messages[0],
               "kind %d: rank %d counts %llu bytes", kind, r, (unsigned long long)bytes[way]);
    }
    for (int p = 0; p < PARTS_MAX; p++) {
        int first = kind == 0 ? r : 0, last = kind == 0 ? r : n - 1;
        int64_t from = block_offset(counts[p], n, first), until = block_offset(counts[p], n, last + 1);
        Tensor wanted = tensor_view(part[0][p], from, until - from);
        for (Way way = 1; way < WAYS; way++) {
            Tensor found = tensor_view(part[way][p], from, until - from);
            expect(f, memcmp(found.data, wanted.data, tensor_bytes(found)) == 0,
                   "way %d, type %d, kind %d, part %d: rank %d has other bits", way, type, kind, p, r);
        }
    }
    for (Way way = 0; way < WAYS; way++)
        for (int p = 0; p < PARTS_MAX; p++) shared_tensor_free(group[way], &part[way][p]);
    expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
}

/* Of three parts: to the last bit, with as many bytes and messages counted; also in 16 bits, whose sums are rounded at
 * each addition. What a reduction leaves of others' blocks is not said. */
static void ways_body(Comm *comm, void *context)
{
    Findings *f = context;
    const bool half = sizeof(real) == sizeof(float); /* they are refused beside doubles */
    Group *group[WAYS];
    for (Way way = 0; way < WAYS; way++) group[way] = world_by(comm, way, CHANNEL + (int)way);
    expect(f, !group[BY_MESSAGES]->window, "rank %d was not to have a window", comm->rank);
    expect(f, comm->size == 1 || (group[BY_SLOTS]->window && group[BY_SHARING]->window->arena),
           "rank %d has no window, or no memory that all share", comm->rank);
    for (int kind = 0; kind < KINDS; kind++) {
        compare_ways(group, f, REAL, kind);
        if (half) compare_ways(group, f, BF16, kind);
        if (half) compare_ways(group, f, FP16, kind);
    }
    for (Way way = 0; way < WAYS; way++) group_free(group[way]);
}

static void as_by_messages(void **state)
{
    (void)state;
    if (mpi) on_all_ranks(ways_body);
}

/* A rank that began late is waited for in simulated time, through a window as by messages; and what one has said of the
 * last step all know after a collective of either half. */
static void clocks_by(Comm *comm, Findings *f, Way way)
{
    Device device = {0};
    Lanes lanes = {.pauses = 1};
    int n = comm->size, r = comm->rank;
    Group *group = world_by(comm, way, CHANNEL);
    comm->lanes = &lanes;
    for (int kind = 0; kind < KINDS; kind++) {
        Tensor t = shared_tensor_new(group, &device, MEM_GRADIENTS, REAL, 3 * n);
        Collective ring;
        fill_plain(t, r);
        comm_begin_step(comm);
        comm->last = r == n - 1 ? 70 + kind : 0;
        lanes.now = r == n / 2 ? 5 : 1;
        begin[kind](&ring, group, DP_ALL_REDUCE, &t, 1);
        ring_end(&ring);
        expect(f, n == 1 || lanes.now == 5, "kind %d: rank %d is at %g s", kind, r, lanes.now);
        expect(f, comm->last == 70 + kind, "kind %d: rank %d stops after %d", kind, r, (int)comm->last);
        shared_tensor_free(group, &t);
    }
    comm->lanes = NULL;
    comm->last = 0;
    comm_free_ports(comm);
    group_free(group);
}

static void clocks_body(Comm *comm, void *context)
{
    for (Way way = BY_SLOTS; way < WAYS; way++) clocks_by(comm, context, way);
}

static void clocks(void **state)
{
    (void)state;
    if (mpi) on_all_ranks(clocks_body);
}

/* ---- memory that is everybody's ---- */

static void dawdle(int rank, int turn)
{
    const struct timespec nap = {.tv_nsec = 300000};
    if ((rank + turn) % 3 == 0) nanosleep(&nap, NULL);
}

/* Ranks are early and late by turns; what a collective has left is right at once, and the memory free to change and to
 * be used again, though others may still be at it. Beside them are some through slots. */
static void at_once_body(Comm *comm, void *context)
{
    Findings *f = context;
    enum { TURNS = 30, COUNT = 5003, BESIDE = 601 };
    Device device = {0};
    Group *group = world_by(comm, BY_SHARING, CHANNEL);
    const int n = comm->size, r = comm->rank;
    for (int turn = 0; turn < TURNS; turn++) {
        const int kind = turn % KINDS;
        Tensor t = shared_tensor_new(group, &device, MEM_GRADIENTS, REAL, COUNT + 64 * (turn % 4)),
               beside = part_new(&device, BESIDE);
        Collective ring, other;
        fill_plain(t, r);
        fill_plain(beside, r + turn);
        dawdle(r, turn);
        begin[kind](&ring, group, CONTROL, &t, 1);
        ring_all_reduce_begin(&other, group, CONTROL, &beside, 1);
        dawdle(r, turn + 1);
        ring_progress(&ring);
        ring_end(turn % 2 ? &other : &ring);
        ring_end(turn % 2 ? &ring : &other);
        for (int b = 0; b < n; b++)
            for (int64_t i = block_offset(t.count, n, b); i < block_offset(t.count, n, b + 1); i++) {
                if (kind == 0 && b != r) continue; /* not said */
                double value = kind == 1 ? plain(b, i) : plain_sum(n, i);
                expect(f, (double)reals(t)[i] == value, "turn %d: rank %d has %g at %d, not %g", turn, r,
                       (double)reals(t)[i], (int)i, value);
            }
        for (int64_t i = 0; i < BESIDE; i++)
            expect(f, (double)reals(beside)[i] == plain_sum(n, i) + n * turn,
                   "turn %d: rank %d has %g at %d beside", turn, r, (double)reals(beside)[i], (int)i);
        fill_plain(t, 1000 + r);
        shared_tensor_free(group, &t);
        tensor_free(&beside);
    }
    expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
    group_free(group);
}

static void free_at_once(void **state)
{
    (void)state;
    if (mpi) on_all_ranks(at_once_body);
}

/* Where a single rank is not allowed what it takes, no rank of the group has it: tensors are as any others, and go through
 * slots. */
static void refused_body(Comm *comm, void *context)
{
    Findings *f = context;
    Device device = {0};
    struct rlimit before, less;
    const int n = comm->size, r = comm->rank;
    getrlimit(RLIMIT_FSIZE, &before);
    less = before;
    less.rlim_cur = 1 << 30;
    if (r == n - 1) setrlimit(RLIMIT_FSIZE, &less);
    Group *group = world_by(comm, BY_SHARING, CHANNEL);
    setrlimit(RLIMIT_FSIZE, &before);
    expect(f, n == 1 || (group->window && !group->window->arena), "rank %d shares memory", r);
    Tensor t = shared_tensor_new(group, &device, MEM_GRADIENTS, REAL, 1000);
    Collective ring;
    expect(f, !shared_tensor_is(group, t), "rank %d has a shared tensor", r);
    fill_plain(t, r);
    ring_all_reduce_begin(&ring, group, CONTROL, &t, 1);
    ring_end(&ring);
    for (int64_t i = 0; i < t.count; i++)
        expect(f, (double)reals(t)[i] == plain_sum(n, i), "rank %d has %g at %d", r, (double)reals(t)[i],
               (int)i);
    shared_tensor_free(group, &t);
    group_free(group);
}

static void all_or_none(void **state)
{
    (void)state;
    if (mpi) on_all_ranks(refused_body);
}

int ranks_windows(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_by_messages),
        cmocka_unit_test(clocks),
        cmocka_unit_test(free_at_once),
        cmocka_unit_test(all_or_none),
    };
    return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
