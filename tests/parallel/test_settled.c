/* test_settled.c - ports of virtual ranks forget what nobody can ask for any more, and nothing is other for it. */
#include <string.h>
#include "parallel/wire/comm_virtual.h"
#include "tests/support/check.h"

enum { MESSAGES = 4000, LAST = MESSAGES, EARLY };

/* What is done beside the messages to and fro. */
typedef struct Beside {
    bool ring, letter; /* that began before them, and ends behind them */
    bool step;         /* begins, for rank 0 before them, for rank 1 amid them */
} Beside;

typedef struct Seen {
    double now, spent[PARTS], hidden[PARTS], busy;
    int spans; /* of the port out, the most */
} Seen;

typedef struct Scene {
    Beside beside;
    Lanes lanes[3];
    Seen seen[2];
} Scene;

static void wait_for(Group *group, int from, int tag)
{
    Request request;
    comm_receive(group, from, tag, PP_SEND_FORWARD, NULL, 1000, &request);
    comm_wait(&request);
}

static void send_to(Group *group, int to, int tag)
{
    Request request;
    comm_send(group, to, tag, PP_SEND_FORWARD, NULL, 1000, &request);
    comm_wait(&request);
}

/* Ranks 0 and 1 send each other messages; a third, if there is one, stands at 0 until the last. */
static void to_and_fro(Comm *comm, void *context)
{
    Scene *scene = context;
    const int other = 1 - comm->rank, members[] = {0, 1, 2};
    Lanes *lanes = &scene->lanes[comm->rank];
    Group group = {.comm = comm, .rank = comm->rank, .size = comm->size, .members = members, .channel = 5};
    RingShape shape = {.purpose = DP_ALL_REDUCE};
    comm->lanes = lanes;
    comm->network = network_flat((Link){1e-3, 1e-6});
    comm->network.taken = 0.1;
    comm_ring_leg(&shape, (NetworkTime){.busy = {2.5}, .latency = 0.1});
    comm_begin_step(comm);
    if (comm->rank == 2) {
        wait_for(&group, 0, LAST);
    } else {
        Seen *seen = &scene->seen[comm->rank];
        const double start = scene->beside.ring ? comm_ring_open(comm) : 0;
        if (scene->beside.letter) send_to(&group, other, EARLY);
        if (scene->beside.step) lanes_compute(lanes, 100);
        for (int i = 0; i < MESSAGES; i++) {
            if (scene->beside.step && i == comm->rank * MESSAGES / 2) comm_begin_step(comm);
            lanes_compute(lanes, 1e-4 * (1 + (i * 7 + comm->rank) % 5));
            send_to(&group, other, i);
            wait_for(&group, other, i);
            if (comm->out[0].count > seen->spans) seen->spans = comm->out[0].count;
        }
        if (scene->beside.letter) wait_for(&group, other, EARLY);
        if (scene->beside.ring) comm_ring_end(comm, &shape, start);
        if (comm->rank == 0 && comm->size > 2) send_to(&group, 2, LAST);
        seen->now = lanes->now;
        seen->busy = comm_busy(comm, ROUTE_INSIDE) - (comm->rank == 0 && comm->size > 2 ? 1e-3 : 0);
        memcpy(seen->spent, lanes->spent, sizeof seen->spent);
        memcpy(seen->hidden, lanes->hidden, sizeof seen->hidden);
    }
    comm->lanes = NULL;
}

static Scene played(int ranks, Beside beside)
{
    Scene scene = {.beside = beside};
    Error error;
    if (!virtual_run(ranks, to_and_fro, &scene, &error)) fail_msg("%s", error.text);
    return scene;
}

/* All is as where a third rank might still send what begins at 0. Returns the most spans that either rank had of its port. */
static int check(Beside beside)
{
    const Scene some = played(2, beside), all = played(3, beside);
    for (int r = 0; r < 2; r++) {
        const Seen *a = &some.seen[r], *b = &all.seen[r];
        assert_true(a->now == b->now && a->now > 0.5e-3 * MESSAGES);
        assert_memory_equal(a->spent, b->spent, sizeof a->spent);
        assert_memory_equal(a->hidden, b->hidden, sizeof a->hidden);
        assert_true(a->busy > 0.49e-3 * MESSAGES && a->busy - b->busy < 1e-9 && b->busy - a->busy < 1e-9);
        assert_true(b->spans > MESSAGES / 3);
    }
    return some.seen[0].spans > some.seen[1].spans ? some.seen[0].spans : some.seen[1].spans;
}

static void messages_alone_are_settled(void **state)
{
    (void)state;
    assert_true(check((Beside){.ring = false}) < 200);
}

static void nothing_is_while_a_ring_is_under_way(void **state)
{
    (void)state;
    assert_true(check((Beside){.ring = true}) >= MESSAGES);
}

static void nor_while_a_letter_is(void **state)
{
    (void)state;
    assert_true(check((Beside){.letter = true}) >= MESSAGES);
    check((Beside){.ring = true, .letter = true});
}

/* What it sends then begins at 0. */
static void nor_while_one_is_in_a_step_before(void **state)
{
    (void)state;
    assert_true(check((Beside){.step = true}) > MESSAGES / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_alone_are_settled),
        cmocka_unit_test(nothing_is_while_a_ring_is_under_way),
        cmocka_unit_test(nor_while_a_letter_is),
        cmocka_unit_test(nor_while_one_is_in_a_step_before),
    };
    return cmocka_run_group_tests_name("settled ports", tests, NULL, NULL);
}
