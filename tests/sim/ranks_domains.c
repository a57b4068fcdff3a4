/* ranks_domains.c - every other unit in a domain of its own: with the same group nothing changes, to the last bit, but
 * the order in which norms are summed; with a part of the group, where the other parts take part by adding their
 * gradients first, training goes as it does on one rank. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"
#include "parallel/data/kept.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { STEPS = 3, RANKS = 4, PLACES = 2, RANKS_MOST = 8 };
static const char *const STRATEGIES[] = {"dp", "ddp", "zero1", "zero2", "zero3"};
enum { STRATEGY_COUNT = sizeof STRATEGIES / sizeof *STRATEGIES };

static Case make_case(int strategy, const char *sets)
{
    return case_of_words(STEPS, "parallel.data=%s train.microbatch=2 %s", STRATEGIES[strategy], sets);
}

/* Whether the strategy takes all of the words. */
static bool takes(int strategy, const char *sets)
{
    char words[200], *rest;
    bool all = true;
    snprintf(words, sizeof words, "%s", sets);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        all &= case_data_takes(STRATEGIES[strategy], word);
    return all;
}

/* ---- two domains ---- */

/* Makes what a trainer has of its model anew, each second unit in a domain with these groups. */
static void divide(Trainer *t, DomainGroups second, UnitComplete *complete)
{
    const DataParallel d = *t->data_parallel;
    const DomainGroups groups[] = {{.group = d.group}, second};
    data_parallel_free(t->data_parallel);
    for (int u = 0; u < t->gpt->units; u++) t->gpt->unit[u].domain = u % 2;
    t->data_parallel = data_parallel_new(&(DataParallelOptions){.config = &d.config,
                                                                .optimizer = &d.optimizer,
                                                                .gpt = t->gpt,
                                                                .gradient_dtype = d.gradient_dtype,
                                                                .groups = groups,
                                                                .domains = 2,
                                                                .microbatches = d.microbatches,
                                                                .complete = complete,
                                                                .batch = d.batch,
                                                                .batch_context = d.batch_context});
    data_parallel_initialise(t->data_parallel, t->config->train.seed);
}

static int64_t divide_alike(Trainer *t, void *context)
{
    (void)context;
    divide(t, (DomainGroups){.group = t->mesh.data_group}, t->data_parallel->complete);
    return 0;
}

/* ---- the same group ---- */

/* Bytes, but for the norm's, which is a sum for each domain; and what is held from step to step. */
static void counts_as(const Case *one, const Case *two, const char *what, int ranks)
{
    static const int held[] = {MEM_PARAMETERS, MEM_GRADIENTS, MEM_OPTIMIZER};
    for (int r = 0; r < ranks; r++) {
        for (int p = 0; p < PURPOSES; p++)
            if (two->bytes[r][p] != (p == ZERO_NORM ? 2 : 1) * one->bytes[r][p])
                fail_msg("%s: rank %d sends %llu bytes of %s, and %llu in one domain", what, r,
                         (unsigned long long)two->bytes[r][p], purpose_row[p].name,
                         (unsigned long long)one->bytes[r][p]);
        for (int i = 0; i < 3; i++) assert_int_equal(two->peak[r][held[i]], one->peak[r][held[i]]);
    }
}

static void one_of_each(int strategy, const char *sets, int ranks)
{
    char what[240];
    Case one = make_case(strategy, sets), two = make_case(strategy, sets), dry = make_case(strategy, sets);
    two.begin = dry.begin = divide_alike;
    dry.dry = true;
    snprintf(what, sizeof what, "%s %s on %d ranks", STRATEGIES[strategy], sets, ranks);
    bool looks = run_case(&one, ranks);
    run_case(&two, ranks);
    if (one.refused[0] || two.refused[0]) fail_msg("%s: %s%s", what, one.refused, two.refused);
    if (looks) {
        if (!case_same_bits(&one, &two)) fail_msg("%s: other bits in two domains", what);
        assert_below(fabs(two.grad_norm / one.grad_norm - 1), 1e-14);
        counts_as(&one, &two, what, ranks);
        assert_true(case_virtual(&dry, ranks) && case_dry_equals(&two, &dry, what, ranks));
    }
    case_free(&one);
    case_free(&two);
    case_free(&dry);
}

/* Nothing is clipped, which would be by the norm. */
static void the_same_bits_in_two(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "",
        "parallel.overlap=no parallel.bucket_mb=25",
        "parallel.gather=forward parallel.bucket_mb=0",
        "parallel.reduce=step",
        "parallel.tp=2 parallel.sequence_parallel=yes model.hidden=24 model.sequence=12",
        "parallel.pp=2 parallel.schedule=zb-h1",
        "parallel.pp=2 model.tie_embeddings=no model.position=rope",
#ifndef SIM_DOUBLE
        "train.precision=bf16 train.gradients=same parallel.reduce_fp32=yes",
        "train.precision=fp16 train.optimizer=momentum",
#endif
    };
    static const int virtual_ranks[] = {1, 3, 4};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (int s = 0; s < STRATEGY_COUNT; s++)
            for (int n = 0; n < 3; n++) {
                char words[200];
                bool halves = strstr(sets[i], "tp=2") || strstr(sets[i], "pp=2");
                if (!takes(s, sets[i]) || !ranks_fit(virtual_ranks[n]) || (halves && virtual_ranks[n] % 2))
                    continue;
                snprintf(words, sizeof words, "train.clip=0 %s", sets[i]);
                one_of_each(s, words, virtual_ranks[n]);
            }
}

static void the_same_bits_quantised(void **state)
{
    (void)state;
    for (int s = 1; s < STRATEGY_COUNT && ranks_fit(RANKS); s++) {
        one_of_each(s, "train.clip=0 parallel.quantize=gradients", RANKS);
        if (s > 1) one_of_each(s, "train.clip=0 parallel.quantize=both", RANKS);
    }
}

/* ---- a part of the group ---- */

/* Of a rank, those that have its place among neighbours, and its neighbours; known by its model, which is all that
 * UnitComplete is told. */
typedef struct Parts {
    const Gpt *gpt;
    Group *group, *others;
} Parts;
static Parts parts[RANKS_MOST];

static Parts *parts_of(const Gpt *gpt)
{
    int i = 0;
    while (parts[i].gpt != gpt) i++;
    return &parts[i];
}

static Parts *make_parts(Trainer *t)
{
    const int n = t->comm->size, rank = t->comm->rank, place = rank % PLACES;
    int alike[RANKS_MOST], beside[PLACES];
    for (int i = 0; i < n / PLACES; i++) alike[i] = i * PLACES + place;
    for (int i = 0; i < PLACES; i++) beside[i] = rank - place + i;
    parts[rank] = (Parts){t->gpt, group_new(t->comm, CHANNELS, alike, n / PLACES),
                          group_new(t->comm, CHANNELS + 1, beside, PLACES)};
    return &parts[rank];
}

static void end_parts(Comm *comm, void *context)
{
    (void)context;
    Parts *p = &parts[comm->rank];
    group_free(p->group);
    group_free(p->others);
    *p = (Parts){.gpt = NULL};
}

/* So that a gradient of the second domain is of the tokens of all its neighbours, as an expert's is that they have
 * sent theirs to. */
static void add_neighbours(const Gpt *gpt, int unit, Tensor gradient)
{
    Collective ring;
    if (gpt->unit[unit].domain == 0) return;
    ring_all_reduce_begin(&ring, parts_of(gpt)->others, TP_GRADIENTS, &gradient, 1);
    ring_end(&ring);
}

/* Here all neighbours hold the same in the end, so the norm has each value once without their part. */
static int64_t divide_in_parts(Trainer *t, void *context)
{
    (void)context;
    divide(t, (DomainGroups){.group = make_parts(t)->group}, add_neighbours);
    return 0;
}

/* Clipped, so that every update knows of every gradient. */
static void parts_of_the_group_train_as_one_rank(void **state)
{
    (void)state;
#ifdef SIM_DOUBLE
    const double tolerance = 1e-12;
#else
    const double tolerance = 1e-5;
#endif
    static const char *const sets[] = {"", "parallel.overlap=no", "parallel.bucket_mb=0",
                                       "parallel.gather=forward", "parallel.reduce=step"};
    static const int ranks[] = {4, 6};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (int s = 0; s < STRATEGY_COUNT; s++)
            for (int n = 0; n < 2; n++) {
                if (!takes(s, sets[i]) || !ranks_fit(ranks[n])) continue;
                Case truth = make_case(s, sets[i]), c = make_case(s, sets[i]);
                c.begin = divide_in_parts;
                c.end = end_parts;
                run_truth(&truth);
                bool looks = run_case(&c, ranks[n]);
                if (looks) case_compare(&truth, &c);
                if (looks &&
                    !(c.loss_apart < tolerance && c.gradients_apart < tolerance && c.norm_apart < tolerance))
                    fail_msg("%s %s on %d ranks: loss %g, gradients %g, norm %g apart", STRATEGIES[s],
                             sets[i], ranks[n], c.loss_apart, c.gradients_apart, c.norm_apart);
                assert_true(!c.refused[0]);
                case_free(&truth);
                case_free(&c);
            }
}

/* ---- each value once ---- */

/* Of the second domain the neighbours' units are others: what is summed, and kept, of all. */
typedef struct Once {
    double expected, found; /* the norm's square, on rank 0 */
    double twice, never;    /* values of all groups that several of their ranks keep, or none */
} Once;

/* Where a flat is whole all ranks have the same: of the second domain those of a place. */
static void fill(Tensor t, int value)
{
    for (int64_t i = 0; i < t.count; i++) reals(t)[i] = (real)value;
}

static double count_of(const Gpt *gpt, int domain)
{
    double count = 0;
    for (int u = 0; u < gpt->units; u++)
        if (gpt->unit[u].domain == domain) count += (double)gpt->unit[u].count;
    return count;
}

/* How many of its group's ranks keep each value of a unit. */
static void count_keepers(const DataParallel *d, int which, int unit, Once *once)
{
    Group *group = d->unit[unit].domain->groups.group;
    struct {
        int64_t first, count;
    } own = {.first = 0}, all[RANKS_MOST];
    Tensor kept = kept_alone(d, which, unit, &own.first);
    own.count = kept.device ? kept.count : 0;
    gather(group, CONTROL, &own, sizeof own, all, 0);
    for (int64_t i = 0; i < d->unit[unit].padded && group->rank == 0; i++) {
        int keepers = 0;
        for (int r = 0; r < group->size; r++) keepers += i >= all[r].first && i < all[r].first + all[r].count;
        once->twice += keepers > 1;
        once->never += keepers < 1;
    }
}

static int64_t look_at_parts(Trainer *t, void *context)
{
    const Parts *p = make_parts(t);
    Once once = {.twice = 0};
    divide(t, (DomainGroups){p->group, p->others}, t->data_parallel->complete);
    const DataParallel *d = t->data_parallel;
    fill(d->domain[0].gradients, 1);
    fill(d->domain[1].gradients, 2 + p->others->rank);
    once.expected = count_of(t->gpt, 0) + (2 * 2 + 3 * 3) * count_of(t->gpt, 1);
    once.found = data_parallel_sum_of_squares(d, false) + data_parallel_sum_of_squares(d, true);
    for (int u = 0; u < t->gpt->units; u++)
        for (int which = 0; which < OPTIMIZER_STATES; which++) count_keepers(d, which, u, &once);
    once.twice = sum_in_rank_order(d->group, CONTROL, &t->device, once.twice);
    once.never = sum_in_rank_order(d->group, CONTROL, &t->device, once.never);
    if (t->comm->rank == 0) *(Once *)context = once;
    return STEPS; /* no step is taken */
}

static void each_value_of_every_part_once(void **state)
{
    (void)state;
    static const char *const sets[] = {"", "parallel.reduce=step"};
    static const int ranks[] = {4, 6};
    for (int i = 0; i < 2; i++)
        for (int s = 0; s < STRATEGY_COUNT; s++)
            for (int n = 0; n < 2; n++) {
                Once once = {.expected = -1};
                if (!takes(s, sets[i]) || !ranks_fit(ranks[n])) continue;
                Case c = make_case(s, sets[i]);
                c.begin = look_at_parts;
                c.end = end_parts;
                c.context = &once;
                if (run_case(&c, ranks[n])) {
                    if (once.found != once.expected || once.twice || once.never)
                        fail_msg("%s %s on %d ranks: %g of %g, %g values kept twice and %g by nobody",
                                 STRATEGIES[s], sets[i], ranks[n], once.found, once.expected, once.twice,
                                 once.never);
                }
                assert_true(!c.refused[0]);
                case_free(&c);
            }
}

int ranks_domains(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bits_in_two),
        cmocka_unit_test(the_same_bits_quantised),
        cmocka_unit_test(parts_of_the_group_train_as_one_rank),
        cmocka_unit_test(each_value_of_every_part_once),
    };
    return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
