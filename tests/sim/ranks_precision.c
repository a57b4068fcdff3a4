/* ranks_precision.c - 16-bit training: the same bits under every split that adds in the same order, bytes and
 * memory as the formulas have them, values near those of fp32; and fp16's loss scale, with the steps all skip.
 * On virtual ranks in this process; under mpirun (tests/run.sh does both) on the ranks it was given. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"
#include "sim/run/plan_from_config.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"

#ifdef SIM_DOUBLE

static void refused(void **state)
{
    (void)state;
    static const char *const names[] = {"bf16", "fp16"};
    for (int i = 0; i < 2 && ranks_fit(1); i++) {
        Case c = case_of_words(1, "train.precision=%s", names[i]);
        assert_false(run_case(&c, 1));
        assert_non_null(strstr(c.refused, names[i]));
        assert_non_null(
            strstr(c.refused, "in fp64; try train.precision = fp32, or a build without REAL=double"));
        case_free(&c);
    }
    Case c = case_of_words(1, "train.matmul=own");
    if (ranks_fit(1)) assert_false(run_case(&c, 1));
    if (ranks_fit(1)) assert_non_null(strstr(c.refused, "computes in fp64; try train.matmul = blas"));
    case_free(&c);
}

int ranks_precision(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refused)};
    return cmocka_run_group_tests_name("16 bits in double", tests, NULL, NULL);
}

#else

/* Norms of several stages are added in an order that follows the stages, so nothing is clipped. */
static const char MODEL[] = "model.hidden=16 model.heads=4 model.ffn=32 model.sequence=8 model.layers=5 "
                            "model.dropout=0.1 train.global_batch=12 train.microbatch=2 train.clip=0";

typedef struct Grid {
    int ranks;
    const char *split;
} Grid;
static const Grid GRIDS[] = {
    {1, "parallel.tp=1"},
    {3, "parallel.tp=1"},
    {4, "parallel.tp=2"},
    {4, "parallel.tp=4 parallel.sequence_parallel=yes"},
    {4, "parallel.pp=2 train.microbatch=3"},
    {6, "parallel.tp=2 parallel.sequence_parallel=yes"},
    {8, "parallel.pp=2 parallel.tp=2 parallel.sequence_parallel=yes train.microbatch=3"},
};
enum { GRID_COUNT = sizeof GRIDS / sizeof *GRIDS, RANKS_MOST = 8 };

/* Those of a kind add in the same order. */
static const struct {
    const char *data, *reduce;
    int kind;
} DATA[] = {{"dp", "auto", 0},    {"ddp", "auto", 1},   {"zero1", "auto", 1}, {"zero2", "step", 1},
            {"zero3", "step", 1}, {"zero2", "auto", 2}, {"zero3", "auto", 2}};
enum { DATAS = sizeof DATA / sizeof *DATA, KINDS = 3 };
static const char *const RECOMPUTE[] = {"none", "selective", "full"};
static const char *const FORMATS[] = {"bf16", "fp16"};

/* ---- bits, bytes and memory ---- */

typedef struct Walk {
    const Grid *grid;
    const char *precision, *gradients, *widened;
    Case truth, first[KINDS]; /* on one rank; of each kind */
    int cases;
} Walk;

static Case split_case(const Walk *w, int data, int schedule)
{
    return case_of_words(2,
                         "%s %s train.precision=%s train.gradients=%s parallel.reduce_fp32=%s "
                         "parallel.data=%s parallel.reduce=%s "
                         "train.recompute=%s parallel.schedule=%s parallel.virtual_stages=%d",
                         MODEL, w->grid->split, w->precision, w->gradients, w->widened, DATA[data].data,
                         DATA[data].reduce, RECOMPUTE[w->cases % 3], schedule_name[schedule],
                         schedule == SCHEDULE_INTERLEAVED ? 2 : 1);
}

static void one_split(Walk *w, int data, int schedule)
{
    char what[160];
    int ranks = w->grid->ranks;
    Case c = split_case(w, data, schedule), dry = split_case(w, data, schedule),
         *first = &w->first[DATA[data].kind];
    snprintf(what, sizeof what, "%s, gradients %s, %s %s, reduced %s, widened %s, %s, recompute %s",
             w->precision, w->gradients, w->grid->split, DATA[data].data, DATA[data].reduce, w->widened,
             schedule_name[schedule], RECOMPUTE[w->cases % 3]);
    w->cases++;
    dry.dry = true;
    bool look = run_case(&c, ranks);
    if (c.refused[0]) print_error("%s on %d ranks: %s\n", what, ranks, c.refused);
    assert_true(!c.refused[0]);
    if (look) {
        assert_true(case_agrees(&w->truth, &c, what, ranks, 0.1));
        if (!(c.loss_apart < 2e-3))
            print_error("%s on %d ranks: the loss is %g apart\n", what, ranks, c.loss_apart);
        assert_true(c.loss_apart < 2e-3);
        assert_true(mpi || (case_virtual(&dry, ranks) && case_dry_equals(&c, &dry, what, ranks)));
        if (first->loss && !case_same_bits(first, &c))
            print_error("%s on %d ranks: other bits\n", what, ranks);
        assert_true(!first->loss || case_same_bits(first, &c));
    }
    case_free(&dry);
    if (look && !first->loss)
        *first = c;
    else
        case_free(&c);
}

/* Where there are stages every data with a third of the schedules, by `part`. */
static void one_grid(const Grid *grid, const char *precision, const char *gradients, const char *widened,
                     int part)
{
    Walk w = {.grid = grid, .precision = precision, .gradients = gradients, .widened = widened};
    bool staged = strstr(grid->split, "pp=2") != NULL;
    w.truth = case_of_words(2, "%s train.precision=%s", MODEL, precision);
    run_truth(&w.truth);
    for (int d = 0; d < DATAS; d++)
        for (int s = 0; s < SCHEDULE_KINDS; s++)
            if (staged ? (d + s + part) % 3 == 0 : s == SCHEDULE_1F1B) one_split(&w, d, s);
    for (int k = 0; k < KINDS; k++) case_free(&w.first[k]);
    case_free(&w.truth);
}

static void splits_agree(void **state)
{
    (void)state;
    for (int g = 0; g < GRID_COUNT; g++)
        for (int f = 0; f < 2 && ranks_fit(GRIDS[g].ranks); f++) {
            one_grid(&GRIDS[g], FORMATS[f], f ? "auto" : "same", "no", f); /* of several microbatches: fp32 */
            if (f == 0) one_grid(&GRIDS[g], FORMATS[f], "same", "yes", 2);
        }
}

/* With Adam 2 + 2 + 12; or Megatron's 2 + 4 + 12, asked for, or because a step has several microbatches. */
static void sixteen_bytes_a_parameter_or_eighteen(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        uint64_t gradients; /* bytes a parameter */
    } ways[] = {{"train.microbatch=0", 2},
                {"train.microbatch=0 train.gradients=fp32", 4},
                {"train.microbatch=12", 4},
                {"train.microbatch=12 train.gradients=same", 2}};
    for (int i = 0; i < 4 && ranks_fit(1); i++) {
        Case c = case_of_words(1, "train.precision=%s %s", FORMATS[i % 2], ways[i].words);
        assert_true(run_case(&c, 1));
        uint64_t count = (uint64_t)c.parameters;
        assert_int_equal(c.peak[0][MEM_PARAMETERS], 2 * count);
        assert_int_equal(c.peak[0][MEM_GRADIENTS], ways[i].gradients * count);
        assert_int_equal(c.peak[0][MEM_OPTIMIZER], 12 * count);
        case_free(&c);
    }
}

/* Scratch in 16 bits is no more than in 32: what this machine widens to compute with, no accelerator has. */
static void no_larger_workspace(void **state)
{
    (void)state;
    static const char *const models[] = {
        "model.attention=plain", "model.attention=flash",
        "model.norm=rmsnorm model.activation=swiglu model.position=rope model.bias=no model.kv_heads=2"};
    for (int g = 0; g < GRID_COUNT; g++)
        for (int k = 0; k < 3 && ranks_fit(1); k++) {
            uint64_t fp32[RANKS_MOST];
            for (int f = -1; f < 2; f++) {
                Case c = case_of_words(1, "%s %s %s train.precision=%s", MODEL, GRIDS[g].split, models[k],
                                       f < 0 ? "fp32" : FORMATS[f]);
                c.dry = true;
                assert_true(case_virtual(&c, GRIDS[g].ranks));
                for (int r = 0; r < GRIDS[g].ranks; r++) {
                    if (f < 0) fp32[r] = c.peak[r][MEM_WORKSPACE];
                    assert_true(c.peak[r][MEM_WORKSPACE] > 0 && c.peak[r][MEM_WORKSPACE] <= fp32[r]);
                }
                case_free(&c);
            }
        }
}

/* ---- values ---- */

static void wider_sums_are_nearer(void **state)
{
    (void)state;
    static const char *const data[] = {"dp", "ddp", "zero1", "zero2", "zero3"};
    if (!ranks_fit(8)) return;
    Case truth = case_of_words(1, "train.microbatch=3");
    run_truth(&truth);
    for (int f = 0; f < 2; f++)
        for (int d = 0; d < 5; d++) {
            double apart[2];
            for (int wide = 0; wide < 2; wide++) {
                Case c = case_of_words(1,
                                       "train.microbatch=0 train.precision=%s parallel.data=%s "
                                       "parallel.reduce_fp32=%s",
                                       FORMATS[f], data[d], wide ? "yes" : "no");
                bool look = run_case(&c, 8);
                apart[wide] = look ? case_gradients_apart(&truth, &c) : 1 - wide;
                case_free(&c);
            }
            assert_true(apart[1] < apart[0]);
        }
    case_free(&truth);
}

/* Of 512 microbatches each alone is 1/512 of the sum, which bf16 has 8 bits for. */
static void many_microbatches_add_up(void **state)
{
    (void)state;
    if (!ranks_fit(1)) return;
    const char batch[] = "train.global_batch=512 train.microbatch=1 model.layers=1 model.sequence=4";
    double apart[2];
    Case truth = case_of_words(1, "%s", batch);
    run_truth(&truth);
    for (int same = 0; same < 2; same++) {
        Case c =
            case_of_words(1, "%s train.precision=bf16 train.gradients=%s", batch, same ? "same" : "auto");
        assert_true(run_case(&c, 1));
        case_compare(&truth, &c);
        apart[same] = case_gradients_apart(&truth, &c);
        if (!same) assert_true(c.norm_apart < 2e-3);
        case_free(&c);
    }
    if (!(apart[0] < 0.005 && apart[1] > 0.02)) print_error("%g and %g apart\n", apart[0], apart[1]);
    assert_true(apart[0] < 0.005 && apart[1] > 0.02);
    case_free(&truth);
}

static Case ten_steps(const char *optimizer, const char *rate, const char *precision)
{
    return case_of_words(10, "model.dropout=0.1 train.optimizer=%s train.learning_rate=%s train.precision=%s",
                         optimizer, rate, precision);
}

/* Ten losses as fp32's; gradients and norm too, which know nothing of the loss's scale, as they are written to
 * files. Of weights only sgd's say so: Adam's step is the same whatever the scale of the gradients. */
static void near_fp32(void **state)
{
    (void)state;
    static const char *const optimizers[] = {"adamw", "sgd"};
    if (!ranks_fit(1)) return;
    for (int o = 0; o < 2; o++) {
        const char *rate = o ? "0.5" : "0.01";
        Case truth = ten_steps(optimizers[o], rate, "fp32");
        run_truth(&truth);
        for (int f = 0; f < 2; f++) {
            Case c = ten_steps(optimizers[o], rate, FORMATS[f]);
            assert_true(run_case(&c, 1));
            assert_true(case_agrees(&truth, &c, FORMATS[f], 1, 0.05));
            assert_true(c.loss_apart < 1e-3 && c.norm_apart < 1e-3);
            if (o) assert_true(case_distance(&truth, &c, false) < 0.1);
            case_free(&c);
        }
        case_free(&truth);
    }
}

/* What lies between two numbers of bf16 adds up in the master: a gain begins at 1, its neighbours are 1 - 1/256 and
 * 1 + 1/128, and Adam's step is 1/1000. */
static void small_steps_add_up(void **state)
{
    (void)state;
    if (!ranks_fit(1)) return;
    int ones[2] = {0};
    for (int after = 0; after < 2; after++) {
        Case c = case_of_words(after ? 20 : 1,
                               "train.precision=bf16 train.learning_rate=1e-3 train.decay=constant");
        assert_true(run_case(&c, 1));
        for (int64_t i = 0; i < c.parameters; i++) ones[after] += c.weights[i] == 1;
        case_free(&c);
    }
    assert_true(ones[0] >= 7 * 20 && ones[1] < ones[0] / 4); /* 3 blocks' norms, and the last */
}

/* ---- fp16's scale ---- */

enum { STEPS = 14, INTERVAL = 2 };
static const double FIRST = 4e9, BACKOFF = 0.2;

/* What one rank knows after a step. */
typedef struct Seen {
    double scale;
    int64_t updates;
    uint64_t weights; /* a hash of its parameters (dp sends them later) and of what its optimizer holds */
    int skipped, overflowed; /* `overflowed`: what it owns of the gradient itself */
} Seen;

typedef struct Watch {
    int step;
    Seen seen[STEPS][RANKS_MOST];
} Watch;

static const uint64_t HASH_OF_NOTHING = 0xcbf29ce484222325u; /* FNV-1a */

static uint64_t hash_of(uint64_t hash, Tensor t)
{
    const unsigned char *byte = t.data;
    for (size_t i = 0; i < tensor_bytes(t) && byte; i++) hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

static void watch(Trainer *t, const StepResult *result, void *context)
{
    Watch *w = context;
    const DataParallel *d = t->data_parallel;
    Seen mine = {.scale = result->loss_scale, .updates = t->updates, .skipped = result->skipped};
    const Tensor nothing = {0};
    mine.weights = hash_of(HASH_OF_NOTHING, d->config.kind == DATA_DP ? nothing : d->domain->parameters);
    for (int i = 0; i < OPTIMIZER_STATES; i++) mine.weights = hash_of(mine.weights, d->domain->state[i]);
    for (int u = 0; u < t->gpt->units; u++)
        mine.overflowed |= !isfinite(tensor_sum_of_squares(data_parallel_reduced(d, u)));
    Group *world = group_world(t->comm, CHANNELS);
    gather(world, CONTROL, &mine, sizeof mine, w->seen[w->step], 0);
    group_free(world);
    if (t->comm->rank == 0) w->step++;
}

/* All ranks skip the steps in which any overflowed, and then nothing of the optimizer's changes; the scale is what
 * its three keys say. Counts the steps in which not all ranks' own part overflowed. */
static void check_scale(const Watch *w, int ranks, int *skips, int *doublings, int *partly)
{
    double scale = FIRST;
    int64_t updates = 0;
    int fine = 0;
    for (int step = 0; step < STEPS; step++) {
        const Seen *seen = w->seen[step];
        int overflowed = 0, owners = 0; /* dp's other replicas own nothing, and have no optimizer */
        for (int r = 0; r < ranks; r++) overflowed += seen[r].overflowed;
        for (int r = 0; r < ranks; r++) owners += seen[r].weights != HASH_OF_NOTHING;
        bool skipped = overflowed > 0;
        *skips += skipped;
        *partly += skipped && overflowed < owners;
        updates += !skipped;
        for (int r = 0; r < ranks; r++) {
            assert_int_equal(seen[r].skipped, skipped);
            assert_int_equal(seen[r].updates, updates);
            assert_true(seen[r].scale == scale);
            bool same = step > 0 && seen[r].weights == w->seen[step - 1][r].weights;
            if (step > 0 && seen[r].weights != HASH_OF_NOTHING) assert_int_equal(same, skipped);
        }
        fine = skipped ? 0 : fine + 1;
        if (skipped) scale *= BACKOFF;
        if (fine < INTERVAL) continue;
        scale *= 2;
        fine = 0;
        ++*doublings;
    }
}

static void all_skip_the_same(void **state)
{
    (void)state;
    for (int g = 0; g < GRID_COUNT; g++) {
        int skips = 0, doublings = 0, partly = 0;
        if (!ranks_fit(GRIDS[g].ranks)) continue;
        int cases = 0;
        for (int d = 0; d < DATAS; d++) {
            if (strcmp(DATA[d].reduce, "step") == 0) continue; /* the five strategies once */
            cases++;
            Watch w = {0};
            Case c =
                case_of_words(STEPS,
                              "%s %s train.precision=fp16 train.gradients=same train.loss_scale=%g "
                              "train.loss_scale_backoff=%g "
                              "train.loss_scale_interval=%d parallel.data=%s parallel.reduce=%s",
                              MODEL, GRIDS[g].split, FIRST, BACKOFF, INTERVAL, DATA[d].data, DATA[d].reduce);
            c.look = watch;
            c.context = &w;
            if (run_case(&c, GRIDS[g].ranks)) check_scale(&w, GRIDS[g].ranks, &skips, &doublings, &partly);
            assert_true(!c.refused[0]);
            case_free(&c);
        }
        if (mpi && mpi->rank > 0) continue;
        assert_true(skips >= 2 * cases && doublings >= 2 * cases);
        if (strstr(GRIDS[g].split, "pp=2")) assert_true(partly > 0); /* else nobody had to be told */
    }
}

int ranks_precision(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_agree),

        cmocka_unit_test(no_larger_workspace),
        cmocka_unit_test(sixteen_bytes_a_parameter_or_eighteen),
        cmocka_unit_test(many_microbatches_add_up),
        cmocka_unit_test(wider_sums_are_nearer),
        cmocka_unit_test(near_fp32),
        cmocka_unit_test(small_steps_add_up),
        cmocka_unit_test(all_skip_the_same),
    };
    return cmocka_run_group_tests_name("16 bits", tests, NULL, NULL);
}

#endif
