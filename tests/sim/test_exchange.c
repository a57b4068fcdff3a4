/* test_exchange.c - rows to experts over nodes, straight, in two hops, or whichever takes less of each: bytes that every rank
 * sends and room that it has for what it passes on, counted and by the formulas, of rows that tokens chose and of even
 * loads. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "models/machine/random.h"
#include "sim/theory/theory.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/planned.h"

enum { CASES = 30, MICROBATCHES = 3, WORDS = 1024 };

typedef struct Draw {
    uint64_t seed, at;
} Draw;

static int draw(Draw *d, int limit)
{
    return (int)random_below((int64_t)d->seed, STREAM_WEIGHTS, 0, d->at++, (uint64_t)limit);
}

/* Nothing but rows to experts is on its way while they are, so that peaks are those of one or of the other. */
static int draw_words(Draw *d, char words[WORDS])
{
    static const int shares[] = {2, 4, 4, 6, 8};
    static const char
        *const data[] = {"dp", "ddp parallel.overlap=no", "zero1 parallel.overlap=no"},
               *const kinds[] = {"", "moe.capacity_factor=1.2", "moe.shared_experts=1 moe.every=2",
                                 "moe.capacity_factor=1.05 moe.balance=auxiliary "
                                 "moe.balance_scope=sequence moe.balance_coefficient=0.1"},
               *const recompute[] = {"none", "full"}, *const carrier[] = {"ideal", "nccl-ampere"};
    const int ep = shares[draw(d, 5)], tp = 1 + (ep < 6 && draw(d, 2)),
              dp = ep < 6 ? ep * (1 + draw(d, 2)) : ep, kind = draw(d, 4), b = 1 + kind / 2,
              full = draw(d, 2), devices = tp * (draw(d, 3) ? 2 : 3), nccl = draw(d, 2),
              hidden = 48 + 48 * draw(d, 2), sequence = 16 + draw(d, 8), top_k = 1 + draw(d, 3),
              way = draw(d, 3), card_us = 1000 * (1 + draw(d, 400)), link_us = 1000 * (1 + draw(d, 200));
    snprintf(words, WORDS,
             "hardware.profile=slow.ini model.layers=3 model.hidden=%d model.heads=4 model.ffn=20 "
             "model.sequence=%d train.microbatch=%d train.global_batch=%d moe.experts=%d moe.ffn=12 "
             "moe.top_k=%d parallel.ep=%d parallel.tp=%d parallel.data=%s train.recompute=%s node.devices=%d "
             "node.card_us=%d node.link_us=%d node.collectives=%s %s",
             hidden, sequence, b, MICROBATCHES * dp * b, 2 * ep, top_k, ep, tp, data[way], recompute[full],
             devices, card_us, link_us, carrier[nccl], kinds[kind]);
    return dp * tp;
}

static Case run(const char *words, const char *way, bool dry, int ranks)
{
    Case c = case_of_words(1, "%s hardware.all_to_all=%s", words, way);
    c.dry = dry;
    if (!case_virtual(&c, ranks)) fail_msg("%s, %s: %s", words, way, c.refused);
    if (!case_counts(&c, words, ranks)) fail_msg("%s, %s: counted otherwise", words, way);
    return c;
}

/* Where none may hop that is refused, and `auto` goes straight. */
static Case run_hops(const char *words, bool dry, int ranks)
{
    Case c = case_of_words(0, "%s hardware.all_to_all=hierarchical", words);
    c.dry = true;
    const bool hops = case_virtual(&c, ranks);
    if (!hops &&
        !strstr(c.refused, "so that all rows go straight; try hardware.all_to_all = straight, or auto"))
        fail_msg("%s: %s", words, c.refused);
    case_free(&c);
    return run(words, hops ? "hierarchical" : "auto", dry, ranks);
}

static uint64_t sent(const Case *c, int ranks)
{
    uint64_t sum = 0;
    for (int r = 0; r < ranks; r++) sum += c->bytes[r][MOE_DISPATCH];
    return sum;
}

/* What is passed on comes to what straight rows leave free. Returns of how many ranks it is more than all else. */
static int peaks(const Case *c, const Case *straight, const char *words, int ranks)
{
    int larger = 0;
    for (int r = 0; r < ranks; r++) {
        const double other = (double)straight->peak[r][MEM_COMMUNICATION], room = c->rows_room[r],
                     peak = (double)c->peak[r][MEM_COMMUNICATION];
        larger += room > other;
        if (straight->rows_room[r] != 0 || peak != fmax(other, room))
            fail_msg(
                "%s: rank %d has %.0f bytes of communication, %.0f without what it passes on, which by the "
                "formula is %.0f",
                words, r, peak, other, room);
    }
    return larger;
}

static void counted_as_by_the_formulas(void **state)
{
    (void)state;
    int hopped = 0, larger = 0;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        char words[WORDS];
        Draw d = {.seed = seed};
        const int ranks = draw_words(&d, words);
        for (int dry = 0; dry < 2; dry++) {
            Case straight = run(words, "straight", dry, ranks), hops = run_hops(words, dry, ranks),
                 sooner = run(words, "auto", dry, ranks);
            hopped += sent(&hops, ranks) > sent(&straight, ranks);
            larger += peaks(&hops, &straight, words, ranks) + peaks(&sooner, &straight, words, ranks);
            if (!dry) assert_true(case_same_bits(&straight, &hops) && case_same_bits(&straight, &sooner));
            case_free(&straight), case_free(&hops), case_free(&sooner);
        }
    }
    printf("# %d of %d grids hop; %d ranks pass on more than they hold else\n", hopped, 2 * CASES, larger);
    assert_true(hopped > CASES && larger > 4 * CASES);
}

/* Of nodes with one of those that share experts, with all of them, and with other numbers of them. */
static void refused_where_all_go_straight(void **state)
{
    (void)state;
    static const struct {
        int devices;
        bool hops;
    } nodes[] = {{1, false}, {2, true}, {3, false}, {4, false}, {8, false}};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        Case c = case_of_words(1,
                               "hardware.profile=slow.ini moe.experts=4 moe.ffn=12 parallel.ep=4 "
                               "node.devices=%d hardware.all_to_all=hierarchical",
                               nodes[i].devices);
        c.dry = true;
        assert_int_equal(case_virtual(&c, 4), nodes[i].hops);
        char where[96];
        snprintf(where, sizeof where, "hardware.all_to_all=hierarchical: on 4 ranks, %d a node, no 4 that",
                 nodes[i].devices);
        if (!nodes[i].hops && !strstr(c.refused, where)) fail_msg("%s", c.refused);
        case_free(&c);
    }
}

/* As cards answer later, more and more of a step's exchanges hop. */
static void each_as_it_takes_less(void **state)
{
    (void)state;
    static const char grid[] =
        "hardware.profile=slow.ini model.hidden=48 model.heads=4 model.sequence=16 moe.experts=8 moe.ffn=12 "
        "parallel.ep=4 parallel.data=ddp parallel.overlap=no train.global_batch=16 node.link_us=0";
    enum { RANKS = 4, MOST = 24 };
    Case straight = run(grid, "straight", false, RANKS), hops = run(grid, "hierarchical", false, RANKS);
    const uint64_t least = sent(&straight, RANKS), most = sent(&hops, RANKS);
    uint64_t before = least;
    int some = 0, all = 0;
    for (int k = 0; k < MOST && !all; k++) {
        char words[WORDS];
        snprintf(words, WORDS, "%s node.card_us=%d", grid, 10000 * k);
        Case sooner = run(words, "auto", false, RANKS);
        const uint64_t now = sent(&sooner, RANKS);
        assert_true(now >= before && (k > 0 || now == least));
        peaks(&sooner, &straight, words, RANKS);
        some += now > least && now < most;
        all += now == most;
        before = now;
        case_free(&sooner);
    }
    printf("# of %d steps of some\n", some);
    assert_true(some > 1 && all);
    case_free(&straight), case_free(&hops);
}

/* ---- in figures ---- */

typedef struct Figures {
    double sent, moment;
} Figures;

static Figures figures(const char *words, const char *way, int ranks)
{
    Planned p = planned_words(ranks, "%s hardware.all_to_all=%s", words, way);
    double bytes[PURPOSES];
    theory_bytes(&p.config, &p.plan, ranks, 0, bytes);
    const Figures f = {bytes[MOE_COMBINE], theory_moment(&p.config, &p.plan, ranks, 0)};
    planned_free(&p);
    return f;
}

/* As the README has them: of e = N g that share experts, over N nodes of g, a rank sends ((g-1) N + (N-1) g)/e of its
 * choices, and for a moment has room for (3 e - N - g)/e of them. */
static void as_the_readme_has_them(void **state)
{
    (void)state;
    enum { CHOICES = 16 * 2, BYTES = 24 * sizeof(real), STEP = 2 * 3 }; /* forward and backward, of layers */
    static const int nodes[][2] = {{2, 2}, {2, 4}, {4, 2}};
    for (int i = 0; i < 3; i++) {
        const int N = nodes[i][0], g = nodes[i][1], e = N * g;
        char words[WORDS];
        snprintf(words, WORDS,
                 "hardware.profile=slow.ini model.layers=3 model.hidden=24 model.heads=4 model.sequence=16 "
                 "moe.experts=8 moe.top_k=2 parallel.ep=%d node.devices=%d train.global_batch=%d",
                 e, g, e);
        const Figures straight = figures(words, "straight", e), hops = figures(words, "hierarchical", e);
        assert_true(straight.sent == (double)CHOICES * BYTES * STEP * (e - 1) / e);
        assert_true(hops.sent == (double)CHOICES * BYTES * STEP * ((g - 1) * N + (N - 1) * g) / e);
        assert_true(hops.moment - straight.moment == (double)CHOICES * BYTES * (3 * e - N - g) / e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_as_by_the_formulas),
        cmocka_unit_test(refused_where_all_go_straight),
        cmocka_unit_test(each_as_it_takes_less),
        cmocka_unit_test(as_the_readme_has_them),
    };
    return cmocka_run_group_tests_name("rows over nodes", tests, NULL, NULL);
}
