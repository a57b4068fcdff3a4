/* test_lanes.c - simulated time: what a rank waits for messages and rings, by
 * formulas, the same on virtual ranks and MPI; and what the CPU clock adds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "models/machine/error.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

/* Halves of halves, so that sums are exact. */
static const Link LINK = {.latency = 0.5, .seconds_per_byte = 1.0 / 64};
enum { BYTES = 96, WIRE = 2 }; /* 0.5 + 96 / 64 */

static void lanes_begin(Comm *comm, Lanes *lanes)
{
    comm->link = LINK;
    comm->lanes = lanes;
    comm_begin_step(comm);
    lanes_resume(lanes);
}

static double sum_of_parts(const Lanes *lanes)
{
    double sum = 0;
    for (int p = 0; p < PARTS; p++) sum += lanes->spent[p];
    return sum;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

/* Only a pipeline's purposes tell idling and the wire apart, so whatever waits here has one. */
static void expect_lane(Findings *f, const Lanes *lanes, int rank, double now, double idle, double wire)
{
    const double *spent = lanes->spent;
    expect(f, near(lanes->now, now) && near(spent[PART_PP_IDLE], idle) && near(spent[PART_PP_WIRE], wire),
           "rank %d: at %.17g, idle %.17g, wire %.17g, not %.17g, %.17g, %.17g", rank, lanes->now,
           spent[PART_PP_IDLE], spent[PART_PP_WIRE], now, idle, wire);
    expect(f, near(sum_of_parts(lanes), lanes->now), "rank %d: the parts sum to %.17g, not to %.17g", rank,
           sum_of_parts(lanes), lanes->now);
}

/* ---- point to point ---- */

/* Down the line: a rank comes to its message before it is sent, while it travels, or after it arrived. */
static void line_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    int n = comm->size, r = comm->rank;
    Lanes lanes = {0};
    Request request;
    char data[BYTES] = {0};
    double sent = 3, begun = 0, idle = 0, wire = 0; /* of rank 0; then, rank by rank, of this one */
    for (int i = 1; i <= r; i++) {
        static const double after_sent[] = {-1, 0.25 * WIRE, WIRE + 1};
        begun = sent + after_sent[i % 3];
        idle = fmax(0, sent - begun);
        wire = fmax(0, sent + WIRE - fmax(begun, sent));
        sent = begun + idle + wire + 1;
    }
    lanes_begin(comm, &lanes);
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
    expect_lane(f, &lanes, r, sent, idle, wire);
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
        comm_join(&comm, (Purpose)p, 1, 3);
        bool tp = strncmp(name, "tp.", 3) == 0, pp = strncmp(name, "pp.", 3) == 0;
        bool dp = strncmp(name, "dp.", 3) == 0 || strncmp(name, "zero.", 5) == 0;
        assert_true(lanes.now == (tp || dp || pp ? 3 : 0));
        assert_true(lanes.spent[PART_TP_EXPOSED] == (tp ? 3 : 0));
        assert_true(lanes.spent[PART_DP_EXPOSED] == (dp ? 3 : 0));
        assert_true(lanes.spent[PART_PP_IDLE] == (pp ? 1 : 0));
        assert_true(lanes.spent[PART_PP_WIRE] == (pp ? 2 : 0));
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
    return tree_arrival(parent, n) + LINK.latency + turn * BYTES * LINK.seconds_per_byte;
}

static void tree_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    Lanes lanes = {0};
    char data[BYTES] = {0};
    lanes_begin(comm, &lanes);
    if (comm->rank == 0) lanes_compute(&lanes, 5);
    tree_broadcast(group, PP_EMBEDDING, data, sizeof data, 0);
    double parent = tree_arrival(comm->rank & (comm->rank - 1), comm->size),
           own = tree_arrival(comm->rank, comm->size);
    expect_lane(f, &lanes, comm->rank, own, comm->rank ? parent : 0, own - parent);
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
                    lanes_begin(comm, &device.lanes);
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
                                   (LINK.latency + bytes / n * LINK.seconds_per_byte);
                    double ready = begun + hidden, idle = fmax(0, start - ready);
                    double wire = fmax(0, start + takes - fmax(start, ready));
                    expect_lane(f, &device.lanes, r, fmax(ready, n == 1 ? 0 : start + takes), idle, wire);
                }
    comm->lanes = NULL;
    tensor_free(&part[0]);
    tensor_free(&part[1]);
    group_free(group);
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
            char data[2][BYTES] = {{0}};
            double busy = LINK.seconds_per_byte * sizeof(real) * (n - 1) / n, now = 1, ends = 1;
            lanes_begin(comm, &device.lanes);
            lanes_compute(&device.lanes, 1);
            for (int p = 0; p < 2; p++) ring_all_gather_begin(&ring[p], group, PP_SEND_FORWARD, &part[p], 1);
            if (message) {
                comm_receive(group, group_round(group, r - 1), COMM_TAGS - 1, PP_SEND_FORWARD, data[0], BYTES,
                             &in);
                comm_send(group, group_round(group, r + 1), COMM_TAGS - 1, PP_SEND_FORWARD, data[1], BYTES,
                          &out);
                comm_wait(&in);
                comm_wait(&out);
                now += WIRE;
                ends += BYTES * LINK.seconds_per_byte;
            }
            for (int k = 0; k < 2; k++) {
                int p = k ? !first : first;
                ring_end(&ring[p]);
                ends += (double)part[p].count * busy;
                now = fmax(now, ends + (n - 1) * LINK.latency);
                expect_lane(f, &device.lanes, r, now, 0, now - 1);
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
    double busy = BYTES * LINK.seconds_per_byte;
    char *all = allocate_zeroed((size_t)n, BYTES), mine[BYTES] = {0};
    lanes_begin(comm, &lanes);
    gather(group, PP_SEND_FORWARD, mine, BYTES, all, 0);
    double end = r == 0 && n > 1 ? LINK.latency + (n - 1) * busy : 0;
    expect_lane(f, &lanes, r, end, 0, end);
    lanes_begin(comm, &lanes);
    scatter(group, PP_SEND_FORWARD, all, BYTES, mine, 0);
    end = r > 0 ? LINK.latency + r * busy : 0;
    expect_lane(f, &lanes, r, end, 0, end);
    lanes_begin(comm, &lanes); /* what is the run's own takes nothing */
    gather(group, CONTROL, mine, BYTES, all, 0);
    expect(f, comm->out.count == 0 && comm->in.count == 0, "rank %d: a record kept a port busy", r);
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
    lanes_begin(comm, &device.lanes);
    lanes_compute(&device.lanes, 1);
    ring_all_reduce_begin(&ring, group, PP_EMBEDDING, &none, 1);
    ring_end(&ring);
    expect_lane(f, &device.lanes, r, 1, 0, 0); /* nothing is sent */
    comm->link = (Link){0};
    lanes_compute(&device.lanes, r);
    ring_all_reduce_begin(&ring, group, PP_EMBEDDING, &part, 1);
    ring_end(&ring);
    expect_lane(f, &device.lanes, r, n, n - 1 - r, 0);
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

/* ---- the CPU clock ---- */

static const double BURN = 0.02, LITTLE = 0.01;

static void burn(void *unused)
{
    struct timespec t;
    double began = -1, now;
    (void)unused;
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        now = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
        if (began < 0) began = now;
    } while (now - began < BURN);
}

static bool burnt(double seconds, int times)
{
    return seconds >= BURN * times && seconds < BURN * times + LITTLE;
}

/* Rank 0 burns, and so do the kernels of the ring; the others wait. */
static void measured_body(Comm *comm, void *context)
{
    Findings *f = context;
    Group *group = group_world(comm, CHANNEL);
    int r = comm->rank;
    Device device = {.lanes = {.reads_clock = true, .measured = true}};
    Tensor part = part_new(&device, 9);
    fill_plain(part, r);
    Request request;
    char data[BYTES] = {0};
    lanes_begin(comm, &device.lanes);
    if (r == 0) burn(NULL);
    for (int to = 1; r == 0 && to < comm->size; to++) {
        comm_send(group, to, 0, PP_SEND_FORWARD, data, sizeof data, &request);
        comm_wait(&request);
    }
    if (r > 0) {
        comm_receive(group, 0, 0, PP_SEND_FORWARD, data, sizeof data, &request);
        comm_wait(&request);
    }
    usleep(20000);
    Collective ring;
    device.between_kernels = burn;
    ring_all_reduce_begin(&ring, group, TP_ALL_REDUCE, &part, 1);
    ring_end(&ring);
    device.between_kernels = NULL;
    Lanes lanes = lanes_read(&device.lanes);
    double computed = lanes.spent[PART_COMPUTE];
    expect(f, r == 0 ? burnt(computed, 1) : computed < LITTLE, "rank %d computed for %g s", r, computed);
    expect(f, near(lanes.cpu, computed), "rank %d computed %g s, and its CPU %g s", r, computed, lanes.cpu);
    expect(f, r == 0 || (lanes.now > WIRE + BURN && lanes.spent[PART_PP_IDLE] > BURN - LITTLE),
           "rank %d is at %g, idle %g", r, lanes.now, lanes.spent[PART_PP_IDLE]);
    expect(f, near(sum_of_parts(&lanes), lanes.now), "rank %d: the parts are not all", r);
    comm->lanes = NULL;
    tensor_free(&part);
    group_free(group);
}

static void computing_is_measured_and_waiting_not(void **state)
{
    (void)state;
    on_all_ranks(measured_body);
}

static void parts_bracket_themselves(void **state)
{
    (void)state;
    Lanes lanes = {.reads_clock = true, .measured = true};
    lanes_begin_step(&lanes);
    burn(NULL); /* paused until it runs */
    lanes_resume(&lanes);
    burn(NULL);
    Part before = lanes_part(&lanes, PART_RECOMPUTE);
    assert_int_equal(before, PART_COMPUTE);
    Lanes mark = lanes_read(&lanes);
    burn(NULL);
    burn(NULL);
    assert_int_equal(lanes_part(&lanes, before), PART_RECOMPUTE);
    burn(NULL);
    lanes_pause(&lanes);
    lanes_pause(&lanes);
    burn(NULL);
    lanes_resume(&lanes);
    burn(NULL);
    lanes_resume(&lanes);
    Lanes end = lanes_read(&lanes);
    assert_true(burnt(mark.spent[PART_COMPUTE], 1));
    assert_true(burnt(end.spent[PART_RECOMPUTE], 2));
    assert_true(burnt(end.spent[PART_COMPUTE], 2));
    assert_true(burnt(end.now - mark.now, 3));
    assert_true(near(end.cpu, end.now) && near(sum_of_parts(&end), end.now));
}

/* Told times move the lane alone; the CPU is followed beside it, but not on a dry device. */
static void told_times_are_not_the_cpus(void **state)
{
    (void)state;
    for (int clock = 0; clock < 2; clock++) {
        Lanes lanes = {.reads_clock = clock};
        lanes_begin_step(&lanes);
        lanes_resume(&lanes);
        lanes_compute(&lanes, 2);
        Part before = lanes_part(&lanes, PART_OPTIMIZER);
        lanes_compute(&lanes, 0.5);
        lanes_part(&lanes, before);
        burn(NULL);
        Lanes end = lanes_read(&lanes);
        assert_true(end.now == 2.5 && end.spent[PART_COMPUTE] == 2 && end.spent[PART_OPTIMIZER] == 0.5);
        assert_true(clock ? burnt(end.cpu, 1) : end.cpu == 0);
        lanes_begin_step(&lanes);
        assert_true(lanes.now == 0 && sum_of_parts(&lanes) == 0 && lanes.reads_clock == clock);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_carry_the_clock), cmocka_unit_test(waiting_counts_by_axis),
        cmocka_unit_test(trees_take_their_rounds),  cmocka_unit_test(rings_start_with_the_last),
        cmocka_unit_test(rings_share_the_ports),    cmocka_unit_test(one_port_takes_one_at_a_time),
        cmocka_unit_test(free_links_leave_waiting), cmocka_unit_test(computing_is_measured_and_waiting_not),
        cmocka_unit_test(parts_bracket_themselves), cmocka_unit_test(told_times_are_not_the_cpus),
    };
    launch_start(&argc, &argv);
    const char *name = mpi ? "simulated time on MPI ranks" : "simulated time on virtual ranks";
    return launch_stop(cmocka_run_group_tests_name(name, tests, NULL, NULL));
}
