/* test_plan_from_config.c - plans made from a config: ideal durations, the formula of the bubble beside the walk,
 * schedules from a text, and the pipelines among the configs that come with sim. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parallel/schedule/notation.h"
#include "parallel/schedule/timeline.h"
#include "sim/config/config.h"
#include "sim/config/file.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"
#include "sim/config/rows.h"
#include "sim/run/plan_from_config.h"
#include "sim/theory/theory.h"
#include "tests/support/check.h"

static Config parsed(const char *text, const char *const *sets)
{
    Config config;
    Error error = {""};
    int count = 0;
    while (sets && sets[count]) count++;
    if (!config_parse(&config,
                      &(ConfigSource){.name = "t.ini", .text = text, .sets = sets, .set_count = count},
                      &error))
        print_error("%s\n", error.text);
    assert_string_equal(error.text, "");
    return config;
}

static void ideal_is(const char *recompute, double again)
{
    char text[256];
    snprintf(text, sizeof text, "[model]\nhidden = 64\nffn = 200\nsequence = 32\n[train]\nrecompute = %s\n",
             recompute);
    Config c = parsed(text, NULL);
    Ideal ideal = theory_ideal(&c);
    assert_true(ideal.forward == 1 && ideal.weight == 1);
    assert_true(ideal.backward == 2 + again && ideal.input == 1 + again);
    config_free(&c);
}

static void ideal_durations(void **state)
{
    (void)state;
    ideal_is("none", 0);
    ideal_is("full", 1);
    /* b = 1: QK^T is 2 s^2 h = 131072 flops; projections 2 s (4 h^2 + 2 h f) = 2686976; QK^T and PV 262144 */
    ideal_is("selective", 131072 / (2686976 + 262144.));
}

/* Every schedule and recomputation, p = 1..8, m = 1..4p, v = 1..3: the walk has the bubble of the formula. */
static void formula_is_the_walk(void **state)
{
    (void)state;
    int plans = 0;
    Config c = parsed("[model]\nlayers = 24\n[train]\nmicrobatch = 1\n", NULL);
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++)
        for (int recompute = RECOMPUTE_NONE; recompute <= RECOMPUTE_FULL; recompute++)
            for (int p = 1; p <= 8; p++)
                for (int m = 1; m <= 4 * p; m++)
                    for (int v = 1; v <= 3; v++) {
                        if (!schedule_possible((ScheduleKind)kind, (Shape){.v = v, .p = p, .m = m}, NULL))
                            continue;
                        strcpy(c.pipeline.schedule, schedule_name[kind]);
                        c.pipeline.size = p;
                        c.pipeline.virtual_stages = v;
                        c.train.recompute = recompute;
                        c.train.global_batch = m;
                        Plan plan;
                        Error error;
                        Timeline t;
                        Ideal ideal = theory_ideal(&c);
                        Durations durations = timeline_ideal(&ideal);
                        assert_true(plan_from_config(&c, p, NULL, 0, &plan, &error));
                        assert_true(plan.lowered);
                        assert_true(timeline_walk(&t, &plan, &durations, &error));
                        if (fabs(theory_bubble(&c, m) - t.bubble) > 1e-12)
                            print_error(
                                "%s p=%d m=%d v=%d recompute=%d: %.15g by the formula, %.15g walked\n",
                                schedule_name[kind], p, m, v, recompute, theory_bubble(&c, m), t.bubble);
                        assert_true(fabs(theory_bubble(&c, m) - t.bubble) <= 1e-12);
                        timeline_free(&t);
                        plan_free(&plan);
                        plans++;
                    }
    assert_true(plans > 3 * 4 * 4 * 36); /* p x m: 4 times 1 + ... + 8 */
    config_free(&c);
}

/* A text of the schedule `kind`. */
static char *text_of(ScheduleKind kind, Shape shape)
{
    Plan plan;
    char *text = NULL;
    size_t size;
    assert_true(plan_write(&plan, kind, shape, NULL));
    FILE *out = open_memstream(&text, &size);
    notation_write(&plan, out);
    fclose(out);
    plan_free(&plan);
    return text;
}

static const char OWN[] = "[model]\nlayers = 4\n[train]\nglobal_batch = 8\nmicrobatch = 2\n"
                          "[parallel]\nschedule = my.csv\npp = 2\n";

static void file_refused(const char *set, const char *text, int ranks, const char *message)
{
    Config c = parsed(OWN, (const char *[]){set, NULL});
    Plan plan;
    Error error = {""};
    bool good = plan_from_config(&c, ranks, text, (int64_t)strlen(text), &plan, &error);
    assert_string_equal(error.text, message);
    assert_false(good);
    assert_null(plan.list);
    config_free(&c);
}

static void a_users_own(void **state)
{
    (void)state;
    Config c = parsed(OWN, NULL);
    Plan plan;
    Error error;
    char *two = text_of(SCHEDULE_INTERLEAVED, (Shape){.v = 2, .p = 2, .m = 4});
    assert_true(config_schedule_is_file(&c));
    assert_true(plan_from_config(&c, 2, two, (int64_t)strlen(two), &plan,
                                 &error)); /* two stages a rank: the file says so */
    assert_int_equal(plan.shape.v, 2);
    assert_true(plan.lowered);
    plan_free(&plan);
    assert_true(isnan(theory_bubble(&c, 4)));
    config_free(&c);

    file_refused("parallel.virtual_stages=1", two, 2,
                 "--set parallel.virtual_stages=1: my.csv has 2 stages a rank; "
                 "try parallel.virtual_stages = 2");
    file_refused(
        "parallel.pp=1", two, 2,
        "t.ini:7: parallel.schedule = my.csv: it has 2 lines, one a rank of the pipeline, and parallel.pp "
        "= 1; try parallel.pp = 2");
    file_refused(
        "model.layers=3", two, 2,
        "t.ini:7: parallel.schedule = my.csv: its 4 stages are more than model.layers = 3 can fill; try "
        "model.layers = 4");
    file_refused(
        NULL, two, 4,
        "t.ini:7: parallel.schedule = my.csv: it is a schedule of 4 microbatches, and a step has "
        "train.global_batch / (replicas x train.microbatch) = 8 / (2 x 2) = 2; try train.microbatch = 1, "
        "or train.global_batch = 16");
    file_refused(
        "parallel.layers_per_stage=2,2", two, 2,
        "--set parallel.layers_per_stage=2,2: 2 numbers for 2 "
        "lines x 2 stages a rank = 4 stages of the schedule; try parallel.layers_per_stage = 1,1,1,1");
    free(two);
    file_refused(
        NULL, "0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n", 4,
        "my.csv: deadlock: rank 0 waits at RECV_B of stage 0, microbatch 0 for rank 1; rank 1 waits at "
        "RECV_F of stage 1, microbatch 1 for rank 0 (rank r is line r + 1)");
    file_refused(
        NULL, "0F0,0B0\n1F0,1X0\n", 8,
        "my.csv: line 2, cell 2: \"1X0\" is not a stage, one of F, B, I, W and a microbatch, such as 0F3; "
        "sends and receives are not written, they follow");
}

/* Whether losses of a global batch's load go with it; else refused in a line. */
static void batch_balanced(const char *schedule, int64_t microbatch, const char *text, const char *message)
{
    char config[512];
    snprintf(config, sizeof config,
             "[model]\nlayers = 4\n[train]\nglobal_batch = 8\nmicrobatch = %lld\n[parallel]\npp = 2\n"
             "schedule = %s\n[moe]\nexperts = 4\nbalance = auxiliary\nbalance_scope = global_batch\n",
             (long long)microbatch, schedule);
    Config c = parsed(config, NULL);
    Plan plan;
    Error error = {""};
    bool good = plan_from_config(&c, 4, text, text ? (int64_t)strlen(text) : 0, &plan, &error);
    assert_string_equal(error.text, message);
    assert_true(good == !*message);
    for (int rank = 0; rank < 2 && good; rank++) {
        int found = 0;
        for (int i = 0; i < plan.list[rank].count; i++)
            found += plan.list[rank].action[i].kind == ACTION_BALANCE;
        assert_int_equal(found, 1);
    }
    if (!good) assert_null(plan.list);
    plan_free(&plan);
    config_free(&c);
}

static void loads_of_a_global_batch(void **state)
{
    (void)state;
    batch_balanced("gpipe", 1, NULL, "");
    batch_balanced("zb-h1", 4, NULL, "");
    batch_balanced("my.csv", 2, "0F0,0F1,0I0,0I1,0W0,0W1\n1F0,1F1,1B1,1B0\n", "");
    batch_balanced(
        "1f1b", 1, NULL,
        "t.ini:12: moe.balance_scope = global_batch: 1f1b has backwards before the last forward of its 4 "
        "microbatches, and they need the load of the whole global batch; try parallel.schedule = gpipe, "
        "train.microbatch = 0 (one a replica), or moe.balance_scope = microbatch");
    batch_balanced(
        "my.csv", 2, "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n",
        "t.ini:12: moe.balance_scope = global_batch: my.csv has backwards before the last forward of its "
        "2 microbatches, and they need the load of the whole global batch; try parallel.schedule = gpipe, "
        "train.microbatch = 0 (one a replica), or moe.balance_scope = "
        "microbatch");
}

/* Of a model whose blocks are cut as `given`, or as even as can be: the first stage has the embedding, the last the
 * head. */
static void cut_is(int64_t layers, int count, const int *given, const int64_t *expected)
{
    GptStages stages = {.count = count, .blocks = given};
    GptShape shape = {
        .layers = layers, .hidden = 4, .heads = 1, .kv_heads = 1, .ffn = 4, .vocab = 4, .sequence = 1};
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &shape, .stages = &stages, .device = &none});
    for (int s = 0, next = 0; s < count; s++) {
        assert_int_equal(stage_blocks(layers, count, given, s), expected[s]);
        assert_int_equal(gpt->stage[s].first, next);
        next += (int)expected[s] + (s == 0) + (s == count - 1);
        assert_int_equal(gpt->stage[s].last, next - 1);
    }
    gpt_free(gpt);
}

static void layers_of_stages(void **state)
{
    (void)state;
    for (int64_t layers = 1; layers <= 20; layers++)
        for (int count = 1; count <= layers; count++) {
            int64_t even[20];
            for (int s = 0; s < count; s++) even[s] = layers / count + (s < layers % count);
            cut_is(layers, count, NULL, even);
        }
    cut_is(10, 4, NULL, (const int64_t[]){3, 3, 2, 2});
    cut_is(10, 4, (const int[]){2, 5, 1, 2}, (const int64_t[]){2, 5, 1, 2});
    cut_is(32, 4, (const int[]){7, 8, 8, 9}, (const int64_t[]){7, 8, 8, 9});
}

/* The files that come with sim: 8 ranks of them have pipelines that run. */
static void shipped_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int pp, dp, tp, m;
    } shipped[] = {{"naive", 4, 2, 1, 8},       {"gpipe", 4, 2, 1, 8}, {"1f1b", 4, 2, 1, 8},
                   {"interleaved", 4, 2, 1, 8}, {"zb-h1", 4, 2, 1, 8}, {"3d", 2, 2, 2, 4},
                   {"3d-zero3", 2, 2, 2, 4},    {"mla", 2, 2, 2, 4}};
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        char path[64];
        Error error = {""};
        Config c;
        Plan plan;
        snprintf(path, sizeof path, "configs/%s.ini", shipped[i].name);
        char *text = config_read(path, NULL, &error);
        bool good = text && config_parse(&c, &(ConfigSource){.name = path, .text = text}, &error) &&
                    config_check_ranks(&c, 8, &error);
        if (!good) print_error("%s\n", error.text);
        assert_true(good);
        int m = config_microbatches(&c, 8);
        assert_int_equal(c.pipeline.size, shipped[i].pp);
        assert_int_equal(c.tensor.size, shipped[i].tp);
        assert_int_equal(config_mesh(&c, 8).dp, shipped[i].dp);
        assert_int_equal(m, shipped[i].m);
        if (shipped[i].pp == 4) assert_string_equal(c.pipeline.schedule, shipped[i].name);
        assert_true(plan_from_config(&c, 8, NULL, 0, &plan, &error));
        plan_free(&plan);
        config_free(&c);
        free(text);
    }
}

/* A file with nothing in it, and of a length that would fill the memory. */
static void a_file_without_end(void **state)
{
    (void)state;
    char path[] = "/tmp/test_plan.XXXXXX.csv", set[64], expected[256];
    int file = mkstemps(path, 4);
    const char *sets[] = {set, "parallel.pp=2", NULL};
    int64_t bytes;
    Error error;
    assert_int_equal(ftruncate(file, (off_t)100 << 30), 0);
    snprintf(set, sizeof set, "parallel.schedule=%s", path);
    Config c = parsed("", sets);
    assert_null(plan_text(&c, &bytes, &error));
    snprintf(expected, sizeof expected,
             "--set %s: it has 107.374 GB, and such a file has 64.000 MB at most; try another", set);
    assert_string_equal(error.text, expected);
    config_free(&c);
    close(file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ideal_durations),
        cmocka_unit_test(formula_is_the_walk),
        cmocka_unit_test(a_users_own),
        cmocka_unit_test(layers_of_stages),
        cmocka_unit_test(loads_of_a_global_batch),
        cmocka_unit_test(shipped_files),
        cmocka_unit_test(a_file_without_end),
    };
    return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
