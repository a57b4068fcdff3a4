/* ranks_lanes.c - simulated time: what a rank waits for messages and rings, by
 * formulas, the same on virtual ranks and MPI. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/lane.h"

/* ---- point to point ---- */

/* Down the line: a rank comes to its message before it is sent, while it travels, or after it arrived. */
static void line_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    Lanes lanes = {0};
    Request request;
    char data[LANE_BYTES] = {0};
    double sent = 3, begun = 0, idle = 0, wire = 0; /* of rank 0; then, rank by rank, of this one */
    for (int i = 1; i <= r; i++) {
        static const double after_sent[] = {-1, 0.25 * LANE_WIRE, LANE_WIRE + 1};
        begun = sent + after_sent[i % 3];
        idle = fmax(0, sent - begun);
        wire = fmax(0, sent + LANE_WIRE - fmax(begun, sent));
        sent = begun + idle + wire + 1;
    }
    lane_begin(comm, &lanes);
    if (r > 0) {
        lanes_compute(&lanes, begun);
        comm_receive(group, r - 1, 1, PP_SEND_FORWARD, data, sizeof data, &request);
        comm_wait(&request);
        comm_wait(&request); /* nothing is waited for twice */
    }
    lanes_compute(&lanes, r > 0 ? 1 : 3);
    if (r < n - 1) {
        comm_send(group, r + 1, 1, PP_SEND_FORWARD, data, sizeof data, &request);
        comm_wait(&request);
    }
    lane_expect(f, &lanes, r, sent, idle, wire);
    comm->lanes = NULL;
    group_free(group);
}

static void messages_carry_the_clock(void **state)
{
    (void)state;
    on_all_ranks(line_body);
}

/* By the purpose's name; what belongs to no axis has no place in simulated time. */
static void waiting_counts_by_axis(void **state)
{
    (void)state;
    for (int p = 0; p < PURPOSES; p++) {
        const char *name = purpose_row[p].name;
        Lanes lanes = {0};
        Comm comm = {.lanes = &lanes};
        comm_join(&comm, (Purpose)p, &(Arrival){.sent = 1, .arrives = 3});
        bool tp = strncmp(name, "tp.", 3) == 0, pp = strncmp(name, "pp.", 3) == 0;
        bool load = strcmp(name, "moe.load") == 0; /* of experts, summed over replicas */
        bool dp = strncmp(name, "dp.", 3) == 0 || strncmp(name, "zero.", 5) == 0 || load;
        bool ep = strncmp(name, "moe.", 4) == 0 && !load;
        assert_true(lanes.now == (tp || dp || ep || pp ? 3 : 0));
        assert_true(lanes.spent[PART_EP_EXPOSED] == (ep ? 3 : 0));
        assert_true(lanes.spent[PART_TP_EXPOSED] == (tp ? 3 : 0));
        assert_true(lanes.spent[PART_DP_EXPOSED] == (dp ? 3 : 0));
        assert_true(lanes.spent[PART_PP_IDLE] == (pp ? 1 : 0));
        assert_true(lanes.spent[PART_PP_WIRE] == (pp ? 2 : 0));
        comm_free_ports(&comm);
    }
}

/* When a rank has what rank 0 began to send at 5: the parent is the rank without its lowest set bit, whose port sends
 * to its other children first where their bit is higher. */
static double tree_arrival(int rank, int n)
{
    int parent = rank & (rank - 1), bit = rank ^ parent, turn = 1;
    if (rank == 0) return 5;
    for (int other = 2 * bit; other < n && (parent == 0 || other < (parent & -parent)); other *= 2)
        turn += parent + other < n;
    return tree_arrival(parent, n) + LANE_LINK.latency + turn * LANE_BYTES * LANE_LINK.seconds_per_byte;
}

static void tree_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    Lanes lanes = {0};
    char data[LANE_BYTES] = {0};
    lane_begin(comm, &lanes);
    if (comm->rank == 0) lanes_compute(&lanes, 5);
    tree_broadcast(group, PP_EMBEDDING, data, sizeof data, 0);
    double parent = tree_arrival(comm->rank & (comm->rank - 1), comm->size),
           own = tree_arrival(comm->rank, comm->size);
    lane_expect(f, &lanes, comm->rank, own, comm->rank ? parent : 0, own - parent);
    comm->lanes = NULL;
    group_free(group);
}

static void trees_take_their_rounds(void **state)
{
    (void)state;
    on_all_ranks(tree_body);
}

/* ---- rings ---- */

static void nothing(void *context)
{
    (void)context;
}

/* Rank r begins at r / 4, moves the ring on `polls` times, and ends it `hidden` seconds later. */
static void rings_on(Findings *f, Comm *comm, bool dry)
{
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    Device device = {.dry = dry};
    Tensor part[2] = {part_new(&device, 2520), part_new(&device, 5040)}; /* 1 to 9 divide them */
    for (int p = 0; p < 2 && !dry; p++) fill_plain(part[p], r);
    for (int kind = 0; kind < 5; kind++)
        for (int parts = 1; parts <= (kind < 3 ? 2 : 1); parts++)
            for (int late = 0; late < 2; late++)
                for (int hidden = 0; hidden <= 1000; hidden += hidden < 30 ? 10 : 970) {
                    Collective ring;
                    lane_begin(comm, &device.lanes);
                    double begun = late ? r / 4.0 : 0, start = late ? (n - 1) / 4.0 : 0;
                    lanes_compute(&device.lanes, begun);
                    if (kind == 0) ring_reduce_scatter_begin(&ring, group, PP_EMBEDDING, part, parts);
                    if (kind == 1) ring_all_gather_begin(&ring, group, PP_EMBEDDING, part, parts);
                    if (kind == 2) ring_all_reduce_begin(&ring, group, PP_EMBEDDING, part, parts);
                    if (kind > 2) exchange_begin(&ring, group, PP_EMBEDDING, *part, kind == 4, nothing, NULL);
                    for (int poll = 0; poll < (r * 7 + hidden) % 5; poll++) ring_progress(&ring);
                    lanes_compute(&device.lanes, hidden);
                    ring_end(&ring);
                    double bytes = (parts == 1 ? 2520.0 : 7560.0) * sizeof(real);
                    double takes = (kind == 2 || kind == 4 ? 2 : 1) * (n - 1) *
                                   (LANE_LINK.latency + bytes / n * LANE_LINK.seconds_per_byte);
                    double ready = begun + hidden, idle = fmax(0, start - ready);
                    double wire = fmax(0, start + takes - fmax(start, ready));
                    lane_expect(f, &device.lanes, r, fmax(ready, n == 1 ? 0 : start + takes), idle, wire);
                }
    comm->lanes = NULL;
    tensor_free(&part[0]);
    tensor_free(&part[1]);
    group_free(group);
}

/* As many steps as `kind` has, of `count` elements that n need not divide: each as long as its longest block. */
static void uneven_ring(Findings *f, Group *group, int kind, DType dtype, int64_t count)
{
    int n = group->size, parts = kind < 3 ? 2 : 1;
    Device device = {0};
    Tensor part[2] = {tensor_new(&device, MEM_GRADIENTS, dtype, count),
                      tensor_new(&device, MEM_GRADIENTS, dtype, count + 3)};
    Collective ring;
    for (int p = 0; p < 2; p++) tensor_zero(part[p]);
    lane_begin(group->comm, &device.lanes);
    if (kind == 0) ring_reduce_scatter_begin(&ring, group, PP_EMBEDDING, part, parts);
    if (kind == 1) ring_all_gather_begin(&ring, group, PP_EMBEDDING, part, parts);
    if (kind == 2) ring_all_reduce_begin(&ring, group, PP_EMBEDDING, part, parts);
    if (kind > 2) exchange_begin(&ring, group, PP_EMBEDDING, *part, kind == 4, nothing, NULL);
    ring_end(&ring);
    int64_t longest = (count + n - 1) / n + (parts > 1 ? (count + 3 + n - 1) / n : 0);
    int steps = (kind == 2 || kind == 4 ? 2 : 1) * (n - 1);
    double takes = steps * (LANE_LINK.latency +
                            (double)longest * (double)dtype_bytes(dtype) * LANE_LINK.seconds_per_byte);
    lane_expect(f, &device.lanes, group->rank, takes, 0, takes);
    for (int p = 0; p < 2; p++) tensor_free(&part[p]);
    group->comm->lanes = NULL;
}

static void uneven_body(Comm *comm, void *context)
{
    Group *group = group_world(comm, CHANNEL);
    for (int c = 1; c < COUNT_CASES; c++) /* there is something to send */
        for (int kind = 0; kind < 5; kind++) {
            if (kind > 2 && COUNTS[c] % group->size) continue; /* an exchange has blocks of one length */
            uneven_ring(context, group, kind, REAL, COUNTS[c]);
            if (kind == 1 || kind > 2) uneven_ring(context, group, kind, UINT8, COUNTS[c]); /* adds nothing */
        }
    group_free(group);
}

static void a_step_takes_as_long_as_its_longest_block(void **state)
{
    (void)state;
    on_all_ranks(uneven_body);
}

/* The same without data, which only virtual ranks can do. */
static void ring_body(Comm *comm, void *context)
{
    for (int dry = 0; dry < (mpi ? 1 : 2); dry++) rings_on(context, comm, dry);
}

static void rings_start_with_the_last(void **state)
{
    (void)state;
    on_all_ranks(ring_body);
}

/* Two rings at once share the ports: whichever is ended first is served first, the other after it, but for the steps'
 * latencies. A message between them has taken its part before either. */
static void crowded_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    Device device = {0};
    Tensor part[2] = {part_new(&device, 2520), part_new(&device, 5040)};
    for (int p = 0; p < 2; p++) fill_plain(part[p], r);
    for (int first = 0; first < 2 && n > 1; first++)
        for (int message = 0; message < 2; message++) {
            Collective ring[2];
            Request out, in;
            char data[2][LANE_BYTES] = {{0}};
            double busy = LANE_LINK.seconds_per_byte * sizeof(real) * (n - 1) / n, now = 1, ends = 1;
            lane_begin(comm, &device.lanes);
            lanes_compute(&device.lanes, 1);
            for (int p = 0; p < 2; p++) ring_all_gather_begin(&ring[p], group, PP_SEND_FORWARD, &part[p], 1);
            if (message) {
                comm_receive(group, group_round(group, r - 1), COMM_TAGS - 1, PP_SEND_FORWARD, data[0],
                             LANE_BYTES, &in);
                comm_send(group, group_round(group, r + 1), COMM_TAGS - 1, PP_SEND_FORWARD, data[1],
                          LANE_BYTES, &out);
                comm_wait(&in);
                comm_wait(&out);
                now += LANE_WIRE;
                ends += LANE_BYTES * LANE_LINK.seconds_per_byte;
            }
            for (int k = 0; k < 2; k++) {
                int p = k ? !first : first;
                ring_end(&ring[p]);
                ends += (double)part[p].count * busy;
                now = fmax(now, ends + (n - 1) * LANE_LINK.latency);
                lane_expect(f, &device.lanes, r, now, 0, now - 1);
            }
        }
    comm->lanes = NULL;
    tensor_free(&part[0]);
    tensor_free(&part[1]);
    group_free(group);
}

static void rings_share_the_ports(void **state)
{
    (void)state;
    on_all_ranks(crowded_body);
}

/* All to one: its port in takes one message after the other. One to all: its port out. */
static void straight_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    Lanes lanes = {0};
    double busy = LANE_BYTES * LANE_LINK.seconds_per_byte;
    char *all = allocate_zeroed((size_t)n, LANE_BYTES), mine[LANE_BYTES] = {0};
    lane_begin(comm, &lanes);
    gather(group, PP_SEND_FORWARD, mine, LANE_BYTES, all, 0);
    double end = r == 0 && n > 1 ? LANE_LINK.latency + (n - 1) * busy : 0;
    lane_expect(f, &lanes, r, end, 0, end);
    lane_begin(comm, &lanes);
    scatter(group, PP_SEND_FORWARD, all, LANE_BYTES, mine, 0);
    end = r > 0 ? LANE_LINK.latency + r * busy : 0;
    lane_expect(f, &lanes, r, end, 0, end);
    lane_begin(comm, &lanes); /* what is the run's own takes nothing */
    gather(group, CONTROL, mine, LANE_BYTES, all, 0);
    expect(f, comm->out[ROUTE_INSIDE].count == 0 && comm->in[ROUTE_INSIDE].count == 0,
           "rank %d: a record kept a port busy", r);
    comm->lanes = NULL;
    free(all);
    group_free(group);
}

static void one_port_takes_one_at_a_time(void **state)
{
    (void)state;
    on_all_ranks(straight_body);
}

/* Without a link's times nothing is waited for but each other. */
static void free_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    Device device = {0};
    Tensor part = part_new(&device, 7 * n), none = part_new(&device, 0);
    fill_plain(part, r);
    Collective ring;
    lane_begin(comm, &device.lanes);
    lanes_compute(&device.lanes, 1);
    ring_all_reduce_begin(&ring, group, PP_EMBEDDING, &none, 1);
    ring_end(&ring);
    lane_expect(f, &device.lanes, r, 1, 0, 0); /* nothing is sent */
    comm->network = (Network){0};
    lanes_compute(&device.lanes, r);
    ring_all_reduce_begin(&ring, group, PP_EMBEDDING, &part, 1);
    ring_end(&ring);
    lane_expect(f, &device.lanes, r, n, n - 1 - r, 0);
    comm->lanes = NULL;
    tensor_free(&part);
    tensor_free(&none);
    group_free(group);
}

static void free_links_leave_waiting(void **state)
{
    (void)state;
    on_all_ranks(free_body);
}

int ranks_lanes(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_carry_the_clock),
        cmocka_unit_test(waiting_counts_by_axis),
        cmocka_unit_test(trees_take_their_rounds),
        cmocka_unit_test(rings_start_with_the_last),
        cmocka_unit_test(a_step_takes_as_long_as_its_longest_block),
        cmocka_unit_test(rings_share_the_ports),
        cmocka_unit_test(one_port_takes_one_at_a_time),
        cmocka_unit_test(free_links_leave_waiting),
    };
    return cmocka_run_group_tests_name("simulated time", tests, NULL, NULL);
}
