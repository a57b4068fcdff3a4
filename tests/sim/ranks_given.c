/* ranks_given.c - a dry run that is given what experts took in a step of a real one is that step: the bytes, memory and
 * simulated seconds of every rank, and what its file has of experts, to the last bit.
 *
 * On virtual ranks in this process, and under mpirun on the ranks it was given. */
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/random.h"
#include "sim/base/words.h"
#include "sim/run/routing_record.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/seconds.h"

#define MODEL                                                                                           \
    "model.layers=4 model.hidden=24 model.heads=12 model.sequence=12 train.global_batch=24 moe.ffn=12 " \
    "moe.experts=8 hardware.profile=slow.ini software.launch_us=2e4 "

/* What rank 0 has of a step. */
typedef struct Told {
    Seconds seconds;
    RoutingRecord routing;
    MeshShape mesh;
    int microbatches;
    const AssumedLoad *given; /* the dry run's */
} Told;

static int64_t begin(Trainer *t, void *context)
{
    t->assumed = ((Told *)context)->given;
    return 0;
}

static void look(Trainer *t, const StepResult *result, void *context)
{
    Told *told = context;
    Group *world = group_world(t->comm, CHANNEL_CONTROL);
    RoutingRecord r = routing_record_gather(t, world);
    seconds_look(t, result, &told->seconds);
    if (t->comm->rank == 0)
        told->routing = r, told->mesh = t->mesh.shape, told->microbatches = t->microbatches;
    group_free(world);
}

/* Of a record what assumed_rows.h makes of it in a file. */
static AssumedLoad given_of(const Told *told, const GptShape *shape)
{
    const size_t E = (size_t)shape->experts.count, L = (size_t)shape->layers, dp = (size_t)told->mesh.dp,
                 m = (size_t)told->microbatches;
    AssumedLoad a = {.rows = allocate_zeroed(m * dp * L * E, sizeof *a.rows),
                     .chosen = allocate_zeroed(L * E, sizeof *a.chosen)};
    const int32_t *from = told->routing.row.rows;
    size_t found = 0;
    for (size_t l = 0; l < L; l++) {
        if (!has_experts(shape, (int64_t)l + 1)) continue;
        memcpy(a.chosen + l * E, told->routing.row.load + found++ * E, E * sizeof *a.chosen);
        for (size_t r = 0; r < dp; r++)
            for (size_t k = 0; k < m; k++, from += E)
                memcpy(a.rows + ((k * dp + r) * L + l) * E, from, E * sizeof *from);
    }
    return a;
}

static void same_routing(const Told *run, const Told *dry, const GptShape *shape)
{
    const size_t layers = (size_t)layers_with_experts(shape, 1, shape->layers),
                 E = (size_t)shape->experts.count;
    const RoutingRow *a = &run->routing.row, *b = &dry->routing.row;
    assert_memory_equal(a->load, b->load, layers * E * sizeof *a->load);
    assert_memory_equal(a->imbalance, b->imbalance, layers * sizeof *a->imbalance);
    assert_memory_equal(a->dropped, b->dropped, layers * sizeof *a->dropped);
    assert_memory_equal(a->moved, b->moved, layers * sizeof *a->moved);
    assert_memory_equal(a->rows, b->rows,
                        layers * (size_t)(run->mesh.dp * run->microbatches) * E * sizeof *a->rows);
}

static void told_free(Told *told)
{
    seconds_free(&told->seconds);
    routing_record_free(&told->routing);
}

static void is_that_step(const char *words, int ranks)
{
    if (!ranks_fit(ranks)) return;
    Told told = {.given = NULL}, again = {.given = NULL};
    Case c = case_of_words(1, MODEL "%s", words), dry = case_of_words(1, MODEL "%s", words);
    c.look = dry.look = look, c.context = &told, dry.context = &again;
    c.reads_clock = dry.dry = true;
    dry.begin = begin;
    bool looks = run_case(&c, ranks);
    if (c.refused[0]) fail_msg("%s: %s", words, c.refused);
    if (looks) {
        Config config;
        Error error;
        assert_true(case_config(&c, &config, &error));
        AssumedLoad given = given_of(&told, &config.model.shape);
        again.given = &given;
        assert_true(case_virtual(&dry, ranks));
        c.moves_rows = c.room_varies = false; /* now there is nothing that is not the same */
        if (!case_dry_equals(&c, &dry, words, ranks)) fail_msg("%s", words);
        seconds_same(&told.seconds, &again.seconds, ranks);
        same_routing(&told, &again, &config.model.shape);
        assumed_load_free(&given);
        config_free(&config);
    }
    told_free(&told);
    told_free(&again);
    case_free(&c);
    case_free(&dry);
}

static void a_dry_run_of_its_rows_is_that_step(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
    } grids[] = {
        {"parallel.ep=2", 2},
        {"parallel.ep=3 moe.experts=6 train.microbatch=2", 3},
        {"moe.experts=6 moe.capacity_factor=1", 4},
        {"train.microbatch=3", 4}, /* each has all, and its own to do */
        {"parallel.ep=2 train.microbatch=2 parallel.data=zero3 moe.first_dense=1", 4},
        {"parallel.ep=4 moe.dispatch=all_gather train.microbatch=3", 4},
        {"parallel.ep=4 moe.shared_experts=1 parallel.overlap=no", 4},
        {"parallel.ep=2 parallel.tp=2 train.microbatch=4 moe.balance=bias", 4},
        {"parallel.pp=2 parallel.ep=2 train.microbatch=3 moe.capacity_factor=1.1 moe.balance_scope=sequence",
         4},
        {"parallel.pp=2 parallel.ep=4 train.microbatch=3 parallel.schedule=gpipe train.recompute=full", 8},
        {"parallel.pp=2 parallel.ep=2 parallel.tp=2 train.microbatch=3 parallel.schedule=zb-h1", 8},
        {"parallel.ep=4 node.devices=2 hardware.all_to_all=hierarchical train.microbatch=3", 8},
        {"parallel.ep=8 moe.drop_policy=probability moe.capacity_factor=0.9 train.recompute=full", 8},
    };
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) is_that_step(grids[g].words, grids[g].ranks);
}

/* ---- whatever the grid ---- */

typedef struct Draw {
    int64_t seed;
    int at;
} Draw;

static int draw(Draw *d, int limit)
{
    return (int)random_below(d->seed, STREAM_TEXT_ORDER, 0, (uint64_t)d->at++, (uint64_t)limit);
}

/* Adds one of the words of a list. */
static void add(Draw *d, char *words, size_t size, const char *const *list)
{
    int count = 0;
    while (list[count]) count++;
    words_append(words, size, "%s", list[draw(d, count)]);
}

/* Returns on how many ranks. */
static int draw_words(Draw *d, char *words, size_t size)
{
    static const char *const
        data[] = {" parallel.data=dp",    " parallel.data=ddp",   " parallel.data=zero1",
                  " parallel.data=zero2", " parallel.data=zero3", NULL},
        *const schedule[] = {" parallel.schedule=gpipe", " parallel.schedule=1f1b",
                             " parallel.schedule=zb-h1",
                             " parallel.schedule=interleaved parallel.virtual_stages=2", NULL},
        *const recompute[] = {"", " train.recompute=selective", " train.recompute=full", NULL},
        *const capacity[] = {"", " moe.capacity_factor=1", " moe.capacity_factor=1.3",
                             " moe.capacity_factor=1 moe.drop_policy=probability", NULL},
        *const scope[] = {"", " moe.balance_scope=sequence", NULL},
        *const dispatch[] = {"", "", " moe.dispatch=all_gather", NULL},
        *const balance[] = {"", " moe.balance=bias", " moe.balance=auxiliary", NULL},
        *const layers[] = {"",  " moe.every=2", " moe.first_dense=1", " moe.shared_experts=1", " moe.top_k=1",
                           NULL},
        *const nodes[] = {"", " node.devices=2", " node.devices=4", NULL},
        *const overlap[] = {"", " parallel.overlap=no", NULL};
    int pp = 1 + draw(d, 2), tp = 1 + draw(d, 2), dp = pp * tp == 4 ? 2 : 2 << draw(d, 2), each = 24 / dp;
    int ep = 1 << draw(d, dp == 2 ? 2 : 3), m = pp == 2 ? 2 : 1 + draw(d, 3);
    bool main = false, load = false;
    words[0] = '\0';
    add(d, words, size, data);
    main = strstr(words, "=dp") != NULL;
    if (pp > 1) add(d, words, size, schedule);
    add(d, words, size, recompute);
    add(d, words, size, capacity);
    load = strstr(words, "capacity") != NULL;
    add(d, words, size, balance);
    load |= strstr(words, "auxiliary") != NULL;
    if (load) add(d, words, size, scope);
    add(d, words, size, layers);
    add(d, words, size, nodes);
    if (ep > 1) add(d, words, size, dispatch);
    if (!main) add(d, words, size, overlap);
    words_append(words, size, " parallel.pp=%d parallel.tp=%d parallel.ep=%d train.microbatch=%d", pp, tp, ep,
                 each / (m * (1 + draw(d, 2))));
    return pp * tp * dp;
}

static void whatever_the_grid(void **state)
{
    (void)state;
    for (int64_t seed = 0; seed < 24; seed++) {
        Draw d = {seed, 0};
        char words[512];
        int ranks = draw_words(&d, words, sizeof words);
        is_that_step(words, ranks);
    }
}

int ranks_given(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_run_of_its_rows_is_that_step),
        cmocka_unit_test(whatever_the_grid),
    };
    return cmocka_run_group_tests_name("given loads", tests, NULL, NULL);
}
