/* ranks_stages.c - pipelines with odd corners train as the unsplit run does, and hold what their schedule says.
 * On virtual ranks in this process; under mpirun (tests/run.sh does both) on the ranks it was given. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/dual_pipe_v.h"

enum { STEPS = 2, VARIANTS = 5 };
static const char *const STRATEGIES[VARIANTS] = {"dp", "ddp", "zero1", "zero2", "zero3"};

/* Of one stage a rank. */
static const ScheduleKind PLAIN[] = {SCHEDULE_NAIVE, SCHEDULE_GPIPE, SCHEDULE_1F1B, SCHEDULE_ZB_H1};
enum { PLAINS = sizeof PLAIN / sizeof *PLAIN };

/* The model of case.c under `model`, split by `split`. The case's own strings live in `text`. */
typedef struct Setup {
    int ranks, virtual_stages; /* 2: interleaved alone */
    const char *model[5], *split[5];
    const char *schedule; /* a user's own, or NULL: built-in ones */
} Setup;

/* Two stages a rank; rank 0 has the first and the last, and so both copies of a tied embedding. */
static const char V_SHAPE[] = "0F0,3F0,3B0,0B0,0F1,3F1,3B1,0B1\n"
                              "1F0,2F0,2B0,1B0,1F1,2F1,2B1,1B1\n";
static const char V_SHAPE_HALVES[] = "0F0,0F1,3F0,3I0,3W0,3F1,3I1,0I0,0W0,0I1,3W1,0W1\n"
                                     "1F0,2F0,1F1,2F1,2I0,1I0,2I1,2W0,1W0,1I1,2W1,1W1\n";
static const char REVERSED[] = "2F0,2B0,2F1,2B1\n1F0,1F1,1B0,1B1\n0F0,0F1,0B0,0B1\n";

static const char PAIRS[] = "0F0,0F1,0F2,(0F3;0B0)OVERLAP_F_B,0B1,0B2,0B3\n"
                            "1F0,(1F1;1B0)OVERLAP_F_B,(1F2;1B1)OVERLAP_F_B,1F3,1B2,1B3\n";

static const Setup SETUPS[] = {
    /* fewer microbatches than ranks, layers that do not divide */
    {2, 1, {"train.microbatch=0"}, {"parallel.pp=2"}, NULL},
    {3, 1, {"train.microbatch=12", "model.layers=4"}, {"parallel.pp=3"}, NULL},
    {8, 1, {"train.microbatch=4", "model.layers=5"}, {"parallel.pp=4"}, NULL},
    {6, 1, {"train.microbatch=8", "model.layers=7"}, {"parallel.pp=6"}, NULL},
    /* microbatches that are no multiple of the ranks; untied; unclipped */
    {3, 1, {"train.microbatch=3", "model.tie_embeddings=no"}, {"parallel.pp=3"}, NULL},
    {4, 1, {"train.microbatch=4", "model.layers=7", "train.clip=0"}, {"parallel.pp=4"}, NULL},
    {6, 1, {"train.microbatch=3", "model.layers=7"}, {"parallel.pp=3"}, NULL},
    {8, 1, {"train.microbatch=4", "model.tie_embeddings=no"}, {"parallel.pp=2", "parallel.tp=2"}, NULL},
    {4, 1, {"train.microbatch=4"}, {"parallel.pp=2"}, NULL},
    /* interleaved: stages of one layer and of two, one group of microbatches and several */
    {2, 2, {"model.layers=5", "train.microbatch=6"}, {"parallel.pp=2"}, NULL},
    {3, 2, {"model.layers=6", "train.microbatch=8"}, {"parallel.pp=3"}, NULL},
    {4, 2, {"model.layers=5", "train.microbatch=2", "model.tie_embeddings=no"}, {"parallel.pp=2"}, NULL},
    {6, 2, {"model.layers=7", "train.microbatch=2"}, {"parallel.pp=3"}, NULL},
    /* a user's own */
    {2, 2, {"model.layers=5", "train.microbatch=12"}, {"parallel.pp=2"}, V_SHAPE},
    {2, 2, {"model.layers=5", "train.microbatch=12"}, {"parallel.pp=2"}, V_SHAPE_HALVES},
    {4, 2, {"model.layers=4", "train.microbatch=6"}, {"parallel.pp=2"}, V_SHAPE},
    {4, 2, {"model.layers=6", "train.microbatch=6"}, {"parallel.pp=2"}, V_SHAPE_HALVES},
    {8, 2, {"model.layers=5", "train.microbatch=6"}, {"parallel.pp=2", "parallel.tp=2"}, V_SHAPE_HALVES},
    {3, 1, {"train.microbatch=12"}, {"parallel.pp=3"}, REVERSED},
    {6, 1, {"train.microbatch=6", "model.layers=4"}, {"parallel.pp=3"}, REVERSED},
    /* a message in parts, of ranks that hold the same */
    {4,
     1,
     {"model.layers=4", "train.microbatch=6"},
     {"parallel.pp=2", "parallel.tp=2", "parallel.scatter_messages=yes"},
     NULL},
    {8,
     2,
     {"model.layers=6", "train.microbatch=6"},
     {"parallel.pp=2", "parallel.tp=2", "parallel.scatter_messages=yes"},
     V_SHAPE_HALVES},
    /* so many layers each; under sequence parallelism halves of backwards gather by the layer */
    {4,
     1,
     {"model.layers=5", "model.sequence=8", "train.microbatch=6"},
     {"parallel.pp=2", "parallel.tp=2", "parallel.sequence_parallel=yes", "parallel.layers_per_stage=1,4"},
     NULL},
    {4,
     1,
     {"model.layers=7", "train.microbatch=4"},
     {"parallel.pp=4", "parallel.layers_per_stage=1,3,1,2"},
     NULL},
    {4,
     2,
     {"model.layers=9", "train.microbatch=6"},
     {"parallel.pp=2", "parallel.layers_per_stage=4,1,2,2"},
     V_SHAPE},
    /* forwards and backwards that overlap: those of one stage, and of two on the same rank */
    {2, 1, {"model.layers=5", "train.microbatch=6"}, {"parallel.pp=2"}, PAIRS},
    {4, 2, {"model.layers=9", "train.microbatch=1", "train.global_batch=10"}, {"parallel.pp=4"}, DUAL_PIPE_V},
    {8, 2, {"model.layers=8", "train.microbatch=1", "train.global_batch=20"}, {"parallel.pp=4"}, DUAL_PIPE_V},
};

typedef struct Words {
    char data[32], schedule[48], stages[48];
} Words;

static Case case_of(const Setup *s, const char *data, const char *schedule, Words *text)
{
    Case c = {.steps = STEPS, .schedule = s->schedule};
    int n = 0;
    for (int i = 0; s->model[i]; i++) c.sets[n++] = s->model[i];
    for (int i = 0; s->split[i]; i++) c.sets[n++] = s->split[i];
    snprintf(text->data, sizeof text->data, "parallel.data=%s", data);
    snprintf(text->schedule, sizeof text->schedule, "parallel.schedule=%s", schedule);
    snprintf(text->stages, sizeof text->stages, "parallel.virtual_stages=%d", s->virtual_stages);
    c.sets[n++] = text->data;
    c.sets[n++] = text->schedule;
    c.sets[n++] = text->stages;
    return c;
}

static void one_case(const Case *truth, const Setup *s, const char *data, const char *schedule)
{
    char what[256];
    Words text = {0};
    Case c = case_of(s, data, schedule, &text);
    snprintf(what, sizeof what, "%s %s %s, %s, %s", s->model[0], s->split[0], s->split[1] ? s->split[1] : "",
             data, schedule);
    agrees_also_dry(truth, &c, what, s->ranks);
}

/* Each setup with every strategy: with the built-in schedules in turn, so that each two meet in some setup, and of a
 * user's own every other one; make check-matrix goes further. */
static void each_setup(bool own, int virtual_stages)
{
    for (size_t i = 0; i < sizeof SETUPS / sizeof *SETUPS; i++) {
        const Setup *s = &SETUPS[i];
        if (!ranks_fit(s->ranks) || !!s->schedule != own || (!own && s->virtual_stages != virtual_stages))
            continue;
        Case truth = {.steps = STEPS};
        for (int k = 0; s->model[k]; k++) truth.sets[k] = s->model[k];
        run_truth(&truth);
        for (size_t d = own ? i % 2 : 0; d < VARIANTS; d += own ? 2 : 1) {
            const ScheduleKind kind = virtual_stages > 1 ? SCHEDULE_INTERLEAVED : PLAIN[(i + d) % PLAINS];
            one_case(&truth, s, STRATEGIES[d], own ? "own.csv" : schedule_name[kind]);
        }
        case_free(&truth);
    }
}

static void one_stage_a_rank(void **state)
{
    (void)state;
    each_setup(false, 1);
}

static void interleaved(void **state)
{
    (void)state;
    each_setup(false, 2);
}

static void a_users_own(void **state)
{
    (void)state;
    each_setup(true, 0);
}

/* A random number of layers for each stage: numbers, bytes and memory as ever. */
static void layers_of_stages(void **state)
{
    (void)state;
    enum { CASES = 30, DRAWN = 12, LAYERS_MOST = 3 };
    uint64_t seed = 1;
    for (int i = 0; i < CASES; i++) {
        unsigned drawn[DRAWN];
        for (int k = 0; k < DRAWN; k++)
            drawn[k] = (unsigned)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33);
        int pp = 2 + (int)(drawn[0] % 3), v = 1 + (int)(drawn[1] % 2), dp = 1 + (int)(drawn[2] % 2),
            layers = 0;
        char list[64] = "", what[160];
        for (int s = 0; s < pp * v; s++) {
            int here = 1 + (int)(drawn[3 + s] % LAYERS_MOST);
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%d", s ? "," : "", here);
            layers += here;
        }
        if (!ranks_fit(pp * dp)) continue;
        ScheduleKind kind = v > 1 ? SCHEDULE_INTERLEAVED : PLAIN[drawn[11] / VARIANTS % PLAINS];
        const char *data = STRATEGIES[drawn[11] % VARIANTS], *schedule = schedule_name[kind];
        Case truth = case_of_words(2, "model.layers=%d", layers);
        Case c =
            case_of_words(2,
                          "model.layers=%d train.microbatch=%d parallel.pp=%d parallel.virtual_stages=%d "
                          "parallel.schedule=%s parallel.data=%s parallel.layers_per_stage=%s",
                          layers, 24 / dp / (2 * pp), pp, v, schedule, data, list);
        snprintf(what, sizeof what, "layers_per_stage = %s, %s, %s", list, schedule, data);
        run_truth(&truth);
        agrees_also_dry(&truth, &c, what, pp * dp);
        case_free(&truth);
    }
}

/* Counts the rows that say so, by rank. */
static void count_overlapped(Trainer *t, const StepResult *result, void *counts)
{
    (void)result;
    TimelineRow *rows = allocate((size_t)t->rows * sizeof *rows);
    trainer_rows(t, &t->laps, 0, t->rows, rows);
    for (int i = 0; i < t->rows; i++) ((int *)counts)[t->comm->rank] += rows[i].overlapped;
    free(rows);
}

/* As on paper (tests/parallel/test_notation.c): of 31.5 F every rank idles for 1.5. */
static void bubble_of_dual_pipe_v(void **state)
{
    (void)state;
    Case c = case_of_words(1, "model.layers=8 train.microbatch=1 train.global_batch=10 parallel.pp=4 "
                              "parallel.virtual_stages=2 parallel.schedule=own.csv");
    const int pairs[] = {9, 10, 11, 11};
    int counts[4] = {0};
    c.schedule = DUAL_PIPE_V;
    c.look = count_overlapped;
    c.context = counts;
    if (!ranks_fit(4)) return;
    bool look = run_case(&c, 4);
    assert_string_equal(c.refused, "");
    for (int r = 0; look && r < 4; r++) assert_true(fabs(c.bubble[r] - 1. / 21) < 1e-12);
    for (int r = 0; r < 4; r++) assert_true(counts[r] == pairs[r] || (mpi && mpi->rank != r));
    case_free(&c);
}

/* ---- what a rank holds ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The peak of activations by rank, on four ranks of one pipeline with eight layers. */
static bool peaks(const char *schedule, int virtual_stages, const char *microbatch, uint64_t peak[4])
{
    Setup s = {4, virtual_stages, {"model.layers=8", microbatch}, {"parallel.pp=4"}, NULL};
    Words text = {0};
    Case c = case_of(&s, "ddp", schedule, &text);
    c.steps = 1;
    bool look = run_case(&c, 4);
    assert_true(!c.refused[0]);
    for (int r = 0; look && r < 4; r++) peak[r] = c.peak[r][MEM_ACTIVATIONS];
    case_free(&c);
    return look;
}

/* naive holds one microbatch, so a peak over naive's is how many are in flight; of interleaved's stages, which are
 * half as large, on the ranks that have neither end of the model. */
static void in_flight(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        int m;
    } sizes[] = {{"train.microbatch=12", 2}, {"train.microbatch=4", 6}, {"train.microbatch=3", 8}};
    if (!ranks_fit(4)) return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *set = sizes[i].set;
        int m = sizes[i].m;
        uint64_t one[4], gpipe[4], f1b1[4];
        bool look = peaks("naive", 1, set, one);
        peaks("gpipe", 1, set, gpipe);
        peaks("1f1b", 1, set, f1b1);
        for (int r = 0; look && r < 4; r++) {
            assert_int_equal(gpipe[r], (uint64_t)m * one[r]);
            assert_int_equal(f1b1[r], (uint64_t)least(m, 4 - r) * one[r]);
        }
        uint64_t two[4];
        if (m % 4 == 0) peaks("interleaved", 2, set, two);
        for (int r = 1; look && m % 4 == 0 && r < 3; r++)
            assert_int_equal(2 * two[r], (uint64_t)least(2 * m, 2 * (3 - r) + 4 + 1) * one[r]);
    }
}

int ranks_stages(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stage_a_rank),      cmocka_unit_test(interleaved),
        cmocka_unit_test(a_users_own),           cmocka_unit_test(layers_of_stages),
        cmocka_unit_test(bubble_of_dual_pipe_v), cmocka_unit_test(in_flight),
    };
    return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
