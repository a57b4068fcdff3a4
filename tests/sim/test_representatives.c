/* test_representatives.c [large] - dry runs of which a few ranks are walked, each for all that do the same, and the
 * first of the passes that repeat, against those of which every rank and every pass is: on random grids and links, to
 * the last bit. `large`: grids up to 1,024 ranks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "models/machine/random.h"
#include "sim/run/representatives.h"
#include "sim/theory/theory.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/planned.h"

/* What a rank has after a step. */
typedef struct Outcome {
    bool walked;
    uint64_t bytes[PURPOSES], messages[PURPOSES], peak[MEMORY_CATEGORIES + 1];
    double now, spent[PARTS], busy[ROUTES];
    uint64_t across[PURPOSES]; /* of all that it stands for */
    WorkDone done[WORK_KINDS];
    TimelineRow *row; /* (rows) */
    int rows;
} Outcome;

typedef struct Dry {
    const Config *config;
    const Plan *plan;
    Link link;
    bool repeats;
    Outcome *outcome; /* [rank] */
} Dry;

static void body(Comm *comm, void *context)
{
    const Dry *dry = context;
    Error error;
    Trainer *t = trainer_new(dry->config, dry->plan, comm, NULL, true, NULL, &error);
    if (!t) fail("%s", error.text);
    data_parallel_initialise(t->data_parallel, 1);
    if (dry->config->hardware.profile == PROFILE_IDEAL) comm->network = network_flat(dry->link);
    if (!dry->repeats) {
        repeats_free(t->repeats);
        t->repeats = NULL;
    }
    trainer_step(t, 0, NULL, NULL);
    Outcome *o = &dry->outcome[comm->rank];
    *o = (Outcome){.walked = true, .now = t->device.lanes.now, .rows = t->rows};
    memcpy(o->bytes, comm->bytes, sizeof o->bytes);
    memcpy(o->messages, comm->messages, sizeof o->messages);
    for (int c = 0; c < MEMORY_CATEGORIES; c++) o->peak[c] = t->device.peak[c];
    o->peak[MEMORY_CATEGORIES] = t->device.peak_total;
    memcpy(o->spent, t->device.lanes.spent, sizeof o->spent);
    memcpy(o->done, t->device.done, sizeof o->done);
    memcpy(o->across, comm->across, sizeof o->across);
    for (Route route = 0; route < ROUTES; route++) o->busy[route] = comm_busy(comm, route);
    o->row = allocate((size_t)t->rows * sizeof *o->row);
    trainer_rows(t, &t->laps, 0, t->rows, o->row);
    trainer_free(t);
}

static Outcome *run(const Dry *dry, const WalkedRanks *walked)
{
    Dry mine = *dry;
    Error error;
    mine.outcome = allocate_zeroed((size_t)walked->ranks, sizeof *mine.outcome);
    bool ended = virtual_run_some(walked, body, &mine, &error);
    if (!ended) print_error("%s\n", error.text);
    assert_true(ended);
    return mine.outcome;
}

static void outcomes_free(Outcome *outcome, int ranks)
{
    for (int r = 0; r < ranks; r++) free(outcome[r].row);
    free(outcome);
}

static bool same_rows(const Outcome *a, const Outcome *b)
{
    for (int i = 0; i < a->rows; i++) {
        const TimelineRow *x = &a->row[i], *y = &b->row[i];
        if (strcmp(x->action, y->action) != 0 || x->stage != y->stage || x->microbatch != y->microbatch ||
            x->simulated_start != y->simulated_start || x->simulated_end != y->simulated_end ||
            x->recompute != y->recompute || x->communication != y->communication ||
            memcmp(x->memory, y->memory, sizeof x->memory) != 0 || x->memory_peak != y->memory_peak)
            return false;
    }
    return a->rows == b->rows;
}

static bool same_seconds(const double a[PARTS], const double b[PARTS])
{
    for (int i = 0; i < PARTS; i++)
        if (a[i] != b[i]) return false;
    return true;
}

static bool same(const Outcome *a, const Outcome *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0 &&
           memcmp(a->messages, b->messages, sizeof a->messages) == 0 &&
           memcmp(a->peak, b->peak, sizeof a->peak) == 0 && a->now == b->now &&
           a->busy[ROUTE_INSIDE] == b->busy[ROUTE_INSIDE] && a->busy[ROUTE_ACROSS] == b->busy[ROUTE_ACROSS] &&
           same_seconds(a->spent, b->spent) && same_rows(a, b);
}

/* Work is that of the rank's own: of the norm and the optimizer data replicas have each their part. */
static bool same_work(const Outcome *a, const Outcome *b)
{
    for (int k = 0; k < WORK_KINDS; k++) {
        const WorkDone *x = &a->done[k], *y = &b->done[k];
        if (x->kernels != y->kernels || x->flops != y->flops || x->bytes != y->bytes ||
            x->products != y->products || x->again != y->again)
            return false;
    }
    return true;
}

/* Bytes that leave nodes, of all ranks, whichever are walked; and by the formula from those that are. */
static void same_links(const char *what, const Dry *dry, const Outcome *all, const Outcome *some,
                       const WalkedRanks *few)
{
    double formula[ROUTES][PURPOSES] = {{0}};
    for (int i = 0; i < few->count; i++)
        theory_links(dry->config, dry->plan, few->ranks, few->rank[i],
                     (i + 1 < few->count ? few->rank[i + 1] : few->ranks) - few->rank[i], formula);
    for (int p = 0; p < PURPOSES; p++) {
        uint64_t sum[2] = {0}, sent = 0;
        for (int r = 0; r < few->ranks; r++) {
            sum[0] += all[r].across[p];
            sum[1] += some[r].walked ? some[r].across[p] : 0;
            sent += all[r].bytes[p];
        }
        double across = formula[ROUTE_ACROSS][p], inside = formula[ROUTE_INSIDE][p];
        if ((p == MOE_DISPATCH || p == MOE_COMBINE) && isnan(across))
            fail_msg("%s: no formula of %s by its links", what, purpose_row[p].name);
        if (sum[0] != sum[1])
            fail_msg("%s: %llu bytes of %s leave nodes, by those who stand for all %llu", what,
                     (unsigned long long)sum[0], purpose_row[p].name, (unsigned long long)sum[1]);
        if (!isnan(across) && (rint(across) != (double)sum[0] || rint(inside) != (double)(sent - sum[0])))
            fail_msg("%s: %llu of %llu bytes of %s leave nodes, by the formula %g and %g stay", what,
                     (unsigned long long)sum[0], (unsigned long long)sent, purpose_row[p].name, across,
                     inside);
    }
}

/* Every rank against the one that stands for it, and every pass. Returns how many are walked. */
static int compare(const char *what, Dry dry, int ranks)
{
    WalkedRanks few = representatives_of(dry.config, ranks, false), every = {ranks, ranks, NULL};
    Outcome *all = run(&dry, &every);
    dry.repeats = true;
    Outcome *some = run(&dry, &few), *repeated = run(&dry, &every);
    for (int r = 0, by = 0; r < ranks; r++) {
        if (some[r].walked) by = r;
        if (!same(&all[r], &repeated[r]) || !same_work(&all[r], &repeated[r]))
            fail_msg("%s on %d ranks: rank %d's passes do not repeat", what, ranks, r);
        if (!same(&all[r], &some[by]) || !same_work(&repeated[by], &some[by]))
            fail_msg("%s on %d ranks: rank %d is not as rank %d, which stands for it", what, ranks, r, by);
    }
    same_links(what, &dry, all, some, &few);
    outcomes_free(all, ranks);
    outcomes_free(some, ranks);
    outcomes_free(repeated, ranks);
    free((void *)few.rank);
    return few.count;
}

/* ---- a schedule of its own ---- */

/* Backwards whole and in halves by turns: of B and of I another pass repeats. */
static void whole_and_in_halves(void **state)
{
    (void)state;
    static const char text[] = "0F0,0F1,0F2,0F3,0F4,0F5,0I0,0W0,0B1,0I2,0W2,0B3,0I4,0W4,0B5\n"
                               "1F0,1F1,1F2,1F3,1F4,1F5,1I0,1W0,1B1,1I2,1W2,1B3,1I4,1W4,1B5\n";
    Case c = case_of_words(1, "model.layers=4 model.hidden=24 model.heads=4 model.ffn=64 model.sequence=16 "
                              "train.global_batch=24 train.microbatch=2 parallel.pp=2 parallel.tp=2 "
                              "parallel.schedule=own.csv hardware.profile=slow.ini");
    Planned p;
    Error error;
    c.schedule = text;
    if (!planned_case(&p, c, 8, &error)) fail_msg("%s", error.text);
    compare("B, and I and W", (Dry){.config = &p.config, .plan = &p.plan}, 8);
    planned_free(&p);
}

/* Loads of experts over trees, whose leaves send less, beside gradients that go round. */
static void loads_over_trees(void **state)
{
    (void)state;
    static const char *const balance[] = {"moe.balance=bias",
                                          "moe.balance=auxiliary moe.balance_scope=global_batch"};
    for (int i = 0; i < 2; i++) {
        Planned p =
            planned_words(8,
                          "model.layers=4 model.hidden=24 model.heads=4 model.sequence=16 moe.experts=8 "
                          "moe.ffn=64 train.global_batch=8 parallel.data=zero1 "
                          "hardware.profile=slow.ini node.devices=2 hardware.all_reduce=tree %s",
                          balance[i]);
        compare(balance[i], (Dry){.config = &p.config, .plan = &p.plan}, 8);
        planned_free(&p);
    }
}

/* Latents, and what is as wide as the model, that tensor ranks do not divide: blocks of them differ. */
static void latents_of_any_width(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int walked; /* of 8 ranks, two stages */
    } grids[] = {{"parallel.tp=2", 2},
                 {"parallel.tp=2 parallel.sequence_parallel=yes", 2},
                 {"parallel.tp=2 parallel.sequence_parallel=yes model.hidden=63", 8},
                 {"parallel.tp=2 parallel.sequence_parallel=yes model.q_lora_rank=23", 8},
                 {"parallel.tp=2 parallel.sequence_parallel=yes model.kv_lora_rank=31", 8},
                 {"parallel.tp=2 model.hidden=63 model.sequence=31 train.microbatch=1", 8},
                 {"parallel.tp=4 model.q_lora_rank=0", 2},
                 {"parallel.tp=4 model.sequence=31 train.microbatch=1 model.qk_rope_head_dim=6", 8}};
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        Planned p = planned_words(
            8, "model.preset=mla-tiny model.layers=4 train.global_batch=16 parallel.pp=2 %s", grids[i].words);
        assert_int_equal(compare(grids[i].words, (Dry){.config = &p.config, .plan = &p.plan}, 8),
                         grids[i].walked);
        planned_free(&p);
    }
}

/* ---- random grids ---- */

typedef struct Draw {
    int64_t seed;
    int at;
} Draw;

static int draw(Draw *d, int limit)
{
    return (int)random_below(d->seed, STREAM_TEXT_ORDER, 0, (uint64_t)d->at++, (uint64_t)limit);
}

/* One of the words of a list. */
static const char *word(Draw *d, const char *const *words)
{
    int count = 0;
    while (words[count]) count++;
    return words[draw(d, count)];
}

#define MACHINE                                         \
    " hardware.profile=slow.ini software.launch_us=2e4" \
    " software.launch_backward_us=7e4 software.step_ms=90"

static Case draw_case(Draw *d, int *ranks, int most)
{
    static const char *const data[] = {"dp", "ddp", "zero1", "zero2", "zero3", NULL},
                             *const schedule[] = {"naive", "gpipe", "1f1b", "zb-h1", "interleaved", NULL},
                             *const recompute[] = {"none", "selective", "full", NULL},
                             *const extra[] = {"model.norm=rmsnorm",      "model.bias=no",
                                               "model.kv_heads=2",        "model.kv_heads=1 model.bias=yes",
                                               "model.attention=flash",   "model.dropout=0.1",
                                               "model.tie_embeddings=no", "train.optimizer=sgd",
                                               "model.vocab=61",          NULL},
                             *const precision[] = {"fp32", "fp32", "bf16", "fp16", NULL},
                             *const sums[] = {"ring", "ring", "hierarchical", "tree", "auto", NULL};
    static const int sizes[] = {1, 1, 2, 4, 8};
    int pp, tp, dp;
    do pp = sizes[draw(d, 4)], tp = sizes[draw(d, 5)], dp = 1 + draw(d, 8);
    while (pp * tp * dp > most);
    if (most > 64)
        while (2 * pp * tp * dp <= most) dp *= 2;
    const char *kind = word(d, data), *list = pp == 1 ? "1f1b" : word(d, schedule);
    bool interleaved = strcmp(list, "interleaved") == 0, sp = tp > 1 && draw(d, 2);
    int m = pp * (1 + draw(d, 3)) + (interleaved ? 0 : draw(d, 3));
    const char *dtype = sizeof(real) == 4 ? word(d, precision) : "fp32", *how = word(d, recompute);
    bool on_machine = draw(d, 3) > 0;
    bool quantizes = strcmp(kind, "dp") != 0 && draw(d, 4) == 0;
    bool scatters = tp > 1 && pp > 1 && !sp && draw(d, 2);
    static const char *const overlap[] = {"", "", " parallel.tensor_overlap=bulk",
                                          " parallel.tensor_overlap=pipelined parallel.tensor_pieces=3",
                                          NULL};
    const char *beside = tp > 1 ? overlap[draw(d, sp ? 4 : 3)] : "";
    char nodes[256] = "";
    if (on_machine)
        snprintf(
            nodes, sizeof nodes,
            " node.devices=%d node.cards=%d node.collectives=%s hardware.order=%s hardware.all_reduce=%s "
            "node.taken=0.3 software.sender_waits=%s",
            draw(d, 4) ? 1 << draw(d, 4) : 3, 1 + draw(d, 4), draw(d, 2) ? "ideal" : "nccl-ampere",
            draw(d, 2) ? "tp-dp-pp" : "dp-tp-pp", word(d, sums), draw(d, 2) ? "yes" : "no");
    *ranks = pp * tp * dp;
    /* replicas that share experts or not, whose choices divide by these or not, and their counts by the replicas */
    static const char *const experts[] = {
        "moe.experts=8",
        "moe.experts=8 moe.capacity_factor=1.25 moe.every=2",
        "moe.experts=8 moe.dispatch=all_gather",
        "moe.experts=24", /* of which a few have a row more, on each rank */
        "moe.experts=24 model.sequence=15",
        "moe.experts=8 moe.balance=bias moe.every=8",
        "moe.experts=8 moe.balance=auxiliary moe.balance_scope=global_batch",
        ("moe.experts=24 moe.balance=bias moe.balance_coefficient=0.1 moe.groups=2 "
         "moe.communication_coefficient=0.1 moe.balance_scope=global_batch"),
        NULL};
    static const char *const ways[] = {"straight", "hierarchical", "auto", NULL};
    char moe[256] = "";
    int ep = draw(d, 2) ? 1 : dp % 8 == 0 ? 8 : dp % 4 == 0 ? 4 : dp % 2 == 0 ? 2 : 1;
    if (ep > 1) {
        const char *words = word(d, experts), *way = word(d, ways);
        const bool moves = on_machine && !strstr(words, "all_gather");
        snprintf(moe, sizeof moe, " moe.ffn=64 parallel.ep=%d %s%s%s", ep, words,
                 moves ? " hardware.all_to_all=" : "", moves ? way : "");
    }
    static const char *const loads[] = {"moe.balance=bias",
                                        "moe.balance=auxiliary moe.balance_scope=global_batch", NULL};
    if (ep == 1 && draw(d, 4) == 0) snprintf(moe, sizeof moe, " moe.ffn=64 moe.experts=8 %s", word(d, loads));
    if (strstr(moe, "global_batch")) { /* all forwards first */
        list = "gpipe", interleaved = false;
        if (pp == 1) m = 1;
    }
    bool whole = strcmp(kind, "zero1") == 0 || strcmp(kind, "zero2") == 0, later = whole && draw(d, 2);
    return case_of_words(
        1,
        "model.layers=8 model.hidden=24 model.heads=8 model.ffn=64 model.sequence=16 train.global_batch=%d "
        "train.precision=%s train.recompute=%s %s%s%s parallel.data=%s parallel.pp=%d "
        "parallel.tp=%d%s%s%s%s%s%s%s%s%s",
        m * dp, dtype, how, word(d, extra), on_machine ? MACHINE : "", nodes, kind, pp, tp,
        sp         ? " parallel.sequence_parallel=yes"
        : scatters ? " parallel.scatter_messages=yes"
                   : "",
        beside, pp > 1 ? " parallel.schedule=" : "", pp > 1 ? list : "",
        interleaved ? " parallel.virtual_stages=2" : "", quantizes ? " parallel.quantize=gradients" : "",
        strcmp(kind, "dp") == 0 || strcmp(kind, "zero3") == 0 ? "" : " parallel.bucket_mb=0.02",
        later ? " parallel.gather=forward" : "", moe);
}

/* Returns whether the config was one at all. */
static bool compare_drawn(int64_t seed, int most, int *stood_for)
{
    Draw d = {.seed = seed};
    int ranks;
    Case c = draw_case(&d, &ranks, most);
    char what[1024] = "";
    for (int i = 0; c.sets[i]; i++)
        snprintf(what + strlen(what), sizeof what - strlen(what), " %s", c.sets[i]);
    Planned p;
    Error error;
    const bool is = planned_case(&p, c, ranks, &error);
    if (is) {
        Dry dry = {.config = &p.config, .plan = &p.plan};
        dry.link = (Link){draw(&d, 3) * 0.01, draw(&d, 3) * 1e-5};
        *stood_for += ranks - compare(what, dry, ranks);
        planned_free(&p);
    } else if (seed < 0) {
        print_error("%s: %s\n", what, error.text);
    }
    return is;
}

static int cases = 120, most_ranks = 64;

static void one_rank_stands_for_those_that_do_the_same(void **state)
{
    (void)state;
    int compared = 0, stood_for = 0;
    for (int64_t seed = 1; seed <= cases; seed++) compared += compare_drawn(seed, most_ranks, &stood_for);
    printf("# %d of %d grids; of %d ranks another was walked\n", compared, cases, stood_for);
    assert_true(2 * compared > cases);
    assert_true(stood_for > 7 * compared);
}

/* As many stages as a grid can have are looked at one by one, not each against each other. */
static void of_many_stages(void **state)
{
    (void)state;
    enum { RANKS = 65536, STAGES = 32768 };
    Config *c = allocate_zeroed(1, sizeof *c);
    c->model.shape = (GptShape){.layers = STAGES, .hidden = 8, .heads = 1, .kv_heads = 1};
    c->parallel.kind = DATA_DDP;
    c->tensor.size = c->expert.size = 1;
    c->pipeline.size = STAGES;
    c->hardware.profile = PROFILE_MACHINE;
    c->node = (NetworkNode){.devices = 8, .cards = 8, .link_gb = 300, .card_gb = 25};
    clock_t began = clock();
    WalkedRanks few = representatives_of(c, RANKS, false);
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 2);
    assert_int_equal(few.count, STAGES); /* the first of two replicas: both lie alike over the nodes */
    free((void *)few.rank);
    /* of four stages side by side, replica by replica, nodes of three hold 0 1 2, 3 and 0, 1 2, 3; of four all */
    c->pipeline.size = c->model.shape.layers = 4;
    c->hardware.order = ORDER_PP_DP_TP;
    for (int devices = 3; devices <= 4; devices++) {
        c->node.devices = devices;
        few = representatives_of(c, 8, false);
        assert_int_equal(few.count, devices == 4 ? 4 : 8);
        free((void *)few.rank);
    }
    free(c);
}

/* Of choices that go round 64 replicas each has as many, however many experts there are; else the first have one more. */
static void of_many_experts(void **state)
{
    (void)state;
    enum { RANKS = 4096 };
    static const struct {
        const char *sequence;
        int walked;
    } grids[] = {{"model.sequence=32", 1}, {"model.sequence=33", RANKS}};
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        Planned p =
            planned_words(RANKS, "moe.experts=65536 moe.ffn=8 parallel.ep=64 train.global_batch=4096 %s",
                          grids[i].sequence);
        WalkedRanks few = representatives_of(&p.config, RANKS, false);
        assert_int_equal(few.count, grids[i].walked);
        free((void *)few.rank);
        planned_free(&p);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_stands_for_those_that_do_the_same),
        cmocka_unit_test(whole_and_in_halves),
        cmocka_unit_test(loads_over_trees),
        cmocka_unit_test(latents_of_any_width),
        cmocka_unit_test(of_many_stages),
        cmocka_unit_test(of_many_experts),
    };
    if (argc > 1) cases = 60, most_ranks = 1024;
    return cmocka_run_group_tests_name("ranks that stand for others", tests, NULL, NULL);
}
