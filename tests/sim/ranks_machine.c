/* ranks_machine.c - a machine's time is that of the program alone: training itself, whose kernels take whatever they
 * take here, has the seconds, bytes and memory of the dry run of its config, to the last bit.
 *
 * On virtual ranks in this process, and under mpirun on the ranks it was given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/seconds.h"

enum { STEPS = 2 };

#define MODEL \
    "model.layers=4 model.hidden=24 model.heads=12 model.ffn=36 model.sequence=12 train.global_batch=24 "
/* A step takes about as long on the links as on the chips. */
#define SLOW "hardware.profile=slow.ini software.launch_us=2e4 "

static const struct {
    const char *words;
    int ranks;
    Part exposed; /* communication of this kind there is; PARTS: none */
} GRIDS[] = {
    {"parallel.data=ddp", 1, PARTS},
    {"parallel.data=ddp parallel.bucket_mb=0.01", 2, PART_DP_EXPOSED},
    {"parallel.data=ddp parallel.bucket_mb=0.01 parallel.overlap=no", 3, PART_DP_EXPOSED},
    {"parallel.data=ddp parallel.bucket_mb=0.01 hardware.all_reduce=tree", 3, PART_DP_EXPOSED},
    {"parallel.data=ddp parallel.tp=2 hardware.order=dp-tp-pp hardware.all_reduce=auto", 8, PART_DP_EXPOSED},
    {"parallel.data=dp", 3, PART_DP_EXPOSED},
    {"parallel.data=zero1", 4, PART_DP_EXPOSED},
    {"parallel.data=zero2 train.recompute=full", 2, PART_DP_EXPOSED},
    {"parallel.data=zero1 parallel.gather=forward parallel.bucket_mb=0.01", 4, PART_DP_EXPOSED},
    {"parallel.data=zero3", 4, PART_DP_EXPOSED},
    {"parallel.data=zero3 parallel.quantize=both", 2, PART_DP_EXPOSED},
    {"parallel.tp=2", 2, PART_TP_EXPOSED},
    {"parallel.tp=4 parallel.sequence_parallel=yes train.recompute=selective", 4, PART_TP_EXPOSED},
    {"parallel.tp=4 parallel.tensor_overlap=bulk node.taken=0.3", 4, PART_TP_EXPOSED},
    {"parallel.tp=2 parallel.sequence_parallel=yes parallel.tensor_overlap=bulk parallel.data=zero3 "
     "train.recompute=full",
     4, PART_TP_EXPOSED},
    {"parallel.tp=4 parallel.sequence_parallel=yes parallel.tensor_overlap=pipelined "
     "parallel.tensor_pieces=2 "
     "node.taken=0.3",
     4, PART_TP_EXPOSED},
    {"parallel.pp=2 parallel.schedule=zb-h1 parallel.tp=2 parallel.sequence_parallel=yes "
     "parallel.tensor_overlap=pipelined",
     8, PART_TP_EXPOSED},
    {"parallel.pp=2 parallel.schedule=1f1b model.dropout=0.1", 2, PART_PP_IDLE},
    {"parallel.pp=4 parallel.schedule=zb-h1", 4, PART_PP_IDLE},
    {"parallel.pp=2 parallel.schedule=interleaved parallel.virtual_stages=2 parallel.tp=2", 4, PART_PP_WIRE},
    {"parallel.pp=2 parallel.schedule=1f1b parallel.tp=4 parallel.scatter_messages=yes", 8, PART_PP_WIRE},
    {"parallel.pp=2 parallel.schedule=1f1b parallel.tp=2 parallel.data=zero3 model.attention=flash", 8,
     PART_PP_WIRE},
    {"parallel.pp=2 parallel.schedule=gpipe parallel.data=zero1 parallel.tp=2 parallel.sequence_parallel=yes",
     8, PART_TP_EXPOSED},
    {"parallel.pp=2 parallel.schedule=interleaved parallel.virtual_stages=2 parallel.data=zero2 "
     "parallel.gather=forward parallel.quantize=parameters",
     4, PART_PP_IDLE},
};
enum { GRID_COUNT = sizeof GRIDS / sizeof *GRIDS };

/* What can occur and has; and what cannot is exactly zero. */
static void parts_that_occur(const Seconds *seen, const Config *config, int ranks, Part exposed)
{
    MeshShape mesh = config_mesh(config, ranks);
    double sum[PARTS] = {0};
    for (int r = 0; r < ranks; r++)
        for (int p = 0; p < PARTS; p++) sum[p] += seen->lanes[r].spent[p];
    assert_true(sum[PART_COMPUTE] > 0 && sum[PART_OPTIMIZER] > 0);
    assert_true((sum[PART_RECOMPUTE] > 0) == (config->train.recompute != RECOMPUTE_NONE));
    assert_true(exposed == PARTS || sum[exposed] > 0);
    assert_true(mesh.tp > 1 || sum[PART_TP_EXPOSED] == 0);
    assert_true(mesh.dp > 1 || sum[PART_DP_EXPOSED] == 0);
    assert_true(mesh.pp > 1 || sum[PART_PP_IDLE] + sum[PART_PP_WIRE] == 0);
}

static void training_takes_what_its_dry_run_says(void **state)
{
    (void)state;
    for (int g = 0; g < GRID_COUNT; g++) {
        int ranks = GRIDS[g].ranks;
        if (!ranks_fit(ranks)) continue;
        Seconds seen = {0}, without = {0};
        Case c = case_of_words(STEPS, MODEL SLOW "%s", GRIDS[g].words),
             dry = case_of_words(STEPS, MODEL SLOW "%s", GRIDS[g].words);
        c.look = dry.look = seconds_look;
        c.reads_clock = true;
        c.context = &seen;
        dry.context = &without;
        dry.dry = true;
        Config config;
        Error error;
        if (run_case(&c, ranks)) {
            assert_true(case_virtual(&dry, ranks));
            assert_true(case_dry_equals(&c, &dry, GRIDS[g].words, ranks));
            seconds_same(&seen, &without, ranks);
            assert_true(case_config(&c, &config, &error));
            parts_that_occur(&seen, &config, ranks, GRIDS[g].exposed);
            config_free(&config);
        }
        if (c.refused[0]) print_error("%s: %s\n", GRIDS[g].words, c.refused);
        assert_true(!c.refused[0]);
        void *const all[] = {seen.rows, seen.lanes, seen.sent, without.rows, without.lanes, without.sent};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
        case_free(&c);
        case_free(&dry);
    }
}

static double seconds_of(int grid, const char *worse)
{
    Seconds seen = {0};
    double seconds = 0;
    Case c = case_of_words(1, MODEL SLOW "%s %s", GRIDS[grid].words, worse);
    c.look = seconds_look;
    c.context = &seen;
    c.dry = true;
    if (!case_virtual(&c, GRIDS[grid].ranks)) fail_msg("%s %s: %s", GRIDS[grid].words, worse, c.refused);
    for (int r = 0; r < GRIDS[grid].ranks; r++) seconds = fmax(seconds, seen.lanes[r].now);
    seconds_free(&seen);
    case_free(&c);
    return seconds;
}

/* Half of what a machine has, or twice of what it waits for: no step is faster, and some are slower. */
static void less_is_never_faster(void **state)
{
    (void)state;
    static const char *const worse[] = {
        "chip.peak_32_tflops=0.5e-6", "chip.sustained=0.25",    "chip.bandwidth_gb=0.5e-4",
        "chip.elementwise=0.3",       "chip.stream=0.4",        "chip.gap_us=2000",
        "chip.tile_us=2000",

        "software.launch_us=4e4",     "software.loss_passes=2", "software.accumulate_bytes=8",
        "software.fused_bias=no",     "node.link_us=2e5",       "node.link_gb=2e-5",
        "node.card_us=4e5",           "node.card_gb=5e-6",      "parallel.overlap=no"};
    enum { WORSE = sizeof worse / sizeof *worse };
    int slower[WORSE] = {0};
    for (int g = 0; g < GRID_COUNT && !mpi; g++) {
        double seconds = seconds_of(g, "");
        for (int w = 0; w < WORSE; w++) {
            if (strstr(worse[w], "overlap") && strcmp(GRIDS[g].words, "parallel.data=dp") == 0) continue;
            double now = seconds_of(g, worse[w]);
            if (now < seconds * (1 - 1e-12))
                fail_msg("%s: %s: %.9g s, not %.9g", GRIDS[g].words, worse[w], now, seconds);
            slower[w] += now > seconds;
        }
    }
    for (int w = 0; w < WORSE && !mpi; w++) assert_true(slower[w] > 0);
}

int ranks_machine(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(less_is_never_faster),
        cmocka_unit_test(training_takes_what_its_dry_run_says),
    };
    return cmocka_run_group_tests_name("time on a machine", tests, NULL, NULL);
}
