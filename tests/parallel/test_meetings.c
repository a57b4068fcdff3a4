/* test_meetings.c - rings whose members only meet against rings that take every step, and against real ones: the same
 * time, bytes, messages and peaks, to the last bit. */
#include <stdio.h>
#include <string.h>
#include "models/machine/random.h"
#include "models/machine/tensor.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "parallel/wire/shelf.h"
#include "parallel/wire/tape.h"
#include "tests/support/check.h"

enum { RANKS_MOST = 9, RINGS = 4, PARTS_MOST = 3, ROUNDS = 6, PROGRAMS = 60 };

typedef enum { REAL_RINGS, STEPS, MEETINGS } Way;

/* What a rank has at the end. */
typedef struct Outcome {
    double now, spent[PARTS];
    uint64_t bytes[PURPOSES], messages[PURPOSES];
    size_t peak[MEMORY_CATEGORIES], peak_total;
    WorkDone done[WORK_KINDS];
} Outcome;

typedef struct Program {
    int64_t seed;
    Way way;
    bool met; /* a ring whose members met */
    Device device[RANKS_MOST];
    Outcome outcome[RANKS_MOST];
} Program;

/* Each rank follows the same numbers, but for how long it computes. */
static int draw(const Program *p, int *at, int limit)
{
    return (int)random_below(p->seed, STREAM_TEXT_ORDER, 0, (uint64_t)(*at)++, (uint64_t)limit);
}

static void compute(const Program *p, Comm *comm, int round)
{
    double seconds =
        random_normal(p->seed, STREAM_WEIGHTS, (uint64_t)comm->rank, (uint64_t)round); /* also none */
    if (seconds > 0) lanes_compute(comm->lanes, seconds);
}

static void nothing(void *context)
{
    (void)context;
}

static void begin_one(const Program *p, int *at, Collective *ring, Group *group, Device *device,
                      Tensor part[PARTS_MOST])
{
    static const Purpose purpose[] = {ZERO_REDUCE_SCATTER, ZERO_ALL_GATHER, DP_ALL_REDUCE, TP_GRADIENTS};
    int kind = draw(p, at, 5), parts = 1 + draw(p, at, PARTS_MOST), n = group->size;
    Purpose why = purpose[draw(p, at, 4)];
    for (int i = 0; i < parts; i++) part[i] = tensor_new(device, MEM_GRADIENTS, REAL, draw(p, at, 40));
    for (int i = 0; i < parts; i++) tensor_zero(part[i]);
    if (kind == 0) ring_reduce_scatter_begin(ring, group, why, part, parts);
    if (kind == 1) ring_all_gather_begin(ring, group, why, part, parts);
    if (kind == 2) ring_all_reduce_begin(ring, group, why, part, parts);
    if (kind < 3) return;
    exchange_begin(ring, group, why, tensor_view(part[0], 0, part[0].count / n * n), kind == 4, nothing,
                   NULL);
}

/* A message to the right, which takes a port while rings are under way. */
static void pass_on(Group *group, int tag, Request *send, Request *receive)
{
    int n = group->size, r = group->rank;
    double out = 0;
    static double in; /* whoever's: nobody looks */
    comm_receive(group, (r + n - 1) % n, tag, PP_SEND_FORWARD, &in, sizeof in, receive);
    comm_send(group, (r + 1) % n, tag, PP_SEND_FORWARD, &out, sizeof out, send);
}

static void body(Comm *comm, void *context)
{
    Program *p = context;
    static CommBackend steps; /* the same of every rank */
    Device *device = &p->device[comm->rank];
    int at = 0, round = 0;
    *device = (Device){.dry = p->way != REAL_RINGS};
    steps = *comm->backend;
    steps.come = NULL;
    if (p->way != MEETINGS) comm->backend = &steps;
    comm->lanes = &device->lanes;
    comm->network = network_flat((Link){draw(p, &at, 3) * 0.125, draw(p, &at, 3) * 0.0021});
    comm_begin_step(comm);
    Group *group = group_world(comm, CHANNEL_DATA), *pipe = group_world(comm, CHANNEL_PIPE);
    for (; round < ROUNDS; round++) {
        Collective ring[RINGS];
        Tensor part[RINGS][PARTS_MOST] = {{{0}}};
        Request send, receive;
        int rings = 1 + draw(p, &at, RINGS);
        for (int k = 0; k < rings; k++) {
            compute(p, comm, RINGS * round + k);
            begin_one(p, &at, &ring[k], group, device, part[k]);
            p->met |= ring[k].meets;
        }
        pass_on(pipe, round, &send, &receive);
        for (int k = 0; k < rings; k++) {
            if (k == 1) comm_wait(&receive);
            ring_end(&ring[(k + round) % rings]);
        }
        comm_wait(&receive);
        comm_wait(&send);
        for (int k = 0; k < rings; k++)
            for (int i = 0; i < PARTS_MOST; i++) tensor_free(&part[k][i]);
        sum_in_rank_order(group, ZERO_NORM, device, 1);
    }
    Outcome *o = &p->outcome[comm->rank];
    o->now = device->lanes.now;
    memcpy(o->spent, device->lanes.spent, sizeof o->spent);
    memcpy(o->bytes, comm->bytes, sizeof o->bytes);
    memcpy(o->messages, comm->messages, sizeof o->messages);
    memcpy(o->peak, device->peak, sizeof o->peak);
    o->peak_total = device->peak_total;
    memcpy(o->done, device->done, sizeof o->done);
    group_free(group);
    group_free(pipe);
    comm->lanes = NULL;
}

static Program run(int ranks, int64_t seed, Way way)
{
    Program p = {.seed = seed, .way = way};
    Error error;
    bool ended = virtual_run(ranks, body, &p, &error);
    if (!ended) print_error("%s\n", error.text);
    assert_true(ended);
    return p;
}

static void meetings_take_as_long_as_steps(void **state)
{
    (void)state;
    int met = 0;
    for (int64_t seed = 0; seed < PROGRAMS; seed++) {
        int ranks = 2 + (int)(seed % (RANKS_MOST - 1));
        Program with_steps = run(ranks, seed, STEPS), meeting = run(ranks, seed, MEETINGS),
                real_one = run(ranks, seed, REAL_RINGS);
        assert_memory_equal(with_steps.outcome, meeting.outcome, sizeof meeting.outcome);
        assert_memory_equal(with_steps.outcome, real_one.outcome, sizeof meeting.outcome);
        assert_false(with_steps.met || real_one.met);
        met += meeting.met;
    }
    assert_int_equal(met, PROGRAMS);
}

/* A ring that one of its members never begins. */
static void one_stays_away(Comm *comm, void *context)
{
    (void)context;
    static const int members[] = {0, 1, 2};
    static Device device = {.dry = true}; /* all of it static: who waits never comes back to free it */
    static Tensor part[3];
    static Collective ring[3];
    Group group = {.comm = comm, .rank = comm->rank, .size = 3, .members = members, .channel = 5};
    part[comm->rank] = (Tensor){.device = &device, .count = 6, .dtype = REAL};
    if (comm->rank == 1) return;
    ring_all_gather_begin(&ring[comm->rank], &group, CONTROL, &part[comm->rank], 1);
    ring_end(&ring[comm->rank]);
}

static void who_waits_for_whom_is_named(void **state)
{
    (void)state;
    Error error;
    assert_false(virtual_run(3, one_stays_away, NULL, &error));
    assert_non_null(strstr(error.text, "deadlock: 2 of 3 ranks"));
    assert_non_null(strstr(error.text, "rank 0 waits for 1 of 3 ranks to begin (channel 5, tag 0)"));
}

/* ---- tapes ---- */

enum { TAPE_CASES = 6 };

/* What is done while the tape records, after a ring has begun before. */
static bool record(int which, Comm *comm, Group *group, Device *device, Tensor part)
{
    Collective before, ring;
    Request send, receive;
    Tape tape;
    char letter = 0;
    ring_all_gather_begin(&before, group, ZERO_ALL_GATHER, &part, 1);
    tape_record(&tape, comm);
    lanes_compute(&device->lanes, 0.1);
    ring_all_gather_begin(&ring, group, TP_ALL_GATHER, &part, 1);
    if (which != 1) ring_end(&ring);
    if (which == 2) ring_end(&before);
    if (which == 3) {
        comm_receive(group, 1 - group->rank, 77, CONTROL, &letter, 1, &receive);
        comm_send(group, 1 - group->rank, 77, CONTROL, &letter, 1, &send);
    }
    bool plays = tape_stop(&tape, comm);
    if (which == 3) comm_wait(&receive);
    if (which == 4) { /* its end is on the tape after, its beginning on that before */
        Tape next;
        ring_all_gather_begin(&ring, group, TP_ALL_GATHER, &part, 1);
        tape_record(&next, comm);
        ring_end(&ring);
        plays = tape_stop(&next, comm);
        tape_free(&next);
    }
    if (which == 5) { /* after a ring that has taken the ports, as the program would be */
        ring_end(&before);
        double now = device->lanes.now;
        tape_play(&tape, comm);
        plays = plays && device->lanes.now > now + 0.1 && comm->messages[TP_ALL_GATHER] == 2;
    }
    ring_end(&ring);
    ring_end(&before);
    tape_free(&tape);
    return plays;
}

static void tapes_body(Comm *comm, void *context)
{
    bool(*plays)[TAPE_CASES] = context;
    Group *group = group_world(comm, CHANNEL_DATA);
    for (int which = 0; which < TAPE_CASES; which++) {
        Device device = {.dry = true};
        Tensor part = tensor_new(&device, MEM_GRADIENTS, REAL, 6);
        memset(comm->messages, 0, sizeof comm->messages);
        comm->lanes = &device.lanes;
        comm->network = network_flat((Link){0.125, 0.001});
        comm_begin_step(comm);
        plays[comm->rank][which] = record(which, comm, group, &device, part);
        tensor_free(&part);
        comm->lanes = NULL;
    }
    group_free(group);
}

/* Whole: it does; a ring that ends later, or began before, or on another tape, or a message: it does not. */
static void a_tape_knows_whether_it_plays(void **state)
{
    (void)state;
    static const bool right[TAPE_CASES] = {true, false, false, false, false, true};
    bool plays[2][TAPE_CASES];
    Error error;
    assert_true(virtual_run(2, tapes_body, plays, &error));
    for (int r = 0; r < 2; r++) assert_memory_equal(plays[r], right, sizeof right);
}

/* A copy of them, on the heap. */
static LaneStep *copy_of(const LaneStep *steps, size_t count)
{
    return memcpy(allocate(count * sizeof *steps), steps, count * sizeof *steps);
}

/* And what differs anywhere is kept beside. */
static void the_same_steps_are_kept_once(void **state)
{
    (void)state;
    enum { LENGTH = 3, OTHERS = 4 };
    Shelf shelf = {NULL};
    LaneStep steps[LENGTH] = {{.seconds = 0.25, .launched = true}, {.part = PART_RECOMPUTE}, {.met = true}};
    const LaneStep other[OTHERS] = {{.seconds = 0.125, .met = true},
                                    {.met = true, .part = PART_OPTIMIZER},
                                    {.met = true, .launched = true},
                                    {.seconds = 0}};
    const LaneStep *kept = shelf_keep(&shelf, copy_of(steps, LENGTH), LENGTH);
    const LaneStep *shorter = shelf_keep(&shelf, copy_of(steps, LENGTH - 1), LENGTH - 1);
    assert_true(kept != shorter && shorter[1].part == PART_RECOMPUTE);
    for (int i = 0; i < OTHERS; i++) {
        LaneStep apart[LENGTH] = {steps[0], steps[1], other[i]};
        const LaneStep *beside = shelf_keep(&shelf, copy_of(apart, LENGTH), LENGTH);
        assert_true(beside != kept && beside[2].seconds == other[i].seconds && beside[2].met == other[i].met);
        assert_true(shelf_keep(&shelf, copy_of(apart, LENGTH), LENGTH) == beside);
    }
    assert_true(shelf_keep(&shelf, copy_of(steps, LENGTH), LENGTH) == kept);
    shelf_free(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meetings_take_as_long_as_steps),
        cmocka_unit_test(who_waits_for_whom_is_named),
        cmocka_unit_test(a_tape_knows_whether_it_plays),
        cmocka_unit_test(the_same_steps_are_kept_once),
    };
    return cmocka_run_group_tests_name("meetings", tests, NULL, NULL);
}
