/* ranks_links.c - bytes that leave a node: each sender's own, by hand; of rings of sizes as of messages; and where a
 * rank is walked for others, those of all. */
#include <stdlib.h>
#include "parallel/wire/comm_virtual.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/cluster.h"
#include "tests/support/forest.h"
#include "tests/support/lane.h"
#include "tests/support/ranks.h"

enum { EACH = 5 }; /* numbers a block */
typedef enum { RING, HALF, HIERARCHICAL, EXCHANGE, STRAIGHT, TREES, HOWS } How;
static const char *const how_name[HOWS] = {"ring",     "reduce-scatter", "hierarchical",
                                           "exchange", "straight",       "trees"};

static void arrived(void *context)
{
    (void)context;
}

static bool apart(int a, int b, int devices)
{
    return a / devices != b / devices;
}

/* Of n blocks of EACH numbers, what rank r sends out of its node. */
static uint64_t by_hand(How how, int r, int n, int devices)
{
    uint64_t block = EACH * sizeof(real), others = 0;
    int right = (r + 1) % n, nodes = n / devices;
    for (int k = 0; k < n; k++) others += apart(r, k, devices);
    switch (how) {
    case RING: return apart(r, right, devices) * 2 * (uint64_t)(n - 1) * block;
    case HALF: return apart(r, right, devices) * (uint64_t)(n - 1) * block;
    case HIERARCHICAL: /* its block of n / devices times as many numbers, cut for the nodes */
        if (n % devices || devices == 1 || nodes == 1) return by_hand(RING, r, n, devices);
        return 2 * (uint64_t)(nodes - 1) * block;
    case EXCHANGE: return (others + apart(r, right, devices) * (uint64_t)(n - 1)) * block;
    case STRAIGHT: return apart(r, 0, devices) * block;
    case TREES: {
        Forest forest = forest_of(n, devices);
        return forest_bytes_across(&forest, r, (int64_t)n * EACH);
    }
    case HOWS: break;
    }
    return 0;
}

/* Returns what the rank counts. */
static uint64_t sent(Comm *comm, How how, int devices, bool dry)
{
    NetworkNode node = cluster_plain(devices);
    Device device = {.dry = dry};
    int n = comm->size;
    Tensor part = part_new(&device, (int64_t)n * EACH);
    if (!dry) fill_plain(part, comm->rank);
    lane_begin(comm, &device.lanes);
    static const AllReduce all_reduce[HOWS] = {
        [HIERARCHICAL] = ALL_REDUCE_HIERARCHICAL, [TREES] = ALL_REDUCE_TREE};
    comm->network = network_of(&node, (Placement){0}, all_reduce[how]);
    Group *group = group_world(comm, CHANNEL);
    uint64_t before = comm->across[DP_ALL_REDUCE], own = comm->across[CONTROL];
    Collective c = {0};
    real *all = allocate((size_t)n * EACH * sizeof *all);
    if (how == EXCHANGE)
        exchange_begin(&c, group, DP_ALL_REDUCE, part, true, arrived, NULL);
    else if (how == HALF)
        ring_reduce_scatter_begin(&c, group, DP_ALL_REDUCE, &part, 1);
    else if (how == STRAIGHT)
        gather(group, DP_ALL_REDUCE, part.data, EACH * sizeof(real), all, 0);
    else
        ring_all_reduce_begin(&c, group, DP_ALL_REDUCE, &part, 1);
    ring_end(&c);
    gather(group, CONTROL, part.data, EACH * sizeof(real), all, 0); /* not of the machine */
    before += comm->across[CONTROL] - own;
    tensor_free(&part);
    free(all);
    group_free(group);
    comm->lanes = NULL;
    return comm->across[DP_ALL_REDUCE] - before;
}

static void each_body(Comm *comm, void *context)
{
    Findings *f = context;
    for (int devices = 1; devices <= comm->size; devices++)
        for (How how = 0; how < HOWS; how++)
            for (int dry = 0; dry < (mpi ? 1 : 2); dry++) {
                uint64_t is = sent(comm, how, devices, dry),
                         should = by_hand(how, comm->rank, comm->size, devices);
                expect(f, is == should, "%s, nodes of %d: rank %d sends %d bytes out, not %d", how_name[how],
                       devices, comm->rank, (int)is, (int)should);
            }
}

static void each_counts_its_own(void **state)
{
    (void)state;
    on_all_ranks(each_body);
}

typedef struct Stands {
    How how;
    int devices;
    uint64_t counted;
} Stands;

static void only_body(Comm *comm, void *context)
{
    Stands *s = context;
    s->counted = sent(comm, s->how, s->devices, true);
}

/* One rank for all of them. */
static void one_counts_for_all(void **state)
{
    (void)state;
    static const int first[] = {0};
    for (int n = 2; n <= RANKS_MAX && !mpi; n++)
        for (int devices = 1; devices <= n; devices++)
            for (How how = 0; how < STRAIGHT; how++) {
                Stands s = {how, devices, 0};
                Error error;
                uint64_t should = 0;
                for (int r = 0; r < n; r++) should += by_hand(how, r, n, devices);
                assert_true(virtual_run_some(&(WalkedRanks){n, 1, first}, only_body, &s, &error));
                if (s.counted != should)
                    fail_msg("%s of %d ranks, nodes of %d: %d bytes leave, not %d", how_name[how], n, devices,
                             (int)s.counted, (int)should);
            }
}

int ranks_links(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_counts_its_own),
        cmocka_unit_test(one_counts_for_all),
    };
    return cmocka_run_group_tests_name("bytes by link", tests, NULL, NULL);
}
