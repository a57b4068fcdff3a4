/* ranks_double_tree.c - all-reduces over pairs of trees: sums a person can check, in the order that the trees say, and
 * what each rank sends for them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/cluster.h"
#include "tests/support/forest.h"
#include "tests/support/lane.h"

enum { LONG = 70001 }; /* several messages a block, where these are few */

static Network network(int devices, AllReduce all_reduce)
{
    NetworkNode node = cluster_plain(devices);
    return network_of(&node, (Placement){0}, all_reduce);
}

static void begin(Comm *comm, Device *device, int devices)
{
    lane_begin(comm, &device->lanes);
    comm->network = network(devices, ALL_REDUCE_TREE);
}

/* ---- sums and bytes ---- */

static void sum_plain(Findings *f, Comm *comm, const Forest *forest, int64_t count, int parts)
{
    const int64_t counts[PARTS_MAX] = {count, count / 2, count + 3};
    int n = comm->size, r = comm->rank;
    uint64_t formula = 0, all = 0, every = 0;
    Device device = {0};
    Tensor part[PARTS_MAX];
    Collective c;
    begin(comm, &device, forest->devices);
    Group *group = group_world(comm, CHANNEL);
    for (int p = 0; p < parts; p++) {
        part[p] = part_new(&device, counts[p]);
        fill_plain(part[p], r);
        formula += forest_bytes(forest, r, counts[p]);
        all += (uint64_t)counts[p] * sizeof(real);
        for (int rank = 0; rank < n; rank++) every += forest_bytes(forest, rank, counts[p]);
    }
    expect(f, every == 2 * (uint64_t)(n - 1) * all, "the formula says %d bytes of %d", (int)every, (int)all);
    uint64_t before = comm->bytes[PP_EMBEDDING];
    ring_all_reduce_begin(&c, group, PP_EMBEDDING, part, parts);
    ring_progress(&c);
    ring_end(&c);
    uint64_t sent = comm->bytes[PP_EMBEDDING] - before;
    expect(f, sent == formula, "%d nodes, %d of %d: rank %d sent %d bytes, not %d", forest->nodes, parts,
           (int)count, r, (int)sent, (int)formula);
    for (int p = 0; p < parts; p++) {
        for (int64_t i = 0; i < counts[p]; i++)
            expect(f, (double)reals(part[p])[i] == plain_sum(n, i), "%d nodes: rank %d has %g at %d of %d",
                   forest->nodes, r, (double)reals(part[p])[i], (int)i, (int)counts[p]);
        tensor_free(&part[p]);
    }
    double depth = 0, across = 0;
    double sends = fmin(forest->nodes, 4) / 2; /* the node with most edges: 2, 3 or 4 times a half */
    while (1 << (int)depth < forest->nodes) depth++;
    if (forest->nodes > 1) across = sends * (double)all / (25e9 * forest_ranks_in(forest, forest->nodes - 1));
    double inside = forest->chains > 1 ? 2 * (double)all / 100e9 : 0;
    double takes = fmax(inside, across) + 2 * (depth * 4e-6 + (forest->chains - 1) * 1e-6);
    if (all == 0 || n == 1) takes = 0;
    lane_expect(f, &device.lanes, r, takes, 0, takes);
    expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
    comm->lanes = NULL;
    group_free(group);
}

static void plain_body(Comm *comm, void *context)
{
    for (int devices = 1; devices <= comm->size; devices++) {
        Forest forest = forest_of(comm->size, devices);
        for (int c = 0; c < COUNT_CASES; c++) sum_plain(context, comm, &forest, COUNTS[c], 1 + c % PARTS_MAX);
        if (devices <= 2) sum_plain(context, comm, &forest, LONG, 2);
    }
}

static void all_have_the_sum(void **state)
{
    (void)state;
    on_all_ranks(plain_body);
}

/* ---- one order ---- */

/* Together, each by itself, and again: the bits of the order that the trees say. */
static void order_body(Comm *comm, void *context)
{
    Findings *f = context;
    const int64_t counts[PARTS_MAX] = {240, 97, 11};
    for (int devices = 1; devices <= comm->size; devices++) {
        Forest forest = forest_of(comm->size, devices);
        Device device = {0};
        begin(comm, &device, devices);
        Group *group = group_world(comm, CHANNEL);
        for (int repeat = 0; repeat < 2; repeat++) {
            Tensor part[PARTS_MAX];
            Collective c[PARTS_MAX];
            for (int p = 0; p < PARTS_MAX; p++) {
                part[p] = part_new(&device, counts[p]);
                fill_wild(part[p], comm->rank, p);
            }
            int together = repeat ? 1 : PARTS_MAX;
            for (int k = 0; k < PARTS_MAX / together; k++)
                ring_all_reduce_begin(&c[k], group, PP_EMBEDDING, &part[k], together);
            for (int k = 0; k < PARTS_MAX / together; k++) ring_end(&c[k]);
            for (int p = 0; p < PARTS_MAX; p++) {
                int trees = forest.chains * forest.halves;
                for (int t = 0; t < trees; t++)
                    for (int64_t i = block_offset(counts[p], trees, t);
                         i < block_offset(counts[p], trees, t + 1); i++)
                        expect(f, reals(part[p])[i] == forest_sum(&forest, t, p, i),
                               "%d nodes: rank %d adds element %d in another order", forest.nodes, comm->rank,
                               (int)i);
                tensor_free(&part[p]);
            }
        }
        comm->lanes = NULL;
        group_free(group);
    }
}

static void in_the_order_of_the_trees(void **state)
{
    (void)state;
    on_all_ranks(order_body);
}

/* ---- several at once ---- */

/* Each rank moves them on in an order of its own, and from inside kernels; they end in one order on all. */
static void overlap_body(Comm *comm, void *context)
{
    Findings *f = context;
    static const int ends[OVERLAPPING] = {2, 0, 3, 1};
    int n = comm->size, r = comm->rank;
    for (int devices = 1; devices <= 3 && devices <= n; devices++) {
        Overlap o = {.calls = 0};
        Between between = {.call = overlap_progress, .context = &o};
        Device device = {.between = &between};
        Tensor part[OVERLAPPING];
        begin(comm, &device, devices);
        Group *group = group_world(comm, CHANNEL);
        for (int k = 0; k < OVERLAPPING; k++) {
            part[k] = part_new(&device, 17 + k * 20000);
            fill_plain(part[k], r);
        }
        for (int k = 0; k < OVERLAPPING; k++) {
            if (k == 1) ring_reduce_scatter_begin(&o.ring[k], group, PP_EMBEDDING, &part[k], 1);
            if (k != 1) ring_all_reduce_begin(&o.ring[k], group, PP_EMBEDDING, &part[k], 1);
        }
        for (int turn = 0; turn < 3 * OVERLAPPING; turn++)
            ring_progress(&o.ring[(turn * 3 + r) % OVERLAPPING]);
        for (int k = 0; k < OVERLAPPING; k++) {
            ring_end(&o.ring[ends[k]]);
            expect(f, ring_progress(&o.ring[ends[k]]), "what has ended is not done");
        }
        for (int k = 0; k < OVERLAPPING; k++) {
            int64_t from = k == 1 ? block_offset(part[k].count, n, r) : 0,
                    to = k == 1 ? block_offset(part[k].count, n, r + 1) : part[k].count;
            for (int64_t i = from; i < to; i++)
                expect(f, (double)reals(part[k])[i] == plain_sum(n, i), "sum %d: rank %d has %g at %d", k, r,
                       (double)reals(part[k])[i], (int)i);
            tensor_free(&part[k]);
        }
        expect(f, n == 1 || o.calls > 0, "no kernel called back");
        expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
        comm->lanes = NULL;
        group_free(group);
    }
}

static void beside_each_other(void **state)
{
    (void)state;
    on_all_ranks(overlap_body);
}

/* ---- of sizes alone ---- */

typedef struct Told {
    uint64_t bytes, messages;
    WorkDone sums;
    double now;
    size_t peak;
} Told;

static Told told(Comm *comm, int devices, int64_t count, bool dry)
{
    const int64_t counts[PARTS_MAX] = {count, 0, count / 3};
    Device device = {.dry = dry};
    Tensor part[PARTS_MAX];
    Collective c;
    uint64_t bytes = comm->bytes[PP_EMBEDDING], messages = comm->messages[PP_EMBEDDING];
    begin(comm, &device, devices);
    for (int p = 0; p < PARTS_MAX; p++) {
        part[p] = part_new(&device, counts[p]);
        if (!dry) tensor_zero(part[p]);
    }
    memset(device.done, 0, sizeof device.done);
    lanes_compute(&device.lanes, 1e-5 * comm->rank); /* the last to begin is the last rank */
    Group *group = group_world(comm, CHANNEL);
    ring_all_reduce_begin(&c, group, PP_EMBEDDING, part, PARTS_MAX);
    ring_end(&c);
    Told t = {comm->bytes[PP_EMBEDDING] - bytes, comm->messages[PP_EMBEDDING] - messages,
              device.done[WORK_REDUCE], device.lanes.now, device.peak[MEM_COMMUNICATION]};
    for (int p = 0; p < PARTS_MAX; p++) tensor_free(&part[p]);
    comm->lanes = NULL;
    group_free(group);
    return t;
}

static void sizes_body(Comm *comm, void *context)
{
    static const int64_t counts[] = {0, 1, 5, LONG};
    Findings *f = context;
    for (int devices = 1; devices <= comm->size; devices++)
        for (int k = 0; k < 4; k++) {
            Told full = told(comm, devices, counts[k], false), dry = told(comm, devices, counts[k], true);
            expect(f, full.bytes == dry.bytes && full.messages == dry.messages,
                   "%d devices, %d values: rank %d sends %d bytes in %d messages, dry %d in %d", devices,
                   (int)counts[k], comm->rank, (int)full.bytes, (int)full.messages, (int)dry.bytes,
                   (int)dry.messages);
            expect(f, full.now == dry.now && full.peak == dry.peak,
                   "%d devices, %d values: %.17g s and %zu bytes, dry %.17g s and %zu", devices,
                   (int)counts[k], full.now, full.peak, dry.now, dry.peak);
            expect(f,
                   full.sums.kernels == dry.sums.kernels && full.sums.flops == dry.sums.flops &&
                       full.sums.bytes == dry.sums.bytes,
                   "%d devices, %d values: rank %d adds something else when dry", devices, (int)counts[k],
                   comm->rank);
        }
}

static void dry_as_real(void **state)
{
    (void)state;
    on_all_ranks(sizes_body);
}

int ranks_double_tree(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_the_sum),
        cmocka_unit_test(in_the_order_of_the_trees),
        cmocka_unit_test(beside_each_other),
    };
    const struct CMUnitTest sizes[] = {cmocka_unit_test(dry_as_real)};
    int failed = cmocka_run_group_tests_name("double-tree", tests, NULL, NULL);
    if (!mpi) failed += cmocka_run_group_tests_name("double-tree, of sizes", sizes, NULL, NULL);
    return failed;
}
