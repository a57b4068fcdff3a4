/* ranks_expert_parallel.c - replicas that share each layer's experts: they begin with the weights that one rank has, and
 * train as it does, bytes and memory as the formulas say, under every strategy, beside tensor parallelism and pipelines. On
 * virtual ranks in this process; under mpirun on the ranks it was given. */
#include <stdio.h>
#include <string.h>
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/reshard.h"

enum { STEPS = 3 };
#ifdef SIM_DOUBLE
static const double APART = 1e-12;
#else
static const double APART = 1e-4;
#endif
#define MODEL                                                                                       \
    "model.hidden=24 model.sequence=12 moe.experts=12 moe.first_dense=1 model.layers=4 moe.ffn=12 " \
    "moe.balance=auxiliary moe.balance_scope=sequence moe.balance_coefficient=0.1 moe.z_loss=0.01 "
static const char *const STRATEGIES[] = {"dp", "ddp", "zero1", "zero2", "zero3"};
enum { STRATEGY_COUNT = sizeof STRATEGIES / sizeof *STRATEGIES };

typedef struct Split {
    int ranks;
    const char *words;
} Split;

static const Split SPLITS[] = {
    {2, "parallel.ep=2"},
    {4, "parallel.ep=2"},
    {3, "parallel.ep=3"},
    {4, "parallel.ep=4"},
    {4, "parallel.ep=2 parallel.tp=2"},
    {8, "parallel.ep=2 parallel.tp=2 parallel.sequence_parallel=yes"},
    {8, "parallel.ep=2 parallel.pp=2 parallel.schedule=zb-h1"},
    {4, "parallel.ep=4 hardware.profile=slow.ini hardware.all_to_all=hierarchical"},
    {8, "parallel.ep=4 parallel.pp=2 hardware.profile=slow.ini hardware.all_to_all=auto node.card_us=6e4"},
    {4, "parallel.ep=4 moe.dispatch=all_gather"},
    {8, "parallel.ep=2 parallel.tp=2 parallel.pp=2 moe.dispatch=all_gather train.recompute=full"},
};
enum { SPLIT_COUNT = sizeof SPLITS / sizeof *SPLITS };

/* Each rank draws its own experts, and files have those of all. */
static void experts_begin_as_on_one_rank(void **state)
{
    (void)state;
    for (int i = 0; i < SPLIT_COUNT; i++)
        for (int s = 0; s < STRATEGY_COUNT; s++) {
            Case truth = case_of_words(0, MODEL),
                 c = case_of_words(0, MODEL "parallel.data=%s %s", STRATEGIES[s], SPLITS[i].words);
            if (ranks_fit(SPLITS[i].ranks)) {
                run_truth(&truth);
                bool looks = run_case(&c, SPLITS[i].ranks);
                if (c.refused[0]) fail_msg("%s: %s", SPLITS[i].words, c.refused);
                if (looks && memcmp(truth.weights, c.weights, (size_t)truth.parameters * sizeof(real)) != 0)
                    fail_msg("%s %s: other weights", STRATEGIES[s], SPLITS[i].words);
            }
            case_free(&truth);
            case_free(&c);
        }
}

/* Losses, every expert's gradient and the norm, what is sent and what is held; dry, too. */
static void train_as_on_one_rank(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "moe.capacity_factor=1.5 moe.shared_experts=1", "",
        "moe.router=sigmoid moe.groups=4 moe.groups_limited=2 moe.normalise_top_k=yes train.recompute=full"};
    for (int i = 0; i < SPLIT_COUNT; i++)
        for (int s = 0; s < STRATEGY_COUNT; s++) {
            char what[200];
            const char *kind = kinds[(i + s) % 3];
            snprintf(what, sizeof what, "%s %s %s", STRATEGIES[s], SPLITS[i].words, kind);
            if (!ranks_fit(SPLITS[i].ranks)) continue;
            Case truth = case_of_words(STEPS, MODEL "%s", kind),
                 c = case_of_words(STEPS, MODEL "%s parallel.data=%s %s", kind, STRATEGIES[s],
                                   SPLITS[i].words);
            run_truth(&truth);
            agrees_also_dry(&truth, &c, what, SPLITS[i].ranks);
            case_free(&truth);
        }
}

/* A checkpoint of four replicas that share experts, and of one rank, under others. */
static void goes_on_under_another_ep(void **state)
{
    (void)state;
    static const int from[] = {RESHARD_SPLITS, RESHARD_SPLITS + 1, RESHARD_SPLITS + 2};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        Reshard r = {.from = from[i], .numbers = ""};
        if (stops_is_first()) reshard_begin(&r, from[i], "");
        stops_meet();
        for (int to = RESHARD_SPLITS; to < RESHARD_ALL; to++) {
            Reread got;
            if (!ranks_fit(reshard_split[to].ranks) || !reshard_read(&r, to, &got)) continue;
            bool near = got.loss <= APART && got.norm <= APART && got.gradients <= APART;
            if (!got.read || !got.same || !near || r.unbroken > APART)
                fail_msg("%s read by %s: %s, %s; loss %g, norm %g, gradients %g apart; %g",
                         reshard_split[from[i]].words, reshard_split[to].words, got.read ? "read" : got.error,
                         got.same ? "the same file" : "another file", got.loss, got.norm, got.gradients,
                         r.unbroken);
        }
        stops_meet();
        if (stops_is_first()) reshard_end(&r);
    }
}

static int begin(void **state)
{
    (void)state;
    return stops_begin();
}

static int end(void **state)
{
    (void)state;
    return stops_end();
}

int ranks_expert_parallel(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experts_begin_as_on_one_rank),
        cmocka_unit_test(train_as_on_one_rank),
        cmocka_unit_test(goes_on_under_another_ep),
    };
    return cmocka_run_group_tests_name("expert_parallel", tests, begin, end);
}
