/* ranks_network.c - ranks in nodes: hierarchical all-reduces, and what ports inside and across nodes take. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/cluster.h"
#include "tests/support/lane.h"

/* In nodes of so many devices. */
static Network network(int devices, AllReduce all_reduce)
{
    NetworkNode node = cluster_plain(devices);
    return network_of(&node, (Placement){0}, all_reduce);
}

static void begin(Comm *comm, Lanes *lanes, const Network *over)
{
    lane_begin(comm, lanes);
    comm->network = *over;
}

/* ---- hierarchical all-reduces ---- */

/* Of `count` elements cut into n blocks, the one that i lies in. */
static int block_at(int64_t count, int n, int64_t i)
{
    int b = 0;
    while (i >= block_offset(count, n, b + 1)) b++;
    return b;
}

/* The sum as rings.c draws it: inside each node from the block's right neighbour round to its rank, and so over the
 * nodes' sums by the block's block. */
static real nested_sum(int64_t count, int inside, int nodes, int part, int64_t i)
{
    int b = block_at(count, inside, i);
    int64_t own = block_count(count, inside, b), at = i - block_offset(count, inside, b);
    int c = block_at(own, nodes, at);
    real sum = 0;
    for (int k = 1; k <= nodes; k++) {
        int node = (c + k) % nodes;
        real one = wild(node * inside + (b + 1) % inside, part, i);
        for (int j = 2; j <= inside; j++) one += wild(node * inside + (b + j) % inside, part, i);
        sum = k == 1 ? one : sum + one;
    }
    return sum;
}

/* What the leg's ring sends of `count` elements cut for n ranks: all blocks but one in either half. */
static int64_t half(int64_t count, int n, int but)
{
    return count - block_count(count, n, but % n);
}

static uint64_t bytes_of(int64_t count, int inside, int nodes, int rank)
{
    int place = rank % inside, node = rank / inside;
    int64_t own = block_count(count, inside, place);
    return (uint64_t)(half(count, inside, place) + half(own, nodes, node) + half(own, nodes, node + 1) +
                      half(count, inside, place + 1)) *
           sizeof(real);
}

static void check_sums(Findings *f, const Tensor *part, const Tensor *ring, int inside, int nodes)
{
    for (int p = 0; p < PARTS_MAX; p++)
        for (int64_t i = 0; i < part[p].count; i++) {
            real sum = nested_sum(part[p].count, inside, nodes, p, i), most = 0;
            for (int r = 0; r < inside * nodes; r++) most = fmax(most, fabs(wild(r, p, i)));
            expect(f, reals(part[p])[i] == sum, "%d nodes of %d: element %d added in another order", nodes,
                   inside, (int)i);
            expect(f, fabs((double)(sum - reals(ring[p])[i])) <= 1e-5 * most,
                   "%d nodes of %d: element %d is %g, by one ring %g", nodes, inside, (int)i, (double)sum,
                   (double)reals(ring[p])[i]);
        }
}

static void hierarchical(Findings *f, Comm *comm, int inside, int64_t count)
{
    const int64_t counts[PARTS_MAX] = {count, count / 2, count + 3};
    const int nodes = comm->size / inside, r = comm->rank;
    Network over = network(inside, ALL_REDUCE_HIERARCHICAL), flat = network(inside, ALL_REDUCE_RING);
    Device device = {0};
    Tensor part[PARTS_MAX], by_ring[PARTS_MAX];
    Collective c;
    uint64_t formula = 0;
    int64_t first = 0, second = 0; /* the longest blocks of the legs */
    for (int p = 0; p < PARTS_MAX; p++) {
        part[p] = part_new(&device, counts[p]), by_ring[p] = part_new(&device, counts[p]);
        fill_wild(part[p], r, p), fill_wild(by_ring[p], r, p);
        formula += bytes_of(counts[p], inside, nodes, r);
        first += block_count(counts[p], inside, 0);
        second += block_count(block_count(counts[p], inside, 0), nodes, 0);
    }
    begin(comm, &device.lanes, &over);
    Group *group = group_world(comm, CHANNEL);
    uint64_t before = comm->bytes[PP_EMBEDDING];
    ring_all_reduce_begin(&c, group, PP_EMBEDDING, part, PARTS_MAX);
    ring_progress(&c);
    ring_end(&c);
    expect(f, comm->bytes[PP_EMBEDDING] - before == formula,
           "%d nodes of %d, count %d: rank %d sent %d bytes, not %d", nodes, inside, (int)count, r,
           (int)(comm->bytes[PP_EMBEDDING] - before), (int)formula);
    double width = sizeof(real), takes = 2 * (inside - 1) * ((double)first * width / 100e9 + 1e-6) +
                                         2 * (nodes - 1) * ((double)second * width / 25e9 + 4e-6);
    lane_expect(f, &device.lanes, r, takes, 0, takes);
    begin(comm, &device.lanes, &flat);
    ring_all_reduce_begin(&c, group, PP_EMBEDDING, by_ring, PARTS_MAX);
    ring_end(&c);
    check_sums(f, part, by_ring, inside, nodes);
    for (int p = 0; p < PARTS_MAX; p++) {
        tensor_free(&part[p]);
        tensor_free(&by_ring[p]);
    }
    expect(f, device.total == 0, "rank %d keeps %zu bytes", r, device.total);
    comm->lanes = NULL;
    group_free(group);
}

static void hierarchical_body(Comm *comm, void *context)
{
    static const int64_t count[] = {11, 97, 2520};
    for (int inside = 2; inside < comm->size; inside++)
        for (int k = 0; k < 3 && comm->size % inside == 0; k++) hierarchical(context, comm, inside, count[k]);
}

static void inside_across_inside(void **state)
{
    (void)state;
    on_all_ranks(hierarchical_body);
}

/* In one node, with one rank in each, or with more in one than in another: a ring, to the bit. */
static void ring_body(Comm *comm, void *context)
{
    Findings *f = context;
    for (int devices = 1; devices <= comm->size; devices++) {
        if (devices > 1 && devices < comm->size && comm->size % devices == 0) continue;
        unsigned char bits[2][97 * sizeof(real)];
        for (AllReduce how = ALL_REDUCE_RING; how <= ALL_REDUCE_HIERARCHICAL; how++) {
            Device device = {0};
            Network over = network(devices, how);
            Tensor part = part_new(&device, 97);
            Collective c;
            fill_wild(part, comm->rank, 0);
            begin(comm, &device.lanes, &over);
            Group *group = group_world(comm, CHANNEL);
            ring_all_reduce_begin(&c, group, PP_EMBEDDING, &part, 1);
            ring_end(&c);
            memcpy(bits[how], part.data, sizeof bits[how]);
            tensor_free(&part);
            comm->lanes = NULL;
            group_free(group);
        }
        expect(f, memcmp(bits[0], bits[1], sizeof bits[0]) == 0, "%d devices a node: not the ring's bits",
               devices);
    }
}

static void else_a_ring(void **state)
{
    (void)state;
    on_all_ranks(ring_body);
}

/* ---- ports ---- */

/* All other ranks send to rank 0 at once: those of its node take its link inside, the others its part of the cards,
 * one after the other each. And a ring meanwhile takes what they leave. */
static void to_one_body(Comm *comm, void *context)
{
    enum { BYTES = 1 << 16 };
    Findings *f = context;
    int n = comm->size, r = comm->rank;
    Lanes lanes = {0};
    char *all = allocate_zeroed((size_t)n, BYTES), *mine = allocate_zeroed(1, BYTES);
    for (int devices = 1; devices <= n; devices++) {
        Network over = network(devices, ALL_REDUCE_RING);
        double inside = devices > 1 ? 1e-6 + (devices - 1) * (BYTES / 100e9) : 0,
               across = devices < n ? 4e-6 + (n - devices) * (BYTES / 25e9) : 0;
        begin(comm, &lanes, &over);
        Group *group = group_world(comm, CHANNEL);
        gather(group, PP_SEND_FORWARD, mine, BYTES, all, 0);
        double end = r == 0 ? fmax(inside, across) : 0;
        lane_expect(f, &lanes, r, end, 0, end);
        comm->lanes = NULL;
        group_free(group);
    }
    free(all);
    free(mine);
}

static void senders_queue_at_a_port(void **state)
{
    (void)state;
    on_all_ranks(to_one_body);
}

/* So many rings at once over nodes: together they take no less than their bytes over a rank's part of the cards, and
 * over its link inside, whichever is ended first. */
static void crowd_body(Comm *comm, void *context)
{
    enum { RINGS = 3 };
    Findings *f = context;
    int n = comm->size;
    for (int devices = 1; devices < n; devices++) {
        Network over = network(devices, ALL_REDUCE_RING);
        Device device = {0};
        Tensor part[RINGS];
        Collective ring[RINGS];
        begin(comm, &device.lanes, &over);
        Group *group = group_world(comm, CHANNEL);
        Spread s = group_spread(group);
        double bytes = 0, each = 25e9 * s.least, alone = 0;
        if (devices > 1) each = fmin(each, 100e9);
        for (int k = 0; k < RINGS; k++) {
            part[k] = part_new(&device, 2520 * (k + 1));
            tensor_zero(part[k]);
            ring_all_reduce_begin(&ring[k], group, PP_EMBEDDING, &part[k], 1);
            RingSize size = {.spread = s,
                             .steps = 2 * (n - 1),
                             .step_bytes = (size_t)block_count(part[k].count, n, 0) * sizeof(real),
                             .sums = true};
            NetworkTime time = network_ring(&over, &size);
            bytes += ring_bytes(&size);
            alone = fmax(alone, network_alone(&time));
        }
        for (int k = RINGS - 1; k >= 0; k--) ring_end(&ring[k]);
        double least = bytes / each, now = device.lanes.now;
        expect(f, now >= least && now >= alone && now <= least + alone,
               "%d rings of %g bytes took %g s, of %g alone %g", RINGS, bytes, now, least, alone);
        for (int k = 0; k < RINGS; k++) tensor_free(&part[k]);
        comm->lanes = NULL;
        group_free(group);
    }
}

static void rings_never_beat_the_link(void **state)
{
    (void)state;
    on_all_ranks(crowd_body);
}

/* A ring that is ended first has taken the port in, too: what came from rank 0 meanwhile waits for it. */
static void after_a_ring_body(Comm *comm, void *context)
{
    enum { BYTES = 1 << 21 }; /* longer than the ring's latencies */
    Findings *f = context;
    int n = comm->size, r = comm->rank;
    if (n == 1) return;
    Network over = network(n, ALL_REDUCE_RING);
    Device device = {0};
    Tensor part = part_new(&device, 2520 * 100);
    Collective ring;
    Request request = {0};
    static char data[BYTES]; /* of all ranks: nobody looks */
    tensor_zero(part);
    begin(comm, &device.lanes, &over);
    Group *group = group_world(comm, CHANNEL);
    if (r == 1) comm_receive(group, 0, COMM_TAGS - 1, PP_SEND_FORWARD, data, BYTES, &request);
    ring_all_gather_begin(&ring, group, PP_EMBEDDING, &part, 1);
    if (r == 0) comm_send(group, 1, COMM_TAGS - 1, PP_SEND_FORWARD, data, BYTES, &request);
    ring_end(&ring);
    double busy = (n - 1) * ((double)tensor_bytes(part) / n / 100e9), end = busy + (n - 1) * 1e-6;
    if (r == 0) end += BYTES / 100e9; /* out of its port first */
    comm_wait(&request);
    if (r == 1) end = fmax(end, busy + BYTES / 100e9);
    if (r < 2) lane_expect(f, &device.lanes, r, end, 0, end);
    tensor_free(&part);
    comm->lanes = NULL;
    group_free(group);
}

static void rings_take_both_ports(void **state)
{
    (void)state;
    on_all_ranks(after_a_ring_body);
}

/* What computing outlasts of a ring is hidden, and makes it so much longer; the rest is waited for. */
static void beside_body(Comm *comm, void *context)
{
    Findings *f = context;
    int n = comm->size;
    static const double computes[] = {0, 1e-5, 1};
    Network over = network(n, ALL_REDUCE_RING);
    over.taken = 0.25;
    comm->network = over;
    Group *group = group_world(comm, CHANNEL);
    for (int k = 0; k < 3; k++) {
        Device device = {.dry = !mpi};
        Tensor part = part_new(&device, 2520 * 100);
        Collective ring;
        if (mpi) tensor_zero(part);
        begin(comm, &device.lanes, &over);
        ring_all_reduce_begin(&ring, group, PP_EMBEDDING, &part, 1);
        lanes_compute(&device.lanes, computes[k]);
        ring_end(&ring);
        double takes = 2 * (n - 1) * ((double)tensor_bytes(part) / n / 100e9 + 1e-6),
               hidden = fmin(takes, computes[k]);
        expect(f, lane_near(device.lanes.hidden[PART_PP_WIRE], hidden), "%g s are hidden, not %g",
               device.lanes.hidden[PART_PP_WIRE], hidden);
        double wire = takes - hidden + 0.25 * hidden;
        lane_expect(f, &device.lanes, comm->rank, computes[k] + wire, 0, wire);
        tensor_free(&part);
        comm->lanes = NULL;
    }
    group_free(group);
}

static void what_is_hidden_takes_its_share(void **state)
{
    (void)state;
    on_all_ranks(beside_body);
}

/* A collective is a kernel that the host launches, where there is somebody to send to; in backward in the time that
 * takes there. */
static void launched_body(Comm *comm, void *context)
{
    Findings *f = context;
    for (int backward = 0; backward < 2; backward++)
        for (int dry = 0; dry < (mpi ? 1 : 2); dry++) {
            Device device = {.dry = dry, .lanes.launch = {2, 3}};
            Tensor part = part_new(&device, 2520);
            Collective ring;
            if (!dry) tensor_zero(part);
            lane_begin(comm, &device.lanes);
            device.lanes.backward = backward;
            Group *group = group_world(comm, CHANNEL);
            ring_all_gather_begin(&ring, group, PP_EMBEDDING, &part, 1);
            double launch = comm->size > 1 ? 2 + backward : 0;
            expect(f, device.lanes.now == launch && device.lanes.spent[PART_COMPUTE] == launch,
                   "%g s to launch a ring, not %g", device.lanes.now, launch);
            ring_end(&ring);
            double takes = (comm->size - 1) * (LANE_LINK.latency + (double)tensor_bytes(part) / comm->size *
                                                                       LANE_LINK.seconds_per_byte);
            expect(f, lane_near(device.lanes.now, launch + takes), "a ring ends at %g, not %g",
                   device.lanes.now, launch + takes);
            tensor_free(&part);
            comm->lanes = NULL;
            group_free(group);
        }
}

static void the_host_launches_rings(void **state)
{
    (void)state;
    on_all_ranks(launched_body);
}

int ranks_network(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside_across_inside),    cmocka_unit_test(else_a_ring),
        cmocka_unit_test(senders_queue_at_a_port), cmocka_unit_test(rings_never_beat_the_link),
        cmocka_unit_test(rings_take_both_ports),   cmocka_unit_test(what_is_hidden_takes_its_share),
        cmocka_unit_test(the_host_launches_rings),
    };
    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
