/* test_all_to_all.c - all-to-alls whose members only meet against those that take every step, against real ones, and
 * against one member that stands for all: the same time, bytes, messages and memory, to the last bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/random.h"
#include "parallel/collectives/all_to_all.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "parallel/wire/tape.h"
#include "tests/support/check.h"
#include "tests/support/child.h"
#include "tests/support/cluster.h"

enum { RANKS_MOST = 9, ROUNDS = 6, PROGRAMS = 80, WIDTH = 3 };

typedef enum { REAL_ROWS, STEPS, MEETINGS, WALKED } Way;

/* What a rank has at the end. */
typedef struct Outcome {
    double now, spent[PARTS], hidden[PARTS];
    uint64_t bytes[PURPOSES], messages[PURPOSES], across[PURPOSES];
    size_t peak[MEMORY_CATEGORIES], peak_total;
    WorkDone done[WORK_KINDS];
} Outcome;

typedef struct Program {
    int64_t seed;
    Way way;
    bool alike;                      /* all pairs have as many rows, and ranks compute as long */
    int met, stepped, hopped, links; /* all-to-alls, of all ranks; those that a late link may hold up */
    Device device[RANKS_MOST];
    Outcome outcome[RANKS_MOST];
} Program;

static int draw(const Program *p, int *at, int limit)
{
    return (int)random_below(p->seed, STREAM_TEXT_ORDER, 0, (uint64_t)(*at)++, (uint64_t)limit);
}

static void compute(const Program *p, Comm *comm, int round)
{
    double seconds =
        1e-5 * random_normal(p->seed, STREAM_WEIGHTS, p->alike ? 0 : (uint64_t)comm->rank, (uint64_t)round);
    if (seconds > 0) lanes_compute(comm->lanes, seconds);
}

/* As many for each; or any number, also none in every other program. */
static RowCounts draw_counts(const Program *p, int *at, int n, int64_t *rows)
{
    const int each = draw(p, at, 9), most = 1 + draw(p, at, 2000);
    if (p->alike || draw(p, at, 4) == 0) return (RowCounts){.each = each};
    for (int i = 0; i < n * n; i++) rows[i] = p->seed % 2 + draw(p, at, most) * draw(p, at, 2);
    return (RowCounts){.rows = rows, .turned = draw(p, at, 2)};
}

static void exchange(Program *p, int *at, Group *group, Device *device, int round)
{
    const int n = group->size, r = group->rank;
    int64_t *rows = allocate((size_t)(n * n) * sizeof *rows);
    const RowCounts counts = draw_counts(p, at, n, rows);
    Tensor out = tensor_new(device, MEM_ACTIVATIONS, REAL, rows_before_to(&counts, n, r, n) * WIDTH),
           in = tensor_new(device, MEM_ACTIVATIONS, REAL, rows_before_from(&counts, n, n, r) * WIDTH),
           part = tensor_new(device, MEM_GRADIENTS, REAL, 2520 * (1 + draw(p, at, 3)));
    AllToAll a;
    Collective ring;
    tensor_zero(out);
    tensor_zero(part);
    compute(p, group->comm, 2 * round);
    if (draw(p, at, 2)) { /* beside a ring, which takes the ports first, or after it */
        ring_all_gather_begin(&ring, group, ZERO_ALL_GATHER, &part, 1);
    } else
        ring = (Collective){0};
    all_to_all_begin(&a, group, MOE_DISPATCH, out, in, WIDTH, counts);
    p->met += a.meets;
    p->stepped += !a.meets && a.hops > 0;
    p->hopped += a.hops == 2;
    compute(p, group->comm, 2 * round + 1);
    if (draw(p, at, 2)) ring_end(&ring);
    all_to_all_end(&a);
    ring_end(&ring);
    tensor_free(&out), tensor_free(&in), tensor_free(&part);
    free(rows);
}

static void body(Comm *comm, void *context)
{
    Program *p = context;
    static CommBackend steps; /* the same of every rank */
    Device *device = &p->device[comm->rank];
    int at = 0;
    NetworkNode node = cluster_random((uint64_t)p->seed);
    LateLink slow = {.from = 0, .to = comm->size - 1, .every = 2, .seconds = 3e-5};
    Late late = {.link = slow, .holds = true};
    *device = (Device){.dry = p->way != REAL_ROWS};
    steps = *comm->backend;
    steps.come = NULL;
    if (p->way == REAL_ROWS || p->way == STEPS) comm->backend = &steps;
    comm->lanes = &device->lanes;
    comm->network = network_of(&node, (Placement){0}, ALL_REDUCE_RING);
    comm->network.all_to_all = (AllToAllWay)draw(p, &at, ALL_TO_ALLS);
    comm->network.taken = 0.1 * draw(p, &at, 3);
    if (!p->alike && draw(p, &at, 3) == 0) comm->late = &late, comm->lates = 1;
    p->links += comm->lates;
    comm_begin_step(comm);
    Group *group = group_world(comm, CHANNEL_DATA);
    for (int round = 0; round < ROUNDS; round++) exchange(p, &at, group, device, round);
    Outcome *o = &p->outcome[comm->rank];
    memset(o, 0, sizeof *o);
    o->now = device->lanes.now;
    memcpy(o->spent, device->lanes.spent, sizeof o->spent);
    memcpy(o->hidden, device->lanes.hidden, sizeof o->hidden);
    memcpy(o->bytes, comm->bytes, sizeof o->bytes);
    memcpy(o->messages, comm->messages, sizeof o->messages);
    memcpy(o->across, comm->across, sizeof o->across);
    memcpy(o->peak, device->peak, sizeof o->peak);
    o->peak_total = device->peak_total;
    memcpy(o->done, device->done, sizeof o->done);
    group_free(group);
    comm->lanes = NULL;
    comm->late = NULL;
    comm->lates = 0;
}

static Program run(int ranks, int64_t seed, Way way, bool alike)
{
    static const int first[] = {0};
    Program p = {.seed = seed, .way = way, .alike = alike};
    Error error;
    WalkedRanks walked = {
        .ranks = ranks, .count = way == WALKED ? 1 : ranks, .rank = way == WALKED ? first : NULL};
    bool ended = virtual_run_some(&walked, body, &p, &error);
    if (!ended) print_error("%s\n", error.text);
    assert_true(ended);
    return p;
}

static void meetings_take_as_long_as_steps(void **state)
{
    (void)state;
    int met = 0, stepped = 0, hopped = 0, links = 0;
    for (int64_t seed = 0; seed < PROGRAMS; seed++) {
        const int ranks = 2 + (int)(seed % (RANKS_MOST - 1));
        Program real_one = run(ranks, seed, REAL_ROWS, false), steps = run(ranks, seed, STEPS, false),
                meetings = run(ranks, seed, MEETINGS, false);
        assert_memory_equal(steps.outcome, real_one.outcome, sizeof steps.outcome);
        assert_memory_equal(meetings.outcome, real_one.outcome, sizeof steps.outcome);
        assert_true(steps.met + real_one.met == 0);
        met += meetings.met;
        stepped += meetings.stepped;
        hopped += meetings.hopped;
        links += meetings.links;
    }
    assert_true(met > 0 && stepped > 0 && hopped > 0 && links > 0);
}

/* Where all do the same: rank 0 for all of them. What leaves nodes is counted of all. */
static void one_stands_for_all(void **state)
{
    (void)state;
    int hopped = 0;
    for (int64_t seed = 0; seed < PROGRAMS; seed++) {
        const int ranks = 2 + (int)(seed % (RANKS_MOST - 1));
        const NetworkNode node = cluster_random((uint64_t)seed);
        if (ranks > node.devices && ranks % node.devices) continue; /* they are not alike */
        Program all = run(ranks, seed, MEETINGS, true), one = run(ranks, seed, WALKED, true);
        uint64_t across[2] = {one.outcome[0].across[MOE_DISPATCH], 0};
        for (int r = 0; r < ranks; r++) across[1] += all.outcome[r].across[MOE_DISPATCH];
        assert_true(across[0] == across[1]);
        memcpy(one.outcome[0].across, all.outcome[0].across, sizeof one.outcome[0].across);
        for (int r = 0; r < ranks; r++) {
            memcpy(all.outcome[r].across, all.outcome[0].across, sizeof all.outcome[r].across);
            assert_memory_equal(&all.outcome[r], &one.outcome[0], sizeof one.outcome[0]);
        }
        hopped += one.hopped;
    }
    assert_true(hopped > 0);
}

/* ---- tapes ---- */

/* A rank's. */
typedef struct Played {
    Device device;
    bool right;
} Played;

/* What is on a tape takes as long again, and counts as much. */
static void tape_body(Comm *comm, void *context)
{
    Played *played = (Played *)context + comm->rank;
    Device *device = &played->device;
    Tape tape;
    AllToAll a;
    comm->lanes = &device->lanes;
    comm->network = network_flat((Link){0.125, 0.001});
    comm_begin_step(comm);
    Group *group = group_world(comm, CHANNEL_DATA);
    const RowCounts counts = {.each = 4};
    Tensor rows = tensor_new(device, MEM_ACTIVATIONS, REAL, 4 * group->size);
    tape_record(&tape, comm);
    all_to_all_begin(&a, group, MOE_DISPATCH, rows, rows, 1, counts);
    lanes_compute(&device->lanes, 0.01);
    all_to_all_end(&a);
    const bool plays = tape_stop(&tape, comm);
    const double took = device->lanes.now;
    const uint64_t bytes = comm->bytes[MOE_DISPATCH], messages = comm->messages[MOE_DISPATCH];
    tape_play(&tape, comm);
    played->right = plays && took > 0.01 && fabs(device->lanes.now - 2 * took) < 1e-12 &&
                    comm->bytes[MOE_DISPATCH] == 2 * bytes && comm->messages[MOE_DISPATCH] == 2 * messages;
    tape_free(&tape);
    tensor_free(&rows);
    group_free(group);
    comm->lanes = NULL;
}

static void tapes_play_them(void **state)
{
    (void)state;
    Played played[4];
    Error error;
    for (int r = 0; r < 4; r++) played[r] = (Played){.device = {.dry = true}};
    assert_true(virtual_run(4, tape_body, played, &error));
    for (int r = 0; r < 4; r++) assert_true(played[r].right);
}

/* ---- refusals ---- */

static void walked_unevenly(Comm *comm, void *context)
{
    (void)context;
    static const int64_t rows[4] = {1, 2, 3, 4};
    Device device = {.dry = true};
    Group *group = group_world(comm, CHANNEL_DATA);
    Tensor out = tensor_new(&device, MEM_ACTIVATIONS, REAL, 3),
           in = tensor_new(&device, MEM_ACTIVATIONS, REAL, 4);
    AllToAll a;
    all_to_all_begin(&a, group, MOE_DISPATCH, out, in, 1, (RowCounts){.rows = rows});
}

static void stand_for_another(void *context)
{
    (void)context;
    static const int first[] = {0};
    Error error;
    virtual_run_some(&(WalkedRanks){.ranks = 2, .count = 1, .rank = first}, walked_unevenly, NULL, &error);
}

static void uneven_rows_are_walked_by_all(void **state)
{
    (void)state;
    char text[512];
    assert_int_equal(child_run(stand_for_another, NULL, text, sizeof text, NULL), 1);
    assert_non_null(
        strstr(text, "sim: rank 0 cannot stand for 2 ranks that send more or less than it; try --all-ranks"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meetings_take_as_long_as_steps),
        cmocka_unit_test(one_stands_for_all),
        cmocka_unit_test(tapes_play_them),
        cmocka_unit_test(uneven_rows_are_walked_by_all),
    };
    return cmocka_run_group_tests_name("all-to-all, dry", tests, NULL, NULL);
}
