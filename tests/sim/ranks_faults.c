/* ranks_faults.c - faults on ranks that are processes: the seconds are the dry run's, whenever messages really leave,
 * and what is late is held back. */
#include <stdlib.h>
#include <string.h>
#include "sim/base/clock.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

enum { RANKS = 4, STEPS = 3 };

/* What rank 0 has of all ranks: the seconds of each step, and how many messages were late at its end. */
typedef struct Seen {
    struct {
        double seconds;
        int64_t late;
    } step[STEPS][RANKS];
} Seen;

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Seen *seen = context;
    struct {
        double seconds;
        int64_t late;
    } mine = {t->device.lanes.now, 0};
    for (int i = 0; i < t->comm->lates; i++) mine.late += t->comm->late[i].late;
    Group *world = group_world(t->comm, CHANNEL_CONTROL);
    gather(world, CONTROL, &mine, sizeof mine, t->comm->rank == 0 ? seen->step[t->step] : NULL, 0);
    group_free(world);
}

/* Buckets and units on their way at once, whose messages leave in another order each time. */
static void seconds_are_the_dry_runs(void **state)
{
    (void)state;
    static const char *const splits[] = {
        "parallel.data=ddp parallel.bucket_mb=0.005", "parallel.data=zero3",
        "parallel.data=ddp hardware.all_reduce=tree parallel.bucket_mb=0.005",
        "parallel.pp=2 parallel.schedule=1f1b parallel.data=zero2"};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        Seen seen = {0}, foretold = {0};
        Case c = case_of_words(STEPS,
                               "%s hardware.profile=slow.ini train.microbatch=2 "
                               "faults.slow=1x1.5from2to2 faults.late=0->1every7by3ms,2->3every9by1ms",
                               splits[i]),
             dry = c;
        c.look = dry.look = look;
        c.reads_clock = true;
        c.context = &seen;
        dry.context = &foretold;
        dry.dry = true;
        if (run_case(&c, RANKS)) {
            assert_true(case_virtual(&dry, RANKS));
            assert_memory_equal(&seen, &foretold, sizeof seen);
            assert_true(seen.step[STEPS - 1][0].late > 0);
        }
        if (c.refused[0]) print_error("%s: %s\n", splits[i], c.refused);
        assert_true(!c.refused[0]);
        dry.text = NULL;
        case_free(&c);
        case_free(&dry);
    }
}

/* There and back: of four messages the second and the fourth are late, whether they are waited for or looked for. */
static void what_is_late_is_held_back(void **state)
{
    (void)state;
    enum { MESSAGES = 4 };
    const double held = 0.03;
    if (!mpi) return;
    Lanes lanes = {0};
    Late late = {.link = {.from = 0, .to = 1, .every = 2, .seconds = held}, .holds = true};
    Group *world = group_world(mpi, CHANNEL_CONTROL);
    double took[MESSAGES] = {0};
    mpi->network = (Network){0}; /* of what this launch ran before */
    mpi->lanes = &lanes;
    mpi->late = &late;
    mpi->lates = 1;
    for (int i = 0; i < MESSAGES && mpi->rank < 2; i++) {
        Request there, back;
        double began = clock_now(), number = i;
        if (mpi->rank == 0) {
            comm_send(world, 1, i, PP_SEND_FORWARD, &number, sizeof number, &there);
            comm_receive(world, 1, i, PP_SEND_BACKWARD, &number, sizeof number, &back);
        } else {
            comm_receive(world, 0, i, PP_SEND_FORWARD, &number, sizeof number, &there);
            while (i > 1 && !comm_test(&there)) continue;
            comm_wait(&there);
            comm_send(world, 0, i, PP_SEND_BACKWARD, &number, sizeof number, &back);
        }
        if (mpi->rank == 0) comm_wait(&there);
        comm_wait(&back);
        took[i] = clock_now() - began;
    }
    mpi->lanes = NULL;
    mpi->late = NULL;
    mpi->lates = 0;
    double mine[2] = {lanes.now, (double)late.messages}, all[RANKS][2];
    gather(world, CONTROL, mine, sizeof mine, all, 0);
    if (mpi->rank == 0) { /* both have waited for both */
        assert_true(took[1] > 0.99 * held && took[3] > 0.99 * held && late.messages == MESSAGES &&
                    late.late == 2);
        assert_true(all[0][0] == 2 * held && all[1][0] == 2 * held && all[1][1] == 0);
    }
    group_free(world);
}

static uint64_t numbered(const Comm *comm)
{
    uint64_t messages = 0;
    for (int i = 0; i < comm->lates; i++) messages += (uint64_t)comm->late[i].messages;
    return messages;
}

/* Of all its links together. */
static void all_reduce(Comm *comm, Findings *findings, Device *device, int64_t count, AllReduce way)
{
    Group *group = group_world(comm, CHANNEL);
    Collective c;
    Tensor part[2] = {part_new(device, count), part_new(device, count / 3)};
    Late late[RANKS_MAX];
    Lanes lanes = {0};
    uint64_t before = comm->messages[DP_ALL_REDUCE];
    for (int to = 0; to < comm->size; to++)
        late[to] =
            (Late){.link = {.from = comm->rank, .to = to, .every = 1000000, .seconds = 1}, .holds = true};
    comm->network = (Network){.all_reduce = way};
    comm->lanes = &lanes;
    comm->late = late;
    comm->lates = comm->size;
    ring_all_reduce_begin(&c, group, DP_ALL_REDUCE, part, 2);
    ring_end(&c);
    expect(findings, numbered(comm) == comm->messages[DP_ALL_REDUCE] - before,
           "of %lld numbers, way %d, %llu messages are numbered, not %llu", (long long)count, (int)way,
           (unsigned long long)numbered(comm), (unsigned long long)(comm->messages[DP_ALL_REDUCE] - before));
    comm->lanes = NULL;
    comm->late = NULL;
    comm->lates = 0;
    comm->network = (Network){0};
    for (int i = 0; i < 2; i++) tensor_free(&part[i]);
    group_free(group);
}

/* As many as it sends, which of empty blocks are none: on real devices, and on dry ones, where nothing is sent. */
static void body(Comm *comm, void *findings)
{
    static const int64_t counts[] = {1, 2, 7, 100, 40000};
    const int kinds = mpi ? 1 : 2;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int way = ALL_REDUCE_RING; way <= ALL_REDUCE_TREE; way++)
            for (int dry = 0; dry < kinds; dry++)
                all_reduce(comm, findings, &(Device){.dry = dry}, counts[i], (AllReduce)way);
}

static void a_collective_is_numbered_as_it_sends(void **state)
{
    (void)state;
    on_all_ranks(body);
}

int ranks_faults(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_the_dry_runs),
        cmocka_unit_test(a_collective_is_numbered_as_it_sends),
        cmocka_unit_test(what_is_late_is_held_back),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
