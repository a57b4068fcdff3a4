/* test_collectives.c - every collective against sums a person can check, the
 * bytes it may send, and bits that depend on nothing but the numbers. On 1 to 9
 * virtual ranks in this process; under mpirun on the ranks it was given.
 *
 * A body is one rank's part. It runs inside a coroutine, out of which no assert
 * may jump: it counts what it finds wrong, and the assert is outside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/random.h"
#include "parallel/collectives.h"
#include "parallel/comm_mpi.h"
#include "parallel/comm_virtual.h"
#include "tests/check.h"

enum { RANKS_MAX = 9, PARTS_MAX = 3, CHANNEL = 20 };
static const int64_t COUNTS[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 97, 1000, 2520};
enum { COUNT_CASES = sizeof COUNTS / sizeof *COUNTS };

static Comm *mpi; /* NULL: virtual ranks */

typedef struct Findings {
    int wrong;
    char first[200];
} Findings;

__attribute__((format(printf, 3, 4))) static void expect(Findings *f, bool right, const char *format, ...)
{
    if (right || f->wrong++) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->first, sizeof f->first, format, args);
    va_end(args);
}

static void check_findings(const Findings *f, int ranks, int rank)
{
    if (f->wrong) print_error("on %d ranks (rank %d): %d wrong, first: %s\n", ranks, rank, f->wrong, f->first);
    assert_int_equal(f->wrong, 0);
}

static void on_all_ranks(void (*body)(Comm *comm, void *findings))
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
    Group *world = group_world(mpi, CHANNEL + 9);
    gather(world, CONTROL, &mine, sizeof mine, all, 0);
    for (int r = 0; mpi->rank == 0 && r < mpi->size; r++) check_findings(&all[r], mpi->size, r);
    group_free(world);
    free(all);
}

/* ---- parts that a ring works on ---- */

static Tensor part_new(Device *device, int64_t count)
{
    return tensor_new(device, MEM_GRADIENTS, REAL, count);
}

/* Rank r's element i is r + 100 i: sums of small whole numbers, exact. */
static void fill_plain(Tensor t, int rank)
{
    for (int64_t i = 0; i < t.count; i++) reals(t)[i] = (real)(rank + 100 * i);
}

/* 0 + 1 + .. + (n-1) + n 100 i */
static double plain_sum(int n, int64_t i)
{
    return n * (n - 1) / 2.0 + n * 100.0 * (double)i;
}

/* Numbers of very different sizes, whose sum depends on the order of adding. */
static real wild(int rank, int part, int64_t i)
{
    uint64_t which = (uint64_t)(rank * PARTS_MAX + part);
    double size = (double)(1 << random_below(9, STREAM_TEXT_ORDER, which, (uint64_t)i, 30));
    return (real)(size * random_normal(9, STREAM_WEIGHTS, which, (uint64_t)i));
}

static void fill_wild(Tensor t, int rank, int part)
{
    for (int64_t i = 0; i < t.count; i++) reals(t)[i] = wild(rank, part, i);
}

/* Everything but the block that the ring leaves where it is, over all parts. */
static uint64_t all_blocks_but(const Tensor *part, int parts, int n, int block)
{
    int64_t elements = 0;
    for (int p = 0; p < parts; p++) elements += part[p].count - block_count(part[p].count, n, (block + n) % n);
    return n == 1 ? 0 : (uint64_t)elements * sizeof(real);
}

static void blocks_cut_evenly(void **state)
{
    (void)state;
    for (int n = 1; n <= RANKS_MAX; n++)
        for (int c = 0; c < COUNT_CASES; c++) {
            int64_t at = 0;
            for (int b = 0; b < n; b++) {
                assert_int_equal(block_offset(COUNTS[c], n, b), at);
                assert_int_equal(block_count(COUNTS[c], n, b), COUNTS[c] / n + (b < COUNTS[c] % n ? 1 : 0));
                at += block_count(COUNTS[c], n, b);
            }
            assert_int_equal(at, COUNTS[c]);
        }
}

/* ---- rings ---- */

static void rings_body(Comm *comm, void *context)
{
    Findings *f = context;
    Device device = {0};
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    for (int c = 0; c < COUNT_CASES; c++)
        for (int parts = 1; parts <= PARTS_MAX; parts++)
            for (int kind = 0; kind < 3; kind++) { /* reduce-scatter, all-gather, all-reduce */
                const int64_t counts[PARTS_MAX] = {COUNTS[c], COUNTS[c] / 2, COUNTS[c] + 3};
                Tensor part[PARTS_MAX];
                Collective ring;
                for (int p = 0; p < parts; p++) {
                    part[p] = part_new(&device, counts[p]);
                    fill_plain(part[p], r);
                }
                uint64_t before = comm->bytes[ZERO_NORM];
                if (kind == 0) ring_reduce_scatter_begin(&ring, group, ZERO_NORM, part, parts);
                if (kind == 1) ring_all_gather_begin(&ring, group, ZERO_NORM, part, parts);
                if (kind == 2) ring_all_reduce_begin(&ring, group, ZERO_NORM, part, parts);
                ring_end(&ring);
                uint64_t sent = comm->bytes[ZERO_NORM] - before, formula = 0, total = 0;
                if (kind != 1) formula += all_blocks_but(part, parts, n, r); /* the block it owns comes to it */
                if (kind != 0) formula += all_blocks_but(part, parts, n, r + 1); /* its right one's it does not return */
                bool divisible = true;
                for (int p = 0; p < parts; p++) {
                    total += (uint64_t)counts[p] * sizeof(real);
                    divisible &= counts[p] % n == 0;
                }
                expect(f, sent == formula, "kind %d, count %d: rank %d sent %llu bytes", kind, (int)COUNTS[c], r,
                       (unsigned long long)sent);
                if (divisible) /* Patarasuk & Yuan: (n-1)/n a half */
                    expect(f, sent * (uint64_t)n == (kind == 2 ? 2 : 1) * (uint64_t)(n - 1) * total,
                           "kind %d, count %d: rank %d sent %llu bytes", kind, (int)COUNTS[c], r, (unsigned long long)sent);
                for (int p = 0; p < parts; p++) {
                    for (int b = 0; b < n; b++) {
                        if (kind == 0 && b != r) continue; /* partial sums */
                        int64_t from = block_offset(counts[p], n, b), to = from + block_count(counts[p], n, b);
                        for (int64_t i = from; i < to; i++) {
                            double sum = kind == 1 ? b + 100.0 * (double)i : plain_sum(n, i);
                            expect(f, (double)reals(part[p])[i] == sum, "kind %d, count %d: rank %d has %g at %d", kind,
                                   (int)COUNTS[c], r, (double)reals(part[p])[i], (int)i);
                        }
                    }
                    tensor_free(&part[p]);
                }
                expect(f, device.total == 0, "kind %d: rank %d keeps %zu bytes", kind, r, device.total);
            }
    group_free(group);
}

static void rings(void **state)
{
    (void)state;
    on_all_ranks(rings_body);
}

/* One ring over three parts, three rings, and a reduce-scatter: the same bits,
 * twice, and those of the order that collectives.c draws: b+1, b+2, .., b. */
static void same_bits_body(Comm *comm, void *context)
{
    Findings *f = context;
    Device device = {0};
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    const int64_t counts[PARTS_MAX] = {2520, 97, 11};
    for (int repeat = 0; repeat < 2; repeat++) {
        Tensor one[PARTS_MAX], three[PARTS_MAX], scattered[PARTS_MAX];
        Collective ring, each[PARTS_MAX];
        for (int p = 0; p < PARTS_MAX; p++) {
            one[p] = part_new(&device, counts[p]), three[p] = part_new(&device, counts[p]);
            scattered[p] = part_new(&device, counts[p]);
            fill_wild(one[p], r, p);
            fill_wild(three[p], r, p);
            fill_wild(scattered[p], r, p);
        }
        ring_all_reduce_begin(&ring, group, CONTROL, one, PARTS_MAX);
        ring_end(&ring);
        for (int p = 0; p < PARTS_MAX; p++) ring_all_reduce_begin(&each[p], group, CONTROL, &three[p], 1);
        for (int p = 0; p < PARTS_MAX; p++) ring_end(&each[p]);
        ring_reduce_scatter_begin(&ring, group, CONTROL, scattered, PARTS_MAX);
        ring_end(&ring);
        int order_matters = 0;
        for (int p = 0; p < PARTS_MAX; p++) {
            for (int b = 0; b < n; b++)
                for (int64_t i = block_offset(counts[p], n, b); i < block_offset(counts[p], n, b + 1); i++) {
                    real sum = wild((b + 1) % n, p, i), upwards = wild(0, p, i);
                    for (int k = 2; k <= n; k++) sum += wild((b + k) % n, p, i);
                    for (int k = 1; k < n; k++) upwards += wild(k, p, i);
                    order_matters += sum != upwards;
                    expect(f, reals(one[p])[i] == sum, "part %d: rank %d adds element %d in another order", p, r, (int)i);
                    if (b == r) expect(f, reals(scattered[p])[i] == sum, "reduce-scatter differs at %d", (int)i);
                }
            expect(f, memcmp(one[p].data, three[p].data, tensor_bytes(one[p])) == 0, "three rings differ from one");
            tensor_free(&one[p]);
            tensor_free(&three[p]);
            tensor_free(&scattered[p]);
        }
        expect(f, n < 3 || order_matters > 100, "the order does not matter: these numbers test nothing");
    }
    group_free(group);
}

static void same_bits(void **state)
{
    (void)state;
    on_all_ranks(same_bits_body);
}

/* ---- rings that overlap ---- */

enum { RINGS = 4 };
typedef struct Overlap {
    Collective ring[RINGS];
    int calls;
} Overlap;

/* Called as each kernel starts, also those of the rings themselves. */
static void progress_all(void *context)
{
    Overlap *o = context;
    o->calls++;
    for (int k = 0; k < RINGS; k++)
        if (o->ring[k].group) ring_progress(&o->ring[k]);
}

/* Each rank moves them on in an order of its own; they end in one order on all. */
static void overlap_body(Comm *comm, void *context)
{
    Findings *f = context;
    Overlap o = {.calls = 0};
    Device device = {.between_kernels = progress_all, .between_context = &o};
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    static const int ends[RINGS] = {2, 0, 3, 1};
    for (int round = 0; round < 5; round++) {
        Tensor part[RINGS][2];
        for (int k = 0; k < RINGS; k++)
            for (int p = 0; p < 2; p++) {
                part[k][p] = part_new(&device, 40 + 7 * k + p + round);
                fill_plain(part[k][p], r);
            }
        for (int k = 0; k < RINGS; k++) {
            int parts = 1 + k % 2;
            if (k == 2) ring_all_gather_begin(&o.ring[k], group, CONTROL, part[k], parts);
            if (k != 2) ring_all_reduce_begin(&o.ring[k], group, CONTROL, part[k], parts);
        }
        for (int turn = 0; turn < 3 * RINGS; turn++) ring_progress(&o.ring[(turn * 3 + r + round) % RINGS]);
        for (int k = 0; k < RINGS; k++) {
            ring_end(&o.ring[ends[k]]);
            expect(f, ring_progress(&o.ring[ends[k]]), "an ended ring is not done");
            for (int turn = 0; turn < RINGS; turn++) ring_progress(&o.ring[(turn + r) % RINGS]);
        }
        for (int k = 0; k < RINGS; k++)
            for (int p = 0; p < 2; p++) {
                bool travelled = p < 1 + k % 2;
                for (int b = 0; b < n; b++)
                    for (int64_t i = block_offset(part[k][p].count, n, b); i < block_offset(part[k][p].count, n, b + 1); i++) {
                        double sum = !travelled ? r + 100.0 * (double)i : k == 2 ? b + 100.0 * (double)i : plain_sum(n, i);
                        expect(f, (double)reals(part[k][p])[i] == sum, "ring %d: rank %d has %g at %d, not %g", k, r,
                               (double)reals(part[k][p])[i], (int)i, sum);
                    }
                tensor_free(&part[k][p]);
            }
    }
    expect(f, n == 1 || o.calls > 0, "no kernel called back");
    expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
    group_free(group);
}

static void overlapping_rings(void **state)
{
    (void)state;
    on_all_ranks(overlap_body);
}

/* ---- trees ---- */

static int rounds(int n) /* log2(n), rounded up */
{
    int log = 0;
    while (1 << log < n) log++;
    return log;
}

static void trees_body(Comm *comm, void *context)
{
    static const int children_of_six[] = {3, 0, 1, 0, 1, 0}; /* as drawn in collectives.c */
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
                expect(f, (double)reals(t)[i] == 50 + root + 100.0 * (double)i, "broadcast from %d: rank %d has %g", root,
                       r, (double)reals(t)[i]);
            if (me == 0) expect(f, sent == (uint64_t)rounds(n) * bytes, "root sent %llu", (unsigned long long)sent);
            if (me % 2) expect(f, sent == 0, "a leaf sent %llu bytes", (unsigned long long)sent);
            if (n == 6) expect(f, sent == (uint64_t)children_of_six[me] * bytes, "%d of 6 sent %llu", me, (unsigned long long)sent);

            fill_plain(t, r);
            before = comm->bytes[DP_REDUCE];
            tree_reduce(group, DP_REDUCE, t, root);
            sent = comm->bytes[DP_REDUCE] - before;
            for (int64_t i = 0; i < t.count && r == root; i++)
                expect(f, (double)reals(t)[i] == plain_sum(n, i), "reduce to %d: %g at %d", root, (double)reals(t)[i], (int)i);
            expect(f, sent == (r == root ? 0 : bytes), "reduce: rank %d sent %llu", r, (unsigned long long)sent);
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
        char *mine = allocate(bytes), *all = allocate((size_t)n * bytes), *in = allocate((size_t)n * bytes);
        for (int root = 0; root < n; root++) {
            uint64_t before = comm->bytes[DP_GATHER];
            letter(mine, bytes, r, root);
            memset(all, 0, (size_t)n * bytes);
            gather(group, DP_GATHER, mine, bytes, r == root ? all : NULL, root);
            for (int from = 0; r == root && from < n; from++)
                expect(f, is_letter(all + (size_t)from * bytes, bytes, from, root), "gather to %d: piece %d", root, from);
            expect(f, comm->bytes[DP_GATHER] - before == (r == root ? 0 : bytes), "gather: rank %d's bytes", r);

            before = comm->bytes[DP_SCATTER];
            for (int to = 0; to < n; to++) letter(all + (size_t)to * bytes, bytes, root, to);
            memset(mine, 0, bytes);
            scatter(group, DP_SCATTER, r == root ? all : NULL, bytes, mine, root);
            expect(f, is_letter(mine, bytes, root, r), "scatter from %d: rank %d", root, r);
            expect(f, comm->bytes[DP_SCATTER] - before == (r == root ? others : 0), "scatter: rank %d's bytes", r);
        }
        uint64_t before = comm->bytes[ZERO_NORM], messages = comm->messages[ZERO_NORM];
        for (int to = 0; to < n; to++) letter(all + (size_t)to * bytes, bytes, r, to);
        all_to_all(group, ZERO_NORM, all, bytes, in);
        for (int from = 0; from < n; from++)
            expect(f, is_letter(in + (size_t)from * bytes, bytes, from, r), "all-to-all: rank %d from %d", r, from);
        expect(f, comm->bytes[ZERO_NORM] - before == others, "all-to-all: rank %d's bytes", r);
        expect(f, comm->messages[ZERO_NORM] - messages == (uint64_t)(bytes ? n - 1 : 0), "an empty message was sent");
        free(mine);
        free(all);
        free(in);
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
    Group *world = group_new(comm, CHANNEL, backwards, n), *mine = group_new(comm, CHANNEL + 1 + r % 2, half, members);
    expect(f, world->rank == n - 1 - r && world->size == n, "rank %d is %d of the world backwards", r, world->rank);
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
            expect(f, (double)reals(a)[i] == n - 1 - block + 100.0 * (double)i, "backwards: rank %d has %g at %d", r,
                   (double)reals(a)[i], (int)i);
    for (int64_t i = 0; i < 30; i++)
        expect(f, (double)reals(b)[i] == sum + members * 100.0 * (double)i, "half: rank %d has %g", r, (double)reals(b)[i]);
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

/* Rank 0 alone reports and asserts; a failure there ends the whole job. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_cut_evenly),
        cmocka_unit_test(rings),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(overlapping_rings),
        cmocka_unit_test(trees),
        cmocka_unit_test(straight_lines),
        cmocka_unit_test(groups_of_some_ranks),
    };
    if (getenv("OMPI_COMM_WORLD_SIZE")) mpi = comm_mpi_start(&argc, &argv);
    if (mpi && mpi->rank > 0 && !freopen("/dev/null", "w", stdout)) return 1; /* cmocka reports there */
    int failed = cmocka_run_group_tests_name(mpi ? "collectives on MPI ranks" : "collectives on virtual ranks", tests, NULL, NULL);
    if (mpi && failed && mpi->rank == 0) comm_mpi_abort(1);
    if (mpi) comm_mpi_stop(mpi);
    return failed != 0;
}
