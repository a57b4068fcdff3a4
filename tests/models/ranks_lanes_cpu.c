/* ranks_lanes_cpu.c - simulated time from the CPU's clock: computing is measured, and what communication costs this
 * machine is not computing. */
#include <unistd.h>
#include "parallel/data/transfer.h"
#include "tests/ranks.h"
#include "tests/support/lane.h"

static const double BURN = 0.02, LITTLE = 0.01;

static void burn_for(double seconds)
{
    const double began = lanes_cpu_clock();
    while (lanes_cpu_clock() - began < seconds) {}
}

static void burn(void *unused)
{
    (void)unused;
    burn_for(BURN);
}

static Between burning = {.call = burn};

static bool burnt(double seconds, int times)
{
    return seconds >= BURN * times && seconds < BURN * times + LITTLE;
}

/* A copy, up to date. */
static Lanes lanes_now(Lanes *lanes)
{
    lanes_pause(lanes);
    lanes_resume(lanes);
    return *lanes;
}

/* Rank 0 burns, and so do the kernels of the ring and of the tree; the others wait. */
static void measured_body(Comm *comm, void *context)
{
    Findings *f = context;
    if (!mpi && comm->size > 4) return; /* each of them burns, one after the other */
    Group *group = group_world(comm, CHANNEL);
    int r = comm->rank;
    Device device = {.lanes = {.reads_clock = true, .measured = true}};
    Tensor part = part_new(&device, 9);
    fill_plain(part, r);
    Request request;
    char data[LANE_BYTES] = {0};
    lane_begin(comm, &device.lanes);
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
    device.between = &burning;
    ring_all_reduce_begin(&ring, group, TP_ALL_REDUCE, &part, 1);
    ring_end(&ring);
    tree_reduce(group, TP_ALL_REDUCE, part, 0);
    device.between = NULL;
    Lanes lanes = lanes_now(&device.lanes);
    double computed = lanes.spent[PART_COMPUTE];
    expect(f, r == 0 ? burnt(computed, 1) : computed < LITTLE, "rank %d computed for %g s", r, computed);
    expect(f, lane_near(lanes.cpu, computed), "rank %d computed %g s, and its CPU %g s", r, computed,
           lanes.cpu);
    expect(f, r == 0 || (lanes.now > LANE_WIRE + BURN && lanes.spent[PART_PP_IDLE] > BURN - LITTLE),
           "rank %d is at %g, idle %g", r, lanes.now, lanes.spent[PART_PP_IDLE]);
    expect(f, lane_near(lane_sum_of_parts(&lanes), lanes.now), "rank %d: the parts are not all", r);
    comm->lanes = NULL;
    tensor_free(&part);
    group_free(group);
}

static void computing_is_measured_and_waiting_not(void **state)
{
    (void)state;
    on_all_ranks(measured_body);
}

/* To quantise, to open what arrives and to add it up is communication's, as what a ring adds is. */
static void transfer_body(Comm *comm, void *context)
{
    Findings *f = context;
    if (!mpi && comm->size > 3) return;
    const GptShape shape = {
        .layers = 1, .hidden = 6, .heads = 1, .kv_heads = 1, .ffn = 6, .vocab = 10, .sequence = 4};
    const int unit = UNIT_WTE;
    Device device = {.lanes = {.reads_clock = true, .measured = true}}, dry = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &shape, .device = &dry});
    Group *group = group_world(comm, CHANNEL);
    int64_t n = comm->size, count = gpt->unit[UNIT_WTE].count;
    Tensor part = part_new(&device, (count + n - 1) / n * n);
    for (int movement = 0; movement < 3; movement++) {
        Transfer transfer;
        fill_plain(part, comm->rank);
        lane_begin(comm, &device.lanes);
        device.between = &burning;
        transfer_begin(&transfer, &(TransferOptions){.group = group,
                                                     .purpose = TP_ALL_REDUCE,
                                                     .movement = (Movement)movement,
                                                     .quantized = true,
                                                     .gpt = gpt,
                                                     .unit = &unit,
                                                     .parts = 1,
                                                     .part = &part});
        transfer_end(&transfer);
        device.between = NULL;
        double computed = lanes_now(&device.lanes).spent[PART_COMPUTE];
        expect(f, computed < LITTLE, "movement %d: rank %d computed for %g s", movement, comm->rank,
               computed);
        comm->lanes = NULL;
    }
    tensor_free(&part);
    group_free(group);
    gpt_free(gpt);
}

static void quantising_is_no_computing(void **state)
{
    (void)state;
    on_all_ranks(transfer_body);
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
    Lanes mark = lanes_now(&lanes);
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
    Lanes end = lanes_now(&lanes);
    assert_true(burnt(mark.spent[PART_COMPUTE], 1));
    assert_true(burnt(end.spent[PART_RECOMPUTE], 2));
    assert_true(burnt(end.spent[PART_COMPUTE], 2));
    assert_true(burnt(end.now - mark.now, 3));
    assert_true(lane_near(end.cpu, end.now) && lane_near(lane_sum_of_parts(&end), end.now));
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
        Lanes end = lanes_now(&lanes);
        assert_true(end.now == 2.5 && end.spent[PART_COMPUTE] == 2 && end.spent[PART_OPTIMIZER] == 0.5);
        assert_true(clock ? burnt(end.cpu, 1) : end.cpu == 0);
        lanes_begin_step(&lanes);
        assert_true(lanes.now == 0 && lane_sum_of_parts(&lanes) == 0 && lanes.reads_clock == clock);
    }
}

/* Stretches too short to read the CPU's clock for add up to what they took, computed or paused. */
static void short_stretches_add_up(void **state)
{
    enum { TIMES = 10000 };
    (void)state;
    for (int paused = 0; paused < 2; paused++) {
        Lanes lanes = {.reads_clock = true};
        lanes_begin_step(&lanes);
        const double began = lanes_cpu_clock();
        lanes_resume(&lanes);
        for (int i = 0; i < TIMES; i++) {
            if (!paused) burn_for(BURN / TIMES);
            lanes_pause(&lanes);
            if (paused) burn_for(BURN / TIMES);
            lanes_resume(&lanes);
        }
        const double passed = lanes_cpu_clock() - began;
        assert_true(paused ? lanes.cpu < passed / 2 : lanes.cpu > passed / 2 && lanes.cpu < passed + LITTLE);
    }
}

int ranks_lanes_cpu(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computing_is_measured_and_waiting_not),
        cmocka_unit_test(quantising_is_no_computing),
        cmocka_unit_test(parts_bracket_themselves),
        cmocka_unit_test(told_times_are_not_the_cpus),
        cmocka_unit_test(short_stretches_add_up),
    };
    return cmocka_run_group_tests_name("measured time", tests, NULL, NULL);
}
