/* test_cluster.c - steps of whole models on clusters of nodes: what must hold whatever the numbers, and what the keys
 * that need many ranks change. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/random.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { RANKS_MOST = 16 };

/* Of the last step. */
typedef struct Seen {
    int ranks;
    double step, spent[PARTS], hidden[PARTS]; /* the slowest rank's end; of all ranks together */
} Seen;

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Seen *seen = context;
    const Lanes *lanes = &t->device.lanes;
    double sum = 0;
    seen->ranks++;
    seen->step = fmax(seen->step, lanes->now);
    for (int p = 0; p < PARTS; p++) {
        sum += lanes->spent[p];
        seen->spent[p] += lanes->spent[p];
        seen->hidden[p] += lanes->hidden[p];
    }
    if (!(fabs(sum - lanes->now) <= 1e-12 * lanes->now)) seen->step = (double)NAN;
}

/* A dry step on so many ranks; `extra` comes last, and so outranks. */
static Seen walk(const char *words, const char *extra, int ranks)
{
    Seen seen = {0};
    Case c = case_of_words(1, "hardware.profile=slow.ini %s %s", words, extra);
    c.dry = true;
    c.look = look;
    c.context = &seen;
    if (!case_virtual(&c, ranks)) fail_msg("%s %s on %d ranks: %s", words, extra, ranks, c.refused);
    case_free(&c);
    assert_int_equal(seen.ranks, ranks);
    assert_true(seen.step > 0);
    return seen;
}

/* ---- properties ---- */

#define MODEL                                                                                             \
    "model.layers=4 model.hidden=24 model.heads=12 model.ffn=36 model.sequence=12 train.global_batch=48 " \
    "train.microbatch=1 "

typedef struct Drawn {
    char words[1024];
    int tp, pp, dp;
} Drawn;

static int draw(uint64_t seed, uint64_t *at, int n)
{
    return (int)random_below(seed, STREAM_WEIGHTS, 0, (*at)++, (uint64_t)n);
}

static Drawn random_run(uint64_t seed)
{
    static const char *const data[] = {"ddp", "zero1", "zero2", "zero3"},
                             *const carrier[] = {"ideal", "nccl-volta", "nccl-ampere", "nccl-hopper"},
                             *const order[] = {"tp-dp-pp", "tp-pp-dp", "dp-tp-pp",
                                               "dp-pp-tp", "pp-tp-dp", "pp-dp-tp"},
                             *const sums[] = {"ring", "hierarchical", "tree", "auto"};
    uint64_t at = 0;
#define DRAW(n) draw(seed, &at, n)
    Drawn d = {.tp = 1 << DRAW(3), .pp = 1 << DRAW(2), .dp = 1 << DRAW(3)};
    while (d.tp * d.pp * d.dp > RANKS_MOST) d.dp /= 2;
    int devices = 1 << DRAW(4), cards = 1 + DRAW(8), kind = DRAW(4), sp = d.tp > 1 && DRAW(2);
    int link = 1 + DRAW(40), card = 1 + DRAW(20), nccl = DRAW(4), any = DRAW(2), way = DRAW(6),
        taken = DRAW(11), recompute = DRAW(2), sum = DRAW(4), waits = DRAW(2), later = DRAW(2);
#undef DRAW
    snprintf(
        d.words, sizeof d.words,
        MODEL "parallel.tp=%d parallel.pp=%d parallel.data=%s %s%s%s node.devices=%d node.cards=%d "
              "node.link_gb=%de-5 node.card_gb=%de-5 node.any_card=%s node.collectives=%s hardware.order=%s "
              "node.taken=%g hardware.all_reduce=%s software.sender_waits=%s train.recompute=%s",
        d.tp, d.pp, data[kind],
        kind == 0  ? "parallel.bucket_mb=0.01 "
        : kind < 3 ? later ? "parallel.bucket_mb=0.01 parallel.gather=forward " : "parallel.bucket_mb=0.01 "
                   : "",
        sp ? "parallel.sequence_parallel=yes " : "", d.pp > 1 ? "parallel.schedule=1f1b" : "", devices, cards,
        link, card, any ? "yes" : "no", carrier[nccl], order[way], 0.1 * taken, sums[sum],
        waits ? "yes" : "no", recompute ? "full" : "none");
    return d;
}

static void no_slower(const Seen *a, const Seen *b, const char *than, const Drawn *d)
{
    if (!(a->step <= b->step * (1 + 1e-9)))
        fail_msg("%s: a step takes %.9g s, with %s %.9g s", d->words, a->step, than, b->step);
}

static void exposes_no_more(const Seen *a, const Seen *b, const char *than, const Drawn *d)
{
    double seconds = a->spent[PART_TP_EXPOSED], limit = b->spent[PART_TP_EXPOSED];
    if (!(seconds <= limit * (1 + 1e-9)))
        fail_msg("%s: %.9g s exposed, %s %.9g s", d->words, seconds, than, limit);
}

/* In bulk a step is no slower, nor is more of it waited for; by pieces nothing more is waited for, where a piece takes
 * its part of what all of them take (NCCL may carry small ones another way) and nothing of what is computed beside it.
 * But their products have fewer full tiles.
 * Returns whether both hid something; `waits` did not. */
static bool tensor_overlap_exposes_no_more(const Drawn *d, const Seen *waits, int ranks)
{
    Seen bulk = walk(d->words, "parallel.tensor_overlap=bulk", ranks);
    no_slower(&bulk, waits, "parallel.tensor_overlap = none", d);
    exposes_no_more(&bulk, waits, "waiting", d);
    assert_true(waits->hidden[PART_TP_EXPOSED] == 0);
    if (!strstr(d->words, "sequence_parallel=yes")) return bulk.hidden[PART_TP_EXPOSED] > 0;
#define ALONE "node.collectives=ideal node.taken=0 "
    char pieces[128];
    snprintf(pieces, sizeof pieces, ALONE "parallel.tensor_overlap=pipelined parallel.tensor_pieces=%d",
             1 + ranks % 4);
    Seen by_pieces = walk(d->words, pieces, ranks),
         at_once = walk(d->words, ALONE "parallel.tensor_overlap=bulk", ranks);
    exposes_no_more(&by_pieces, &at_once, "in bulk", d);
    return bulk.hidden[PART_TP_EXPOSED] > 0 && by_pieces.hidden[PART_TP_EXPOSED] > 0;
}

/* Overlap exposes no more than none; half of a bandwidth is never faster, where nothing
 * is taken of what is computed beside (what is waited for takes nothing); what cannot occur is exactly zero. */
static void whatever_the_numbers(void **state)
{
    (void)state;
    int hid = 0, beside = 0;
    for (uint64_t seed = 0; seed < 24; seed++) {
        Drawn d = random_run(seed);
        int ranks = d.tp * d.pp * d.dp;
        Seen own = walk(d.words, "", ranks), apart = walk(d.words, "parallel.overlap=no", ranks),
             free_beside = walk(d.words, "node.taken=0", ranks),
             slow_links = walk(d.words, "node.taken=0 node.link_share=0.5", ranks),
             slow_cards = walk(d.words, "node.taken=0 node.card_share=0.5 node.message_share=0.5", ranks);
        no_slower(&own, &apart, "parallel.overlap = no", &d);
        no_slower(&free_beside, &slow_links, "half of the links", &d);
        no_slower(&free_beside, &slow_cards, "half of the cards", &d);
        const double dp = own.spent[PART_DP_EXPOSED], tp = own.spent[PART_TP_EXPOSED];
        if (!(dp <= apart.spent[PART_DP_EXPOSED] * (1 + 1e-9)) && d.pp == 1 && d.tp == 1)
            fail_msg("%s: exposed %.9g s, without overlap %.9g s", d.words, dp, apart.spent[PART_DP_EXPOSED]);
        assert_true((d.tp > 1) == (tp > 0) && (d.tp > 1 || own.hidden[PART_TP_EXPOSED] == 0));
        assert_true(d.dp > 1 || (dp == 0 && own.hidden[PART_DP_EXPOSED] == 0));
        assert_true(d.pp > 1 || own.spent[PART_PP_IDLE] + own.spent[PART_PP_WIRE] == 0);
        assert_true(apart.hidden[PART_DP_EXPOSED] == 0);
        hid += own.hidden[PART_DP_EXPOSED] > 0;
        if (d.tp > 1) beside += tensor_overlap_exposes_no_more(&d, &own, ranks);
    }
    assert_true(hid > 8 && beside > 8);
}

/* ---- what the keys change ---- */

/* Sums over nodes of two, in a hierarchy and over trees: of gradients, of the activations of a tensor group that lies
 * across, of heads that several ranks hold. Trained, against one rank; and the bytes against the formula. */
static void sums_over_nodes_train(const char *how)
{
    static const struct {
        const char *words;
        int ranks;
    } runs[] = {{"parallel.data=ddp", 6},
                {"parallel.data=ddp", 8},
                {"parallel.data=ddp parallel.tp=2 node.devices=4", 8},
                {"parallel.data=ddp parallel.pp=2 parallel.schedule=1f1b parallel.bucket_mb=0.01", 8},
                {"parallel.data=zero1 parallel.tp=4", 4},
                {"parallel.data=ddp parallel.tp=4 parallel.sequence_parallel=yes", 4},
                {"parallel.data=ddp parallel.tp=4 model.kv_heads=1 model.heads=4", 4}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        const char *words = runs[i].words;
#define ON                                                                          \
    "model.hidden=24 model.ffn=36 model.sequence=12 model.heads=%s model.vocab=20 " \
    "hardware.profile=slow.ini %s"
        const char *heads = strstr(words, "model.heads") ? "4" : "12";
        Case truth = case_of_words(3, ON, heads, strstr(words, "kv_heads") ? "model.kv_heads=1" : ""),
             ring = case_of_words(3, ON, heads, words),
             c = case_of_words(3, ON " hardware.all_reduce=%s", heads, words, how);
        if (!case_virtual(&truth, 1) || !case_virtual(&ring, runs[i].ranks) ||
            !case_virtual(&c, runs[i].ranks))
            fail_msg("%s: %s%s%s", words, truth.refused, ring.refused, c.refused);
        case_compare(&truth, &c);
        assert_true(fmax(c.loss_apart, fmax(c.gradients_apart, c.norm_apart)) <
                    (sizeof(real) == 4 ? 1e-4 : 1e-12));
        for (int r = 0; r < runs[i].ranks; r++)
            for (int p = 0; p < PURPOSES; p++)
                if (purpose_row[p].axis != AXIS_NONE && (double)c.bytes[r][p] != c.theory[r][p])
                    fail_msg("%s: rank %d sends %llu bytes of %s, by the formula %g", words, r,
                             (unsigned long long)c.bytes[r][p], purpose_row[p].name, c.theory[r][p]);
        assert_true(strcmp(how, "auto") == 0 || !case_same_bits(&ring, &c));
        case_free(&truth);
        case_free(&ring);
        case_free(&c);
    }
}

static void hierarchical_sums_train_as_rings_do(void **state)
{
    (void)state;
    sums_over_nodes_train("hierarchical");
}

static void sums_over_trees_train_as_rings_do(void **state)
{
    (void)state;
    sums_over_nodes_train("tree");
    sums_over_nodes_train("auto");
}

/* Rows to experts in two hops over nodes: what arrives is the same, so what is learned is, to the bit; what is sent is by the
 * formula where the load is even, and where latencies are long it takes less. */
static void rows_in_two_hops_train_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
    } runs[] = {{"parallel.ep=4 node.devices=2", 4},
                {"parallel.ep=4 node.devices=2 parallel.data=zero2 moe.capacity_factor=1.5", 8},
                {"parallel.ep=4 parallel.tp=2 node.devices=4 moe.shared_experts=1", 8},
                {"parallel.ep=8 node.devices=4 train.recompute=full moe.top_k=3", 8}};
#define EXPERTS MODEL "hardware.profile=slow.ini moe.experts=8 "
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (int automatic = 0; automatic < 2; automatic++) {
            const char *words = runs[i].words;
            const int ranks = runs[i].ranks;
            Case straight = case_of_words(2, EXPERTS "%s", words),
                 hops = case_of_words(2, EXPERTS "%s hardware.all_to_all=%s", words,
                                      automatic ? "auto" : "hierarchical");
            if (!case_virtual(&straight, ranks) || !case_virtual(&hops, ranks))
                fail_msg("%s: %s%s", words, straight.refused, hops.refused);
            assert_true(case_same_bits(&straight, &hops));
            uint64_t sent[2] = {0, 0};
            for (int r = 0; r < ranks; r++) {
                sent[0] += straight.bytes[r][MOE_DISPATCH];
                sent[1] += hops.bytes[r][MOE_DISPATCH];
            }
            assert_true(automatic || (sent[1] > sent[0] && sent[1] <= 2 * sent[0]));
            case_free(&straight);
            case_free(&hops);
        }
    const char *grid = MODEL "moe.experts=8 parallel.ep=8 node.devices=4 node.card_us=1e6";
    Seen straight = walk(grid, "", 8), hops = walk(grid, "hardware.all_to_all=hierarchical", 8),
         sooner = walk(grid, "hardware.all_to_all=auto", 8);
    assert_true(hops.step < straight.step && sooner.step == hops.step);
    assert_true(hops.spent[PART_EP_EXPOSED] < straight.spent[PART_EP_EXPOSED]);
}

/* Parts of a message over slow cards, and gathered over links inside the node. */
static void messages_in_parts(void **state)
{
    (void)state;
    const char *grid = MODEL "parallel.tp=4 parallel.pp=2 parallel.schedule=1f1b node.devices=4 node.cards=4 "
                             "node.card_gb=1e-6 node.link_us=0";
    Seen whole = walk(grid, "", 8), parts = walk(grid, "parallel.scatter_messages=yes", 8);
    assert_true(parts.spent[PART_PP_WIRE] < whole.spent[PART_PP_WIRE] / 2 && parts.step < whole.step);
    assert_true(parts.spent[PART_TP_EXPOSED] > whole.spent[PART_TP_EXPOSED]);
}

/* In a step of tensor parallelism alone ranks go in step: what bulk hides is what it does not wait for. */
static void bulk_hides_what_it_does_not_wait_for(void **state)
{
    (void)state;
    for (int sp = 0; sp < 2; sp++)
        for (int full = 0; full < 2; full++) {
            char grid[512];
            snprintf(grid, sizeof grid,
                     MODEL "parallel.tp=4 node.devices=4 node.link_gb=%s train.recompute=%s "
                           "parallel.sequence_parallel=%s",
                     full ? "4e-5" : "4e-4", full ? "full" : "none", sp ? "yes" : "no");
            Seen waits = walk(grid, "", 4), bulk = walk(grid, "parallel.tensor_overlap=bulk", 4),
                 taken = walk(grid, "parallel.tensor_overlap=bulk node.taken=0.25", 4);
            const Part tp = PART_TP_EXPOSED;
            double hidden = bulk.hidden[tp], all = waits.spent[tp];
            assert_true(hidden > all / 8 && hidden < all);
            assert_below(fabs(bulk.spent[tp] + hidden - all), 1e-9 * all);
            assert_below(fabs(waits.step - bulk.step - hidden / 4), 1e-9 * waits.step); /* of four ranks */
            assert_below(fabs(taken.step - bulk.step - 0.25 * hidden / 4), 1e-9 * waits.step);
        }
}

/* Which groups lie in a node, which cards they reach, who adds. */
static void places_and_switches(void **state)
{
    (void)state;
    const char *grid = MODEL "parallel.data=ddp parallel.tp=2 node.devices=4 node.cards=4 node.card_gb=1e-6";
    Seen inside = walk(grid, "", 8), outside = walk(grid, "hardware.order=dp-tp-pp", 8),
         any = walk(grid, "node.any_card=yes", 8), sums = walk(grid, "hardware.all_reduce=hierarchical", 8);
    assert_true(inside.spent[PART_TP_EXPOSED] < outside.spent[PART_TP_EXPOSED]);
    assert_true(inside.spent[PART_DP_EXPOSED] >
                outside.spent[PART_DP_EXPOSED]); /* four replicas fill a node */
    assert_true(any.step < inside.step && sums.step < inside.step);
    const char *node = MODEL "parallel.data=ddp parallel.tp=4 node.devices=4 node.collectives=nccl-hopper";
    Seen ring = walk(node, "", 4), adds = walk(node, "node.switch_gb=1", 4);
    assert_true(adds.step < ring.step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_numbers),
        cmocka_unit_test(hierarchical_sums_train_as_rings_do),
        cmocka_unit_test(rows_in_two_hops_train_the_same),
        cmocka_unit_test(messages_in_parts),
        cmocka_unit_test(bulk_hides_what_it_does_not_wait_for),
        cmocka_unit_test(sums_over_trees_train_as_rings_do),
        cmocka_unit_test(places_and_switches),
    };
    return cmocka_run_group_tests_name("clusters", tests, NULL, NULL);
}
