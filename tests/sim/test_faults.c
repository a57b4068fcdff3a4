/* test_faults.c - faults that a config asks for: how they are written, what they cost, and that numbers stay. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config/check_faults.h"
#include "sim/config/ranks.h"
#include "sim/run/representatives.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/child.h"
#include "tests/support/config_text.h"

/* ---- how they are written ---- */

static void stragglers_are_read(void **state)
{
    (void)state;
    Config c;
    take(&c, "[faults]\nslow = 3 x1.2 from 5, 0x2 from 8 to 10,1 x1e2 to 4\n", NULL);
    const SlowRank *s = c.fault.slow;
    assert_int_equal(c.fault.slows, 3);
    assert_true(s[0].rank == 3 && s[0].factor == 1.2 && s[0].steps.first == 5 &&
                s[0].steps.last == INT64_MAX);
    assert_true(s[1].rank == 0 && s[1].factor == 2 && s[1].steps.first == 8 && s[1].steps.last == 10);
    assert_true(s[2].rank == 1 && s[2].factor == 100 && s[2].steps.first == 1 && s[2].steps.last == 4);
    assert_true(faults_any(&c.fault));
    assert_true(faults_slower(&c.fault, 0, 6) == 0 && faults_slower(&c.fault, 0, 7) == 1);
    assert_true(faults_slower(&c.fault, 0, 9) == 1 && faults_slower(&c.fault, 0, 10) == 0);
    assert_true(faults_hold(&c.fault, 3) && faults_hold(&c.fault, 1000));
    config_free(&c);
    take(&c, "[faults]\nslow = 1 x2, 1 x3 from 2 to 2\n", NULL); /* of one rank they multiply */
    assert_true(faults_slower(&c.fault, 1, 0) == 1 && faults_slower(&c.fault, 1, 1) == 5);
    assert_true(!faults_slower(&c.fault, 2, 1));
    config_free(&c);
    take(&c, "", NULL);
    assert_true(!faults_any(&c.fault) && !faults_hold(&c.fault, 0));
    config_free(&c);
}

static void a_death_is_read(void **state)
{
    (void)state;
    Config c;
    take(&c, "[faults]\ndie = 2 at 12\n", NULL);
    assert_true(faults_kill(&c.fault, 2, 11) && !faults_kill(&c.fault, 2, 10) &&
                !faults_kill(&c.fault, 1, 11));
    assert_true(faults_any(&c.fault) && !faults_hold(&c.fault, 11));
    assert_int_equal(config_steps(&c, true), 11);
    assert_int_equal(config_steps(&c, false), 100);
    config_free(&c);
    take(&c, "[faults]\nslow = 1 x2\n", NULL);
    assert_int_equal(config_steps(&c, true), 100);
    config_free(&c);
    take(&c, "", NULL);
    assert_int_equal(config_steps(&c, true), 1);
    config_free(&c);
}

static void a_full_disk_is_read(void **state)
{
    (void)state;
    Config c;
    take(&c, "[faults]\ndisk_full = 3\n", NULL);
    assert_true(faults_any(&c.fault) && !faults_hold(&c.fault, 2));
    assert_true(faults_fill_disk(&c.fault, 2) && !faults_fill_disk(&c.fault, 1) &&
                !faults_fill_disk(&c.fault, 3));
    config_free(&c);
    take(&c, "", NULL);
    assert_true(!faults_fill_disk(&c.fault, 0));
    config_free(&c);
    refuse_with("[train]\nsteps = 10\n", "faults.disk_full=11", "there is no step 11");
}

static void late_messages_are_read(void **state)
{
    (void)state;
    Config c;
    Error error;
    take(&c,
         "[faults]\nlate = 0->1 every 50 by 2 ms, 3 -> 1 every 1 by 1e2us from 2 to 3,2->0 every 7 by 1.5s\n",
         NULL);
    const LateLink *l = c.fault.late;
    assert_int_equal(c.fault.lates, 3);
    assert_true(l[0].from == 0 && l[0].to == 1 && l[0].every == 50 && l[0].seconds == 2e-3);
    assert_true(l[1].from == 3 && l[1].to == 1 && l[1].every == 1 && fabs(l[1].seconds - 1e-4) < 1e-18);
    assert_true(l[2].seconds == 1.5 && faults_any(&c.fault) && faults_hold(&c.fault, 0));
    assert_true(!faults_late(&c.fault, 1, 0) && faults_late(&c.fault, 1, 1) && !faults_late(&c.fault, 1, 3));
    config_free(&c);
    take(&c, "[parallel]\npp = 2\ntp = 2\n",
         "faults.late=5->2 every 2 by 1 ms"); /* (1, 0, 1) and (0, 1, 0) */
    assert_false(config_check_ranks(&c, 8, &error));
    assert_non_null(strstr(error.text,
                           "ranks 5 and 2 differ along more than one of pp, dp and tp, so that no "
                           "message goes from one to the other; try 5->1"));
    config_free(&c);
    static const char *const links[] = {"4->5", "4->6", "4->0", "7->5"};
    for (int i = 0; i < 4; i++) {
        char set[64];
        snprintf(set, sizeof set, "faults.late=%s every 2 by 1 ms", links[i]);
        take(&c, "[parallel]\npp = 2\ntp = 2\n", set);
        assert_true(config_check_ranks(&c, 8, &error));
        assert_false(config_check_ranks(&c, 4, &error));
        config_free(&c);
    }
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const slow[] = {
        "3",       "3 x1",        "3 x0.5",    "3 x1001",       "x2",
        "3 x2 at", "3 x2 from 0", "3 x2 from", "3 x2 to",       "3 x2 from 5 to 4",
        "3 x2,",   "3 x2,,1 x2",  "-1 x2",     "3 xnan",        "3 x0x2",
        "3 x2 5",  "1 x2; 2 x2",  "3 x1e400",  "99999999999 x2"};
    static const char *const die[] = {"2",        "2 at",     "2 at 0", "at 3", "2 at 3, 1 at 4",
                                      "2 at 3.5", "2 at 3 x2"};
    char set[128];
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        snprintf(set, sizeof set, "faults.slow=%s", slow[i]);
        refuse_with(
            "", set,
            "is not RANK xFACTOR [from STEP] [to STEP], with a factor above 1 and up to 1000; try 3 x1.2");
    }
    for (size_t i = 0; i < sizeof die / sizeof *die; i++) {
        snprintf(set, sizeof set, "faults.die=%s", die[i]);
        refuse_with("", set, "is not RANK at STEP, one of them; try 2 at 12");
    }
    static const char *const late[] = {"0->1",
                                       "0->1 every 5",
                                       "0->1 every 0 by 1 s",
                                       "0->0 every 5 by 1 s",
                                       "0-1 every 5 by 1 s",
                                       "0->1 every 5 by 0 s",
                                       "0->1 every 5 by 2",
                                       "0->1 every 5 by 2 h",
                                       "0->1 every 5 by 3601 s",
                                       "0->1 every 5 by 2 ms from 0",
                                       "0->1 by 2 ms"};
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        snprintf(set, sizeof set, "faults.late=%s", late[i]);
        refuse_with("", set, "is not RANK->RANK every N by NUMBER us, ms or s [from STEP] [to STEP]");
    }
    refuse_with("[train]\nsteps = 10\n", "faults.late=0->1 every 5 by 2 ms from 11", "there is no step 11");
    char many[FAULTS_TEXT] = "faults.slow=0 x2";
    for (int i = 0; i < FAULTS_MOST; i++) strcat(many, ",0 x2");
    refuse_with("", many, "more than the 16 there is room for; try fewer");
    refuse("[train]\nsteps = 10\n[faults]\nslow = 3 x2 from 11\n", NULL,
           "t.ini:4: faults.slow = 3 x2 from 11: train.steps = 10, so there is no step 11, and it has no "
           "effect; "
           "try a step up to 10, or train.steps = 11");
    refuse_with("[train]\nsteps = 10\n", "faults.die=0 at 11", "there is no step 11");
    Config c;
    Error error;
    take(&c, "[faults]\nslow = 4 x2\n", NULL);
    assert_true(config_check_ranks(&c, 6, &error));
    assert_false(config_check_ranks(&c, 4, &error));
    assert_string_equal(error.text,
                        "t.ini:2: faults.slow = 4 x2: there is no rank 4 among 4, which count from 0; "
                        "try 0 to 3");
    config_free(&c);
    take(&c, "[faults]\ndie = 4 at 2\n", NULL);
    assert_false(config_check_ranks(&c, 4, &error));
    config_free(&c);
}

/* ---- what they cost ---- */

enum { STEPS = 4, RANKS_MOST = 8 };

/* Each rank's seconds of each step, computing and in all. */
typedef struct Seen {
    double computing[STEPS][RANKS_MOST], now[STEPS][RANKS_MOST];
    Late late[RANKS_MOST][2]; /* at the end */
} Seen;

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Seen *seen = context;
    const Lanes *lanes = &t->device.lanes;
    seen->now[t->step][t->comm->rank] = lanes->now;
    seen->computing[t->step][t->comm->rank] =
        lanes->spent[PART_COMPUTE] + lanes->spent[PART_RECOMPUTE] + lanes->spent[PART_OPTIMIZER];
    for (int i = 0; i < t->comm->lates; i++) seen->late[t->comm->rank][i] = t->comm->late[i];
}

/* Runs it on virtual ranks; the case is the caller's to free. */
static Case run(Seen *seen, int ranks, bool dry, const char *words, const char *fault)
{
    Case c = case_of_words(STEPS, "%s %s", words, fault);
    *seen = (Seen){.now = {{0}}};
    c.reads_clock = true;
    c.look = look;
    c.context = seen;
    c.dry = dry;
    if (!case_virtual(&c, ranks)) fail_msg("%s %s: %s", words, fault, c.refused);
    return c;
}

static double step_of(const Seen *seen, int step, int ranks)
{
    double end = 0;
    for (int r = 0; r < ranks; r++) end = fmax(end, seen->now[step][r]);
    return end;
}

/* Replicas wait for the slowest: m microbatches of F and B, 3 together, by its factor. In a pipeline of two, whose
 * second stage is slow by 2, each of m - 1 others waits for it: F + 2 m (F + B) + B. */
static void the_slowest_bounds_a_step(void **state)
{
    (void)state;
    for (int dry = 0; dry < 2; dry++) {
        Seen seen;
        Case c = run(&seen, 3, dry, "parallel.data=ddp", "faults.slow=1x1.5from2to3,2x1.25from3");
        const double expected[STEPS] = {24, 36, 36, 30};
        for (int s = 0; s < STEPS; s++) assert_true(step_of(&seen, s, 3) == expected[s]);
        assert_true(seen.computing[1][0] == 24 && seen.computing[1][1] == 36 && seen.computing[2][2] == 30);
        case_free(&c);
        c = run(&seen, 2, dry, "parallel.pp=2 parallel.schedule=1f1b train.microbatch=6",
                "faults.slow=1x2from3");
        assert_true(step_of(&seen, 1, 2) == 3 * (4 + 1) && step_of(&seen, 2, 2) == 1 + 2 * 4 * 3 + 2);
        case_free(&c);
    }
}

/* Two stages of 1 F and 2 of B, and one microbatch: 6; and two messages from the first to the second, of the microbatch
 * and of the norm, for which all wait. */
static void late_messages_are_waited_for(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        double seconds[STEPS];
        int messages, late;
    } cases[] = {
        {"faults.late=0->1every1by2500ms", {11, 11, 11, 11}, 8, 8},
        {"faults.late=0->1every2by2500ms", {8.5, 8.5, 8.5, 8.5}, 8, 4},
        {"faults.late=0->1every4by2500ms", {6, 8.5, 6, 8.5}, 8, 2},
        {"faults.late=0->1every3by2500ms", {6, 8.5, 8.5, 6}, 8, 2},
        {"faults.late=0->1every2by2500msfrom2to3", {6, 8.5, 8.5, 6}, 4, 2},
        {"faults.late=0->1every1by2500msfrom4,0->1every1by1sto1", {8, 6, 6, 11}, 2, 2},
    };
    for (int dry = 0; dry < 2; dry++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            Seen seen;
            Case c = run(&seen, 2, dry,
                         "parallel.pp=2 parallel.schedule=naive train.microbatch=24 model.tie_embeddings=no",
                         cases[i].fault);
            for (int s = 0; s < STEPS; s++)
                if (step_of(&seen, s, 2) != cases[i].seconds[s])
                    fail_msg("%s: step %d takes %g", cases[i].fault, s + 1, step_of(&seen, s, 2));
            assert_true(seen.late[0][0].messages == cases[i].messages &&
                        seen.late[0][0].late == cases[i].late);
            assert_true(seen.late[1][0].messages == 0 && seen.late[1][0].late == 0);
            case_free(&c);
        }
}

static const struct {
    const char *words;
    int ranks;
} GRIDS[] = {
    {"parallel.data=ddp parallel.bucket_mb=0.01", 3},
    {"parallel.data=zero3", 4},
    {"parallel.data=ddp hardware.all_reduce=tree parallel.bucket_mb=0.01", 4},
    {"parallel.data=ddp parallel.tp=2 hardware.all_reduce=hierarchical hardware.order=dp-tp-pp", 8},
    {"parallel.data=zero1 parallel.quantize=both", 3},
    {"parallel.data=dp", 3},
    {"parallel.tp=2 parallel.data=zero1", 4},
    {"parallel.pp=2 parallel.schedule=1f1b parallel.data=zero2", 4},
    {"parallel.pp=2 parallel.schedule=zb-h1 parallel.tp=2 train.recompute=full", 8},
};
enum { GRID_COUNT = sizeof GRIDS / sizeof *GRIDS };
#define SLOW " hardware.profile=slow.ini software.launch_us=2e4"
static const char *const FAULTS[] = {"faults.slow=1x1.5from2to3", "faults.slow=0x3,2x1.1from3",
                                     "faults.late=0->1every3by90s"};
enum { FAULT_COUNT = sizeof FAULTS / sizeof *FAULTS };

/* On a machine training has, step by step, the dry run's seconds on every rank; the same twice; never fewer than without
 * faults, more where one holds; and losses, gradients and weights without them, to the last bit. */
static void time_is_foretold_and_numbers_stay(void **state)
{
    (void)state;
    for (int g = 0; g < GRID_COUNT; g++) {
        const char *words = GRIDS[g].words;
        const int ranks = GRIDS[g].ranks;
        char sets[256];
        snprintf(sets, sizeof sets, "%s" SLOW, words);
        Seen well, seen, dry, again;
        Case a = run(&well, ranks, false, sets, "");
        for (int f = 0; f < FAULT_COUNT; f++) {
            if (f == 1 && ranks < 3) continue;
            Case b = run(&seen, ranks, false, sets, FAULTS[f]), c = run(&dry, ranks, true, sets, FAULTS[f]);
            assert_memory_equal(&seen, &dry, sizeof seen);
            case_free(&c);
            c = run(&again, ranks, true, sets, FAULTS[f]);
            assert_memory_equal(&again, &dry, sizeof seen);
            assert_true(case_same_bits(&a, &b));
            assert_memory_equal(a.bytes, b.bytes, (size_t)ranks * sizeof *a.bytes);
            for (int r = 0; r < ranks; r++) {
                const Late *l = &seen.late[r][0];
                bool over = f == 2 && r == 0; /* its first steps may be without */
                if ((l->messages >= 3) != over || l->late != (over ? l->messages / 3 : 0))
                    fail_msg("%s %s: rank %d: %lld of %lld messages are late", sets, FAULTS[f], r,
                             (long long)l->late, (long long)l->messages);
            }
            bool longer = false;
            for (int s = 0; s < STEPS; s++) {
                double with = step_of(&seen, s, ranks), without = step_of(&well, s, ranks);
                bool holds = f > 0 || (s >= 1 && s <= 2);
                if (with < without * (1 - 1e-12) || (!holds && with != without))
                    fail_msg("%s %s: step %d takes %.17g, without %.17g", sets, FAULTS[f], s + 1, with,
                             without);
                longer |= holds && with > without * 1.01;
            }
            if (!longer) fail_msg("%s %s: no step is longer", sets, FAULTS[f]);
            case_free(&b);
            case_free(&c);
        }
        case_free(&a);
    }
}

/* Who is not alike is walked. */
static void every_rank_is_walked(void **state)
{
    (void)state;
    Config c;
    Error error;
    for (int faulty = 0; faulty < 2; faulty++) {
        take(&c, "[parallel]\ndata = zero1\n", faulty ? "faults.slow=3 x2" : NULL);
        assert_true(config_check_ranks(&c, 8, &error));
        WalkedRanks w = representatives_of(&c, 8, false);
        assert_int_equal(w.count, faulty ? 8 : 1);
        free((void *)w.rank);
        config_free(&c);
    }
}

/* ---- for real ---- */

static void compute(double seconds)
{
    double until = lanes_cpu_clock() + seconds;
    while (lanes_cpu_clock() < until) {}
}

/* What is computed takes so much longer on the processor's clock, and is counted so; what is not is let be. */
static void a_straggler_is_busy(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        Lanes lanes = {.reads_clock = true, .measured = true, .slower = slow ? 2 : 0};
        double began = lanes_cpu_clock();
        lanes_begin_step(&lanes);
        compute(4e-3); /* paused */
        lanes_resume(&lanes);
        compute(4e-3);
        lanes_part(&lanes, PART_OPTIMIZER);
        compute(2e-3);
        lanes_pause(&lanes);
        double took = lanes_cpu_clock() - began;
        assert_true(took >= (slow ? 22e-3 : 10e-3));
        assert_true(lanes.cpu >= (slow ? 18e-3 : 6e-3) && lanes.cpu < (slow ? 27e-3 : 9e-3));
        assert_true(lanes.now == lanes.spent[PART_COMPUTE] + lanes.spent[PART_OPTIMIZER]);
        assert_true(lanes.spent[PART_OPTIMIZER] >= (slow ? 6e-3 : 2e-3));
    }
}

static void live(void *fault)
{
    Seen seen;
    Case c = run(&seen, 2, false, "parallel.data=ddp", fault);
    case_free(&c);
}

static void dies(void **state)
{
    (void)state;
    static char well[] = "faults.die=1at9", ill[] = "faults.die=1at3";
    char said[256];
    assert_int_equal(child_run(live, well, said, sizeof said, NULL), 99); /* of STEPS it is none */
    assert_string_equal(said, "");
    assert_int_equal(child_run(live, ill, said, sizeof said, NULL), -1); /* no exit status: a signal's */
    assert_string_equal(said, "sim: rank 1 dies at step 3, as faults.die says\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stragglers_are_read),
        cmocka_unit_test(a_death_is_read),
        cmocka_unit_test(a_full_disk_is_read),
        cmocka_unit_test(late_messages_are_read),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(the_slowest_bounds_a_step),
        cmocka_unit_test(late_messages_are_waited_for),
        cmocka_unit_test(time_is_foretold_and_numbers_stay),
        cmocka_unit_test(every_rank_is_walked),
        cmocka_unit_test(a_straggler_is_busy),
        cmocka_unit_test(dies),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
