/* ranks_rings.c - ring collectives against sums a person can check, the bytes
 * they may send, and bits that depend on nothing but the numbers. */
#include <string.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/shared_tensor.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

/* Everything but the block that the ring leaves where it is, over all parts. */
static uint64_t all_blocks_but(const Tensor *part, int parts, int n, int block)
{
    int64_t elements = 0;
    for (int p = 0; p < parts; p++)
        elements += part[p].count - block_count(part[p].count, n, (block + n) % n);
    return n == 1 ? 0 : (uint64_t)elements * sizeof(real);
}

/* How what the test under way sends goes. */
static Way way;

static Tensor shared_new(Group *group, Device *device, int64_t count)
{
    return shared_tensor_new(group, device, MEM_GRADIENTS, REAL, count);
}

/* By messages and, of real ranks, through a window's slots, and in place. */
static void by_all_ways(void (*body)(Comm *comm, void *findings))
{
    for (way = BY_MESSAGES; way < WAYS; way++)
        if (mpi || way == BY_MESSAGES) on_all_ranks(body);
    way = BY_MESSAGES;
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
    Group *group = world_by(comm, way, CHANNEL);
    int n = comm->size, r = comm->rank;
    for (int c = 0; c < COUNT_CASES; c++)
        for (int parts = 1; parts <= PARTS_MAX; parts++)
            for (int kind = 0; kind < 3; kind++) { /* reduce-scatter, all-gather, all-reduce */
                const int64_t counts[PARTS_MAX] = {COUNTS[c], COUNTS[c] / 2, COUNTS[c] + 3};
                Tensor part[PARTS_MAX];
                Collective ring;
                for (int p = 0; p < parts; p++) {
                    part[p] = shared_new(group, &device, counts[p]);
                    fill_plain(part[p], r);
                }
                uint64_t before = comm->bytes[ZERO_NORM];
                if (kind == 0) ring_reduce_scatter_begin(&ring, group, ZERO_NORM, part, parts);
                if (kind == 1) ring_all_gather_begin(&ring, group, ZERO_NORM, part, parts);
                if (kind == 2) ring_all_reduce_begin(&ring, group, ZERO_NORM, part, parts);
                ring_end(&ring);
                uint64_t sent = comm->bytes[ZERO_NORM] - before, formula = 0, total = 0;
                if (kind != 1)
                    formula += all_blocks_but(part, parts, n, r); /* the block it owns comes to it */
                if (kind != 0)
                    formula += all_blocks_but(part, parts, n, r + 1); /* its right one's it does not return */
                bool divisible = true;
                for (int p = 0; p < parts; p++) {
                    total += (uint64_t)counts[p] * sizeof(real);
                    divisible &= counts[p] % n == 0;
                }
                expect(f, sent == formula, "kind %d, count %d: rank %d sent %llu bytes", kind, (int)COUNTS[c],
                       r, (unsigned long long)sent);
                if (divisible) /* Patarasuk & Yuan: (n-1)/n a half */
                    expect(f, sent * (uint64_t)n == (kind == 2 ? 2 : 1) * (uint64_t)(n - 1) * total,
                           "kind %d, count %d: rank %d sent %llu bytes", kind, (int)COUNTS[c], r,
                           (unsigned long long)sent);
                for (int p = 0; p < parts; p++) {
                    for (int b = 0; b < n; b++) {
                        if (kind == 0 && b != r) continue; /* partial sums */
                        int64_t from = block_offset(counts[p], n, b),
                                to = from + block_count(counts[p], n, b);
                        for (int64_t i = from; i < to; i++) {
                            double sum = kind == 1 ? plain(b, i) : plain_sum(n, i);
                            expect(f, (double)reals(part[p])[i] == sum,
                                   "kind %d, count %d: rank %d has %g at %d", kind, (int)COUNTS[c], r,
                                   (double)reals(part[p])[i], (int)i);
                        }
                    }
                    shared_tensor_free(group, &part[p]);
                }
                expect(f, device.total == 0, "kind %d: rank %d keeps %zu bytes", kind, r, device.total);
            }
    group_free(group);
}

static void rings(void **state)
{
    (void)state;
    by_all_ways(rings_body);
}

/* One ring over three parts, three rings, and a reduce-scatter: the same bits,
 * twice, and those of the order that parallel/collectives/rings.c draws: b+1, b+2, .., b. */
static void same_bits_body(Comm *comm, void *context)
{
    Findings *f = context;
    Device device = {0};
    Group *group = world_by(comm, way, CHANNEL);
    int n = comm->size, r = comm->rank;
    const int64_t counts[PARTS_MAX] = {2520, 97, 11};
    for (int repeat = 0; repeat < 2; repeat++) {
        Tensor one[PARTS_MAX], three[PARTS_MAX], scattered[PARTS_MAX];
        Collective ring, each[PARTS_MAX];
        for (int p = 0; p < PARTS_MAX; p++) {
            one[p] = shared_new(group, &device, counts[p]), three[p] = shared_new(group, &device, counts[p]);
            scattered[p] = shared_new(group, &device, counts[p]);
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
                    expect(f, reals(one[p])[i] == sum, "part %d: rank %d adds element %d in another order", p,
                           r, (int)i);
                    if (b == r)
                        expect(f, reals(scattered[p])[i] == sum, "reduce-scatter differs at %d", (int)i);
                }
            expect(f, memcmp(one[p].data, three[p].data, tensor_bytes(one[p])) == 0,
                   "three rings differ from one");
            shared_tensor_free(group, &one[p]);
            shared_tensor_free(group, &three[p]);
            shared_tensor_free(group, &scattered[p]);
        }
        expect(f, n < 3 || order_matters > 100, "the order does not matter: these numbers test nothing");
    }
    group_free(group);
}

static void same_bits(void **state)
{
    (void)state;
    by_all_ways(same_bits_body);
}

/* ---- blocks that lie apart ---- */

/* Blocks of 5 in strides of 8, of two parts in one tensor each: the same sums and copies as where they lie side by
 * side, as many bytes, and what lies between them stays. */
static void apart_body(Comm *comm, void *context)
{
    Findings *f = context;
    enum { BLOCK = 5, APART = 8, TWO = 2, FIRST = 2 };
    Device device = {0};
    Group *group = world_by(comm, way, CHANNEL);
    int n = comm->size, r = comm->rank;
    for (int kind = 0; kind < 4; kind++) {
        bool reduces = kind & 1;
        int parts = kind & 2 ? TWO : 1;
        Tensor whole[TWO], part[TWO];
        Collective ring;
        for (int p = 0; p < TWO; p++) {
            whole[p] = shared_new(group, &device, APART * n);
            fill_plain(whole[p], r);
            part[p] = tensor_view(whole[p], FIRST, BLOCK * n);
        }
        uint64_t before = comm->bytes[CONTROL];
        ring_apart_begin(&ring, group, CONTROL, part, parts, APART, reduces);
        ring_end(&ring);
        expect(f, comm->bytes[CONTROL] - before == (uint64_t)((n - 1) * BLOCK * parts) * sizeof(real),
               "rank %d sends %d bytes", r, (int)(comm->bytes[CONTROL] - before));
        for (int p = 0; p < TWO; p++) {
            for (int64_t i = 0; i < whole[p].count; i++) {
                int b = (int)(i / APART);
                bool inside = p < parts && i % APART >= FIRST && i % APART < FIRST + BLOCK;
                if (reduces && inside && b != r) continue; /* partial sums */
                double value = !inside ? plain(r, i) : reduces ? plain_sum(n, i) : plain(b, i);
                expect(f, (double)reals(whole[p])[i] == value, "kind %d: rank %d has %g at %d, not %g", kind,
                       r, (double)reals(whole[p])[i], (int)i, value);
            }
            shared_tensor_free(group, &whole[p]);
        }
    }
    group_free(group);
}

static void blocks_apart(void **state)
{
    (void)state;
    by_all_ways(apart_body);
}

/* ---- rings that overlap ---- */

/* Each rank moves them on in an order of its own; they end in one order on all. */
static void overlap_body(Comm *comm, void *context)
{
    Findings *f = context;
    Overlap o = {.calls = 0};
    Between between = {overlap_progress, &o, NULL};
    Device device = {.between = &between};
    Group *group = world_by(comm, way, CHANNEL);
    int n = comm->size, r = comm->rank;
    static const int ends[OVERLAPPING] = {2, 0, 3, 1};
    for (int round = 0; round < 5; round++) { /* the last with messages too long for MPI to buffer */
        Tensor part[OVERLAPPING][2];
        for (int k = 0; k < OVERLAPPING; k++)
            for (int p = 0; p < 2; p++) {
                part[k][p] = shared_new(group, &device, 40 + 7 * k + p + round + (round == 4 ? 30000 : 0));
                fill_plain(part[k][p], r);
            }
        for (int k = 0; k < OVERLAPPING; k++) {
            int parts = 1 + k % 2;
            if (k == 2) ring_all_gather_begin(&o.ring[k], group, CONTROL, part[k], parts);
            if (k != 2) ring_all_reduce_begin(&o.ring[k], group, CONTROL, part[k], parts);
        }
        for (int turn = 0; turn < 3 * OVERLAPPING; turn++)
            ring_progress(&o.ring[(turn * 3 + r + round) % OVERLAPPING]);
        for (int k = 0; k < OVERLAPPING; k++) {
            ring_end(&o.ring[ends[k]]);
            expect(f, ring_progress(&o.ring[ends[k]]), "an ended ring is not done");
            for (int turn = 0; turn < OVERLAPPING; turn++) ring_progress(&o.ring[(turn + r) % OVERLAPPING]);
        }
        for (int k = 0; k < OVERLAPPING; k++)
            for (int p = 0; p < 2; p++) {
                bool travelled = p < 1 + k % 2;
                for (int b = 0; b < n; b++)
                    for (int64_t i = block_offset(part[k][p].count, n, b);
                         i < block_offset(part[k][p].count, n, b + 1); i++) {
                        double sum = !travelled ? plain(r, i) : k == 2 ? plain(b, i) : plain_sum(n, i);
                        expect(f, (double)reals(part[k][p])[i] == sum,
                               "ring %d: rank %d has %g at %d, not %g", k, r, (double)reals(part[k][p])[i],
                               (int)i, sum);
                    }
                shared_tensor_free(group, &part[k][p]);
            }
    }
    expect(f, n == 1 || way != BY_MESSAGES || o.calls > 0, "no kernel called back"); /* windows need none */
    expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
    group_free(group);
}

static void overlapping_rings(void **state)
{
    (void)state;
    by_all_ways(overlap_body);
}

int ranks_rings(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_cut_evenly), cmocka_unit_test(rings),
        cmocka_unit_test(same_bits),         cmocka_unit_test(blocks_apart),
        cmocka_unit_test(overlapping_rings),
    };
    return cmocka_run_group_tests_name("rings", tests, NULL, NULL);
}
