/* ranks_batch_loads.c - losses of the load of a whole global batch: the same under every split and in microbatches of any
 * size as of all samples at once, which are one microbatch there; bytes, memory and dry runs by the formulas. On virtual
 * ranks in this process; under mpirun on the ranks it was given. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "sim/run/routing_record.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/ranks.h"

enum { STEPS = 3 };
/* Loads that are far from even, so that those of a part are others; 24 samples. */
#define MODEL                                                                                       \
    "model.hidden=24 model.sequence=12 moe.experts=12 moe.first_dense=1 model.layers=4 moe.ffn=12 " \
    "moe.groups=3 moe.groups_limited=2 moe.balance_coefficient=0.3 moe.device_coefficient=0.2 "     \
    "moe.communication_coefficient=0.1 moe.z_loss=0.01 train.clip=0 "
static const char *const KINDS[] = {
    "moe.balance=auxiliary",
    "moe.balance=bias moe.bias_step=0.05 moe.router=sigmoid moe.normalise_top_k=yes moe.shared_experts=1",
    "moe.balance=auxiliary model.dropout=0.1 train.recompute=full"};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

typedef struct Split {
    int ranks;
    const char *words;
} Split;

static const Split SPLITS[] = {
    {1, "train.microbatch=1 parallel.schedule=gpipe"},
    {1, "train.microbatch=2 parallel.schedule=gpipe"},
    {1, "train.microbatch=4 parallel.schedule=gpipe train.recompute=full"},
    {1, "train.microbatch=12 parallel.schedule=gpipe train.recompute=selective"},
    {2, "parallel.data=ddp train.microbatch=0"},
    {3, "parallel.data=dp train.microbatch=2 parallel.schedule=gpipe"},
    {4, "parallel.data=zero1 train.microbatch=3 parallel.schedule=gpipe"},
    {4, "parallel.tp=2 parallel.data=zero2 train.microbatch=4 parallel.schedule=gpipe train.recompute=full"},
    {4, "parallel.tp=2 parallel.sequence_parallel=yes train.microbatch=6 parallel.schedule=gpipe"},
    {4, "parallel.pp=4 train.microbatch=4 parallel.schedule=gpipe train.recompute=full"},
    {8, "parallel.pp=2 parallel.tp=2 parallel.data=zero3 train.microbatch=3 parallel.schedule=gpipe"},
    {4, "parallel.pp=2 parallel.schedule=zb-h1 train.microbatch=0"},
    {4, "parallel.ep=4 parallel.data=zero3 train.microbatch=2 parallel.schedule=gpipe"},
    {4, "parallel.ep=2 moe.dispatch=all_gather parallel.data=zero2 train.microbatch=0"},
    {8, "parallel.ep=2 parallel.tp=2 parallel.pp=2 train.microbatch=1 parallel.schedule=gpipe"},
    {8, "parallel.ep=4 parallel.pp=2 parallel.data=zero1 train.microbatch=3 parallel.schedule=1f1b "
        "train.global_batch=12"},
};
enum { SPLIT_COUNT = sizeof SPLITS / sizeof *SPLITS };

/* Recorded, on rank 0: of the first step, and of the last. */
typedef struct Told {
    double first, last;
    int steps;
} Told;

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Told *told = context;
    Group *world = group_world(t->comm, CHANNEL);
    RoutingRecord r = routing_record_gather(t, world);
    if (t->comm->rank == 0) {
        if (told->steps++ == 0) told->first = r.row.balance_loss;
        told->last = r.row.balance_loss;
    }
    routing_record_free(&r);
    group_free(world);
}

#ifdef SIM_DOUBLE
static const double APART = 1e-12;
#else
static const double APART = 1e-4;
#endif

static void assert_same_losses(const Told *one, const Told *told, const char *what)
{
    bool near = fabs(told->first - one->first) <= APART * one->first &&
                fabs(told->last - one->last) <= 10 * APART * one->last;
    if (!near || told->steps != STEPS || one->steps != STEPS || one->first < 0.5)
        fail_msg("%s: losses of loads %.17g and %.17g, unsplit %.17g and %.17g", what, told->first,
                 told->last, one->first, one->last);
}

/* The truth knows no global batch: all samples on one rank are one microbatch. */
static void as_one_microbatch_of_all(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++)
        for (int i = 0; i < SPLIT_COUNT; i++) {
            const char *words = SPLITS[i].words, *batch = strstr(words, "train.global_batch");
            char what[256];
            Told one = {.steps = 0}, told = {.steps = 0};
            snprintf(what, sizeof what, "%s, %s", KINDS[k], words);
            if (!ranks_fit(SPLITS[i].ranks)) continue;
            if (strstr(KINDS[k], "recompute") && strstr(words, "recompute")) continue;
            Case truth = case_of_words(STEPS, MODEL "%s train.microbatch=0 %s", KINDS[k], batch ? batch : ""),
                 c = case_of_words(STEPS, MODEL "%s moe.balance_scope=global_batch %s", KINDS[k], words);
            truth.look = c.look = look, truth.context = &one, c.context = &told;
            run_truth(&truth);
            agrees(&truth, &c, what, SPLITS[i].ranks);
            if (truth.loss) assert_same_losses(&one, &told, what);
            case_free(&truth);
            case_free(&c);
        }
}

/* The same numbers of a part of the batch would be others: a microbatch's, and one replica's. */
static void a_part_is_not_the_whole(void **state)
{
    (void)state;
    static const Split parts[] = {{1, "train.microbatch=4 parallel.schedule=gpipe"},
                                  {2, "train.microbatch=0"}};
    for (int i = 0; i < 2; i++) {
        if (mpi && mpi->rank > 0) return;
        Case truth = case_of_words(1, MODEL "%s train.microbatch=0", KINDS[0]),
             c = case_of_words(1, MODEL "%s %s", KINDS[0], parts[i].words);
        assert_true(case_virtual(&truth, 1) && case_virtual(&c, parts[i].ranks));
        case_compare(&truth, &c);
        assert_true(c.gradients_apart > 1e-3);
        case_free(&truth);
        case_free(&c);
    }
}

/* A dry run counts what the real one does. */
static void dry_as_real(void **state)
{
    (void)state;
    for (int i = 0; i < SPLIT_COUNT; i++) {
        if (mpi && mpi->rank > 0) return;
        const char *words = SPLITS[i].words;
        Case c = case_of_words(1, MODEL "%s moe.balance_scope=global_batch %s", KINDS[1], words), dry = c;
        dry.dry = true;
        dry.text = NULL;
        assert_true(case_virtual(&c, SPLITS[i].ranks) && case_virtual(&dry, SPLITS[i].ranks));
        assert_true(case_dry_equals(&c, &dry, words, SPLITS[i].ranks));
        case_free(&dry);
        case_free(&c);
    }
}

int ranks_batch_loads(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_one_microbatch_of_all),
        cmocka_unit_test(a_part_is_not_the_whole),
        cmocka_unit_test(dry_as_real),
    };
    return cmocka_run_group_tests_name("batch_loads", tests, NULL, NULL);
}
