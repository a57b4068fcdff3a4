/* ranks_collectives.c - trees, straight lines and groups of some ranks: what
 * arrives, and the bytes sent for it. Rings have ranks_rings.c. */
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

/* ---- trees ---- */

static int rounds(int n) /* log2(n), rounded up */
{
    int log = 0;
    while (1 << log < n) log++;
    return log;
}

static void trees_body(Comm *comm, void *context)
{
    static const int children_of_six[] = {3, 0, 1, 0, 1, 0}; /* as drawn in trees.c */
    Findings *f = context;
    Device device = {0};
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    for (int root = 0; root < n; root++)
        for (int c = 0; c < COUNT_CASES; c++) {
            Tensor t = part_new(&device, COUNTS[c]);
            size_t bytes = tensor_bytes(t);
            int me = (r - root + n) % n;

            fill_plain(t, r == root ? 50 + root : 0);
            uint64_t before = comm->bytes[DP_BROADCAST];
            tree_broadcast(group, DP_BROADCAST, t.data, bytes, root);
            uint64_t sent = comm->bytes[DP_BROADCAST] - before;
            for (int64_t i = 0; i < t.count; i++)
                expect(f, (double)reals(t)[i] == plain(50 + root, i), "broadcast from %d: rank %d has %g",
                       root, r, (double)reals(t)[i]);
            if (me == 0)
                expect(f, sent == (uint64_t)rounds(n) * bytes, "root sent %llu", (unsigned long long)sent);
            if (me % 2) expect(f, sent == 0, "a leaf sent %llu bytes", (unsigned long long)sent);
            if (n == 6)
                expect(f, sent == (uint64_t)children_of_six[me] * bytes, "%d of 6 sent %llu", me,
                       (unsigned long long)sent);

            fill_plain(t, r);
            before = comm->bytes[DP_REDUCE];
            tree_reduce(group, DP_REDUCE, t, root);
            sent = comm->bytes[DP_REDUCE] - before;
            for (int64_t i = 0; i < t.count && r == root; i++)
                expect(f, (double)reals(t)[i] == plain_sum(n, i), "reduce to %d: %g at %d", root,
                       (double)reals(t)[i], (int)i);
            expect(f, sent == (r == root ? 0 : bytes), "reduce: rank %d sent %llu", r,
                   (unsigned long long)sent);
            tensor_free(&t);
            expect(f, device.total == 0, "a tree keeps %zu bytes", device.total);
        }
    group_free(group);
}

static void trees(void **state)
{
    (void)state;
    on_all_ranks(trees_body);
}

/* ---- straight lines ---- */

/* What rank `from` has for rank `to`. */
static void letter(char *piece, size_t bytes, int from, int to)
{
    for (size_t i = 0; i < bytes; i++) piece[i] = (char)(16 * from + to + (int)(i * 7));
}

static bool is_letter(const char *piece, size_t bytes, int from, int to)
{
    for (size_t i = 0; i < bytes; i++)
        if (piece[i] != (char)(16 * from + to + (int)(i * 7))) return false;
    return true;
}

static void straight_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    for (int c = 0; c < COUNT_CASES; c++) {
        size_t bytes = (size_t)COUNTS[c], others = (size_t)(n - 1) * bytes;
        char *mine = allocate(bytes), *all = allocate((size_t)n * bytes);
        for (int root = 0; root < n; root++) {
            uint64_t before = comm->bytes[DP_GATHER];
            letter(mine, bytes, r, root);
            memset(all, 0, (size_t)n * bytes);
            gather(group, DP_GATHER, mine, bytes, r == root ? all : NULL, root);
            for (int from = 0; r == root && from < n; from++)
                expect(f, is_letter(all + (size_t)from * bytes, bytes, from, root), "gather to %d: piece %d",
                       root, from);
            expect(f, comm->bytes[DP_GATHER] - before == (r == root ? 0 : bytes), "gather: rank %d's bytes",
                   r);

            before = comm->bytes[DP_SCATTER];
            for (int to = 0; to < n; to++) letter(all + (size_t)to * bytes, bytes, root, to);
            memset(mine, 0, bytes);
            scatter(group, DP_SCATTER, r == root ? all : NULL, bytes, mine, root);
            expect(f, is_letter(mine, bytes, root, r), "scatter from %d: rank %d", root, r);
            expect(f, comm->bytes[DP_SCATTER] - before == (r == root ? others : 0),
                   "scatter: rank %d's bytes", r);
        }
        free(mine);
        free(all);
    }
    group_free(group);
}

static void straight_lines(void **state)
{
    (void)state;
    on_all_ranks(straight_body);
}

/* ---- groups ---- */

/* The world backwards, and each rank's half of it (even or odd ranks): rings of
 * both under way at once, with the same tags, on different channels. */
static void groups_body(Comm *comm, void *context)
{
    Findings *f = context;
    Device device = {0};
    int n = comm->size, r = comm->rank, backwards[64], half[64], members = 0, sum = 0;
    for (int i = 0; i < n; i++) backwards[i] = n - 1 - i;
    for (int i = r % 2; i < n; i += 2) sum += half[members++] = i;
    Group *world = group_new(comm, CHANNEL, backwards, n),
          *mine = group_new(comm, CHANNEL + 1 + r % 2, half, members);
    expect(f, world->rank == n - 1 - r && world->size == n, "rank %d is %d of the world backwards", r,
           world->rank);
    expect(f, mine->rank == r / 2 && mine->size == members, "rank %d is %d of its half", r, mine->rank);
    Tensor a = part_new(&device, 30), b = part_new(&device, 30);
    fill_plain(a, r);
    fill_plain(b, r);
    Collective ring_a, ring_b;
    ring_all_gather_begin(&ring_a, world, CONTROL, &a, 1);
    ring_all_reduce_begin(&ring_b, mine, CONTROL, &b, 1);
    ring_end(&ring_b);
    ring_end(&ring_a);
    for (int block = 0; block < n; block++)
        for (int64_t i = block_offset(30, n, block); i < block_offset(30, n, block + 1); i++)
            expect(f, (double)reals(a)[i] == plain(n - 1 - block, i), "backwards: rank %d has %g at %d", r,
                   (double)reals(a)[i], (int)i);
    for (int64_t i = 0; i < 30; i++)
        expect(f, (double)reals(b)[i] == sum + members * plain(0, i), "half: rank %d has %g", r,
               (double)reals(b)[i]);
    tensor_free(&a);
    tensor_free(&b);
    group_free(mine);
    group_free(world);
}

static void groups_of_some_ranks(void **state)
{
    (void)state;
    on_all_ranks(groups_body);
}

int ranks_collectives(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),
        cmocka_unit_test(straight_lines),
        cmocka_unit_test(groups_of_some_ranks),
    };
    return cmocka_run_group_tests_name("collectives", tests, NULL, NULL);
}
