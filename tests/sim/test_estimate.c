/* test_estimate.c - what a run is said to take against what it took, and what is refused for it. */
#include "sim/run/estimate.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "sim/run/admit.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/planned.h"

static Estimate estimate_of(const char *words, int ranks, bool dry, Config *config)
{
    Planned p = planned_words(ranks, "%s", words);
    Estimate e = dry ? estimate_dry(&p.config, &p.plan, &(WalkedRanks){ranks, ranks, NULL}, true)
                     : estimate_rank(&p.config, &p.plan, ranks, 0);
    *config = p.config; /* the caller's to free */
    plan_free(&p.plan);
    case_free(&p.one);
    return e;
}

/* The largest part of a rank's memory that is counted, within a factor of 2. */
static void memory_of_ranks(void **state)
{
    (void)state;
    static const char *const sets[] = {"parallel.data=ddp",
                                       "parallel.data=zero3 train.microbatch=1",
                                       "parallel.data=zero2 train.microbatch=1",
                                       "parallel.data=zero3 train.recompute=full",
                                       "parallel.pp=2 train.microbatch=1",
                                       "parallel.tp=2"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        Config config;
        Estimate e = estimate_of(sets[i], 2, false, &config);
        Case c = case_of_words(1, "%s", sets[i]);
        c.dry = true;
        assert_true(case_virtual(&c, 2));
        double said = e.memory[COST_STATES] + e.memory[COST_ACTIVATIONS],
               counted = (double)c.peak[0][MEMORY_CATEGORIES];
        if (said < counted / 2 || said > 2 * counted)
            fail_msg("%s: %g said, %g counted", sets[i], said, counted);
        case_free(&c);
        config_free(&config);
    }
}

/* Parameters and two moments, as zero3 holds them beside gradients; where none is taken, nothing. */
static void copies_for_checkpoints(void **state)
{
    (void)state;
    static const struct {
        const char *sets;
        double share; /* of the states */
    } runs[] = {{"output.checkpoint=c.h5 output.checkpoint_every=2", 0.75},
                {"output.checkpoint=c.h5 output.checkpoint_every=2 output.checkpoint_async=no", 0},
                {"output.checkpoint=c.h5 output.checkpoint_every=4", 0},
                {"output.checkpoint=c.h5", 0},
                {"", 0}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        Config config;
        char sets[256];
        snprintf(sets, sizeof sets, "parallel.data=zero3 train.microbatch=1 train.steps=4 %s", runs[i].sets);
        Estimate e = estimate_of(sets, 2, false, &config);
        assert_true(e.memory[COST_CHECKPOINT] == runs[i].share * e.memory[COST_STATES]);
        config_free(&config);
    }
}

/* Of every rank: where each visits what all others have, four times as long for twice as many. */
static void time_of_ranks(void **state)
{
    (void)state;
    static const struct {
        const char *sets;
        bool square;
    } runs[] = {{"parallel.data=ddp", true},
                {"parallel.data=zero2 parallel.quantize=gradients", true},
                {"parallel.data=zero3 parallel.quantize=parameters", true},
                {"parallel.data=zero2", false},
                {"parallel.data=zero1 parallel.tp=2", false}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        Config config;
        char sets[128];
        double seconds[2];
        for (int k = 0; k < 2; k++) {
            int ranks = 4096 << k;
            snprintf(sets, sizeof sets, "%s train.global_batch=%d", runs[i].sets, ranks);
            Estimate e = estimate_of(sets, ranks, true, &config);
            seconds[k] = estimate_total(e.seconds);
            config_free(&config);
        }
        double grows = seconds[1] / seconds[0];
        if (runs[i].square ? grows < 3 || grows > 4 : grows < 1.7 || grows > 2.2)
            fail_msg("%s: %g s, then %g s", runs[i].sets, seconds[0], seconds[1]);
    }
}

static double seconds_of(const char *sets, int ranks, Cost cost)
{
    Config config;
    const Estimate e = estimate_of(sets, ranks, true, &config);
    config_free(&config);
    return e.seconds[cost];
}

/* Each has its tensors in the table of all that hold it; and where ranks share them, rows go to and fro. */
static void time_of_experts(void **state)
{
    (void)state;
#define EXPERTS "parallel.data=zero1 moe.ffn=8 train.microbatch=1 "
    const double few = seconds_of(EXPERTS "moe.experts=4096", 8, COST_LAYERS),
                 many = seconds_of(EXPERTS "moe.experts=8192", 8, COST_LAYERS),
                 shared = seconds_of(EXPERTS "moe.experts=8192 parallel.ep=8", 8, COST_LAYERS);
    assert_true(many > 1.9 * few && many < 2 * few && shared < many / 7);
    const double own = seconds_of(EXPERTS "moe.experts=8", 8, COST_MESSAGES),
                 sent = seconds_of(EXPERTS "moe.experts=8 parallel.ep=8", 8, COST_MESSAGES),
                 again =
                     seconds_of(EXPERTS "moe.experts=8 parallel.ep=8 train.recompute=full", 8, COST_MESSAGES);
    assert_true(sent > own && fabs((again - own) / (sent - own) - 1.5) < 1e-9);

    static const char *const large[] = {"", " parallel.ep=64"};
    for (int shares = 0; shares < 2; shares++) {
        char sets[256];
        Config config;
        Error error = {""};
        const Node node = {.name = "n1", .memory = 1e15, .process = INFINITY, .disk = INFINITY, .cores = 2};
        snprintf(sets, sizeof sets, EXPERTS "moe.experts=64 train.global_batch=26214400%s", large[shares]);
        const Estimate e = estimate_of(sets, 65536, true, &config);
        assert_int_equal(
            admit(&config, &(Applicant){"a dry run", "a dry run", "actions", 1}, &e, &node, &error), !shares);
        if (shares)
            assert_non_null(strstr(error.text, "most of that for rings and rows to experts; try fewer"));
        config_free(&config);
    }
}

static void refusals(void **state)
{
    (void)state;
    Config config;
    Error error = {""};
    Estimate e = estimate_of("parallel.data=zero3 train.global_batch=65536", 65536, true, &config);
    Node small = {.name = "n1", .memory = 8e9, .process = INFINITY, .disk = INFINITY, .cores = 2},
         large = small;
    large.memory = 1e15;
    const Applicant dry = {"a dry run", "a dry run", "actions", 1};
    assert_false(admit(&config, &dry, &e, &small, &error));
    assert_non_null(strstr(error.text, "GB of memory, most of it for what each rank has of all others, and "
                                       "n1 has 8 GB left; try fewer ranks, or --force"));
    config_free(&config);
    e = estimate_of("parallel.data=zero3 train.global_batch=655360000", 65536, true, &config);
    assert_false(admit(&config, &dry, &e, &large, &error));
    assert_non_null(strstr(error.text, "more than 10 minutes"));
    config_free(&config);
    e = estimate_of("parallel.data=ddp", 2, true, &config);
    assert_true(admit(&config, &dry, &e, &small, &error));
    small.disk = 10;
    assert_false(admit(&config, &dry, &e, &small, &error));
    assert_non_null(strstr(error.text, "10 B are free"));
    config_free(&config);
}

static void put(const char *folder, const char *path, const char *text)
{
    char whole[128];
    snprintf(whole, sizeof whole, "%s%s", folder, path);
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The least of the machine, its group and the group above. */
static void memory_of_a_node(void **state)
{
    (void)state;
    static const char *const folders[] = {
        "/proc", "/proc/self", "/sys", "/sys/fs", "/sys/fs/cgroup", "/sys/fs/cgroup/a", "/sys/fs/cgroup/a/b"};
    char folder[FOLDER], path[128];
    assert_int_equal(folder_make(folder), 0);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s%s", folder, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    put(folder, "/proc/meminfo", "MemTotal: 4000 kB\nMemAvailable: 3000 kB\n");
    assert_true(node_memory(folder) == 3000 * 1024);
    put(folder, "/proc/self/cgroup", "0::/a/b\n");
    put(folder, "/sys/fs/cgroup/a/b/memory.max", "max\n");
    put(folder, "/sys/fs/cgroup/a/b/memory.current", "7\n");
    assert_true(node_memory(folder) == 3000 * 1024);
    put(folder, "/sys/fs/cgroup/a/memory.max", "1000000\n");
    put(folder, "/sys/fs/cgroup/a/memory.current", "400000\n");
    assert_true(node_memory(folder) == 600000);
    put(folder, "/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 50000\n");
    assert_true(node_memory(folder) == 650000);
    assert_int_equal(folder_remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_ranks), cmocka_unit_test(copies_for_checkpoints),
        cmocka_unit_test(time_of_ranks),   cmocka_unit_test(time_of_experts),
        cmocka_unit_test(refusals),        cmocka_unit_test(memory_of_a_node),
    };
    return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
