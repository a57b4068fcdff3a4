/* ranks_equivalence.c - every split trains as the unsplit run does: losses,
 * gradients, weights, bytes and memory. On virtual ranks in this process; under
 * mpirun (tests/run.sh does both) on the ranks it was given. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"

/* A loss of the third step has been through two updates, the second by what the first left in the optimizer. */
enum { STEPS = 3 };

static const int VIRTUAL_RANKS[] = {1, 2, 3, 6, 8, 0};

static const char *const STRATEGIES[] = {"dp", "ddp", "zero1", "zero2", "zero3"};
enum { DP, DDP, ZERO1, ZERO2, ZERO3, STRATEGY_COUNT };

static const int *rank_counts(void)
{
    static int one[2];
    if (!mpi) return VIRTUAL_RANKS;
    one[0] = mpi->size;
    return one;
}

/* With those of the sets that the strategy takes. */
static Case make_case(int strategy, const char *const *sets, int steps)
{
    static char data[STRATEGY_COUNT][32];
    Case c = {.steps = steps};
    snprintf(data[strategy], sizeof data[strategy], "parallel.data=%s", STRATEGIES[strategy]);
    c.sets[0] = data[strategy];
    for (int i = 0, n = 1; sets && sets[i]; i++)
        if (case_data_takes(STRATEGIES[strategy], sets[i])) c.sets[n++] = sets[i];
    return c;
}

/* Strategies against one rank, under `sets`: all under those of variant 0; of others every other one, so that each two
 * of variant, strategy and ranks meet. Dry ranks and real ones have the same bytes and peaks, to the byte. */
static void against_one_rank(int variant, const char *const *sets)
{
    Case truth = make_case(DDP, sets, STEPS);
    run_truth(&truth);
    for (const int *n = rank_counts(); *n; n++)
        for (int s = 0; s < STRATEGY_COUNT; s++) {
            if (variant > 0 && (variant + s + *n / 2) % 2) continue;
            Case c = make_case(s, sets, STEPS);
            agrees_also_dry(&truth, &c, STRATEGIES[s], *n);
        }
    case_free(&truth);
}

static void every_strategy_as_one_rank(void **state)
{
    (void)state;
    against_one_rank(0, NULL);
}

static void untied_without_overlap_one_bucket(void **state)
{
    (void)state;
    const char *sets[] = {"model.tie_embeddings=no", "parallel.overlap=no", "parallel.bucket_mb=25",
                          "train.clip=0", NULL};
    against_one_rank(1, sets);
}

static void unit_by_unit_large_microbatch(void **state)
{
    (void)state;
    const char *sets[] = {"parallel.bucket_mb=0", "train.microbatch=0", "train.optimizer=momentum",
                          "train.learning_rate=0.1", NULL};
    against_one_rank(2, sets);
}

static void plain_sgd(void **state)
{
    (void)state;
    const char *sets[] = {"train.optimizer=sgd", "train.microbatch=0", NULL};
    against_one_rank(3, sets);
}

/* Tensor parallelism on every grid, with every strategy; 19 words divide by nothing, so the vocabulary is padded. */
static const struct {
    int ranks, tp;
} GRIDS[] = {{2, 2}, {3, 3}, {4, 2}, {4, 4}, {6, 2}, {6, 3}, {6, 6}, {8, 2}, {8, 4}};
enum { GRID_COUNT = sizeof GRIDS / sizeof *GRIDS };

/* Of `part` 0 or 1: half of a grid's strategies. Each has sequence parallelism or not on every other grid, so that all
 * three of part, strategy and that meet on some. */
static void tensor_parallel_grids(const char *const *sets, int part)
{
    Case truth = make_case(DDP, sets, STEPS);
    run_truth(&truth);
    for (int g = 0; g < GRID_COUNT; g++)
        for (int s = 0; s < STRATEGY_COUNT && ranks_fit(GRIDS[g].ranks); s++) {
            bool sequence = (g + s) % 2;
            if ((g / 2 + s / 2) % 2 != part) continue;
            char tp[32], what[64];
            const char *more[16] = {tp, sequence ? "parallel.sequence_parallel=yes" : "parallel.overlap=yes"};
            snprintf(tp, sizeof tp, "parallel.tp=%d", GRIDS[g].tp);
            snprintf(what, sizeof what, "%s with tp = %d%s", STRATEGIES[s], GRIDS[g].tp,
                     sequence ? ", sp" : "");
            for (int i = 0; sets[i]; i++) more[i + 2] = sets[i];
            Case c = make_case(s, more, STEPS);
            agrees(&truth, &c, what, GRIDS[g].ranks);
            case_free(&c);
        }
    case_free(&truth);
}

#define DIVISIBLE "model.hidden=24", "model.heads=12", "model.ffn=36", "model.sequence=12"

static void tensor_parallel_as_one_rank(void **state)
{
    (void)state;
    const char *sets[] = {DIVISIBLE, "train.microbatch=2", NULL};
    tensor_parallel_grids(sets, 0);
}

static void tensor_parallel_untied_unclipped(void **state)
{
    (void)state;
    const char *sets[] = {DIVISIBLE, "model.tie_embeddings=no", "train.clip=0", "train.microbatch=0", NULL};
    tensor_parallel_grids(sets, 1);
}

/* A slice of the vocabulary may be padding from end to end: 9 words in 8 slices of 2. */
static void tensor_parallel_padded_slices(void **state)
{
    (void)state;
    const char *sets[] = {"model.hidden=16",  "model.heads=8", "model.ffn=24",
                          "model.sequence=8", "model.vocab=9", NULL};
    const char *split[] = {"model.hidden=16",
                           "model.heads=8",
                           "model.ffn=24",
                           "model.sequence=8",
                           "model.vocab=9",
                           "parallel.tp=8",
                           "parallel.sequence_parallel=yes",
                           NULL};
    if (!ranks_fit(8)) return;
    Case truth = make_case(DDP, sets, STEPS), c = make_case(ZERO3, split, STEPS);
    run_truth(&truth);
    agrees(&truth, &c, "tp = 8, sp, 9 words", 8);
    case_free(&c);
    case_free(&truth);
}

/* Recomputing changes no bit of any weight, and the ledger and the bytes as the formulas say. Every strategy with one
 * way of recomputing under a split, and the other under the next. */
static void recompute_changes_no_bit(void **state)
{
    (void)state;
    for (int split = 0; split < 3; split++)
        for (int s = 0; s < STRATEGY_COUNT && ranks_fit(4); s++) {
            const char *recompute = (split + s) % 2 ? "train.recompute=selective" : "train.recompute=full";
            const char *sets[] = {"train.recompute=none", DIVISIBLE,
                                  split ? "parallel.tp=2" : "parallel.tp=1",
                                  split == 2 ? "parallel.sequence_parallel=yes" : NULL, NULL};
            Case kept = make_case(s, sets, 2);
            sets[0] = recompute;
            Case c = make_case(s, sets, 2);
            bool look = run_case(&kept, 4);
            if (run_case(&c, 4) && look) {
                assert_true(case_agrees(&kept, &c, recompute, 4, 0));
                assert_memory_equal(c.weights, kept.weights, (size_t)c.parameters * sizeof(real));
                assert_true(c.peak[0][MEM_ACTIVATIONS] < kept.peak[0][MEM_ACTIVATIONS]);
            }
            assert_true(!kept.refused[0] && !c.refused[0]);
            case_free(&kept);
            case_free(&c);
        }
}

/* Nor does what the ring of an input's gradient goes on beside: of slices of the sequence on every other grid. */
static void tensor_overlap_changes_no_bit(void **state)
{
    (void)state;
    for (int g = 0; g < GRID_COUNT; g++) {
        char tp[32];
        const char *sets[] = {DIVISIBLE,
                              tp,
                              g % 2 ? "parallel.sequence_parallel=yes" : "train.recompute=selective",
                              "train.microbatch=2",
                              NULL,
                              NULL};
        if (!ranks_fit(GRIDS[g].ranks)) continue;
        snprintf(tp, sizeof tp, "parallel.tp=%d", GRIDS[g].tp);
        Case waits = make_case(ZERO2, sets, 2);
        sets[sizeof sets / sizeof *sets - 2] = "parallel.tensor_overlap=bulk";
        Case bulk = make_case(ZERO2, sets, 2);
        bool look = run_case(&waits, GRIDS[g].ranks);
        if (run_case(&bulk, GRIDS[g].ranks) && look) {
            assert_true(case_agrees(&waits, &bulk, "bulk", GRIDS[g].ranks, 0));
            assert_true(case_same_bits(&waits, &bulk));
        }
        assert_true(!waits.refused[0] && !bulk.refused[0]);
        case_free(&waits);
        case_free(&bulk);
    }
}

/* Rows that cross by pieces, more than there are, as many, or of several lengths; of one sample or of more. */
static void by_pieces_as_one_rank(void **state)
{
    (void)state;
    static const char *const pieces[] = {"1", "2", "3", "32"};
    const char *sets[] = {DIVISIBLE, "train.microbatch=2", NULL};
    Case truth = make_case(DDP, sets, 2);
    run_truth(&truth);
    for (int g = 0; g < GRID_COUNT; g++)
        for (int k = g % 2; k < 4 && ranks_fit(GRIDS[g].ranks); k += 2) {
            char tp[32], cut[48], what[64];
            const char *split[] = {DIVISIBLE,
                                   tp,
                                   cut,
                                   "parallel.sequence_parallel=yes",
                                   "parallel.tensor_overlap=pipelined",
                                   k % 2 ? "train.microbatch=1" : "train.microbatch=2",
                                   k == 1 ? "train.recompute=full" : "train.recompute=none",
                                   NULL};
            snprintf(tp, sizeof tp, "parallel.tp=%d", GRIDS[g].tp);
            snprintf(cut, sizeof cut, "parallel.tensor_pieces=%s", pieces[k]);
            snprintf(what, sizeof what, "tp = %d in %s pieces", GRIDS[g].tp, pieces[k]);
            Case c = make_case((k + g) / 2 % 2 ? ZERO3 : DDP, split, 2);
            agrees(&truth, &c, what, GRIDS[g].ranks);
            case_free(&c);
        }
    case_free(&truth);
}

/* ddp, zero1, zero2, zero3: the same bits in every weight, with one microbatch a rank. */
static void bit_identical(const char *clip)
{
    for (const int *n = rank_counts(); *n; n++) {
        bool halves = *n % 2 == 0; /* tensor parallelism as well */
        const char *sets[] = {"train.microbatch=0", clip, halves ? "parallel.tp=2" : NULL, NULL};
        Case ddp = make_case(DDP, sets, STEPS);
        bool look = run_case(&ddp, *n);
        for (int s = DDP; s <= ZERO3; s++) { /* ddp again, too: a run repeats bit for bit */
            Case c = make_case(s, sets, STEPS);
            run_case(&c, *n);
            if (look) {
                assert_memory_equal(c.weights, ddp.weights, (size_t)c.parameters * sizeof(real));
                assert_memory_equal(c.loss, ddp.loss, STEPS * sizeof *c.loss);
            }
            case_free(&c);
        }
        case_free(&ddp);
    }
}

static void bit_identical_clipped(void **state)
{
    (void)state;
    bit_identical("train.clip=0.1");
}

static void bit_identical_unclipped(void **state)
{
    (void)state;
    bit_identical("train.clip=0");
}

/* Strategies twice with overlap, once without: nothing depends on when messages arrive, nor on when updated
 * parameters are gathered, also those of the last step. Half of them on so many ranks, the others on the next. */
static void repeats_bit_for_bit(void **state)
{
    (void)state;
    for (const int *n = rank_counts(); *n; n++)
        for (int s = *n / 2 % 2; s<STRATEGY_COUNT && * n> 1; s += 2) {
            const char *yes[] = {"parallel.overlap=yes", NULL}, *no[] = {"parallel.overlap=no", NULL},
                       *later[] = {"parallel.gather=forward", NULL};
            Case a = make_case(s, yes, 3), b = make_case(s, later, 3), c = make_case(s, no, 3);
            bool look = run_case(&a, *n);
            run_case(&b, *n);
            run_case(&c, *n);
            if (look) {
                assert_memory_equal(a.weights, b.weights, (size_t)a.parameters * sizeof(real));
                assert_memory_equal(a.weights, c.weights, (size_t)a.parameters * sizeof(real));
            }
            case_free(&a);
            case_free(&b);
            case_free(&c);
        }
}

/* zero3 never holds more than the units in flight: two of parameters (one in
 * use, one on its way; the tied head holds the embedding as a third), one of
 * gradients filling and one travelling, the embedding's until the end. */
static void zero3_holds_only_units_in_flight(void **state)
{
    (void)state;
    const char *sets[] = {"model.layers=12", "train.microbatch=0", NULL};
    if (mpi) return;
    Case c = make_case(ZERO3, sets, 1);
    assert_true(case_virtual(&c, 4));
    double h = 20, f = 44, embedding = (19 + 7) * h, block = 4 * h * h + 2 * h * f + 9 * h + f, final = 2 * h;
    double most = 2 * embedding + 4 * block + final + block / 4 + 4 * 4;
    assert_true((double)c.peak[0][MEM_COMMUNICATION] <= most * sizeof(real));
    assert_true((double)c.peak[0][MEM_COMMUNICATION] >= 2 * block * sizeof(real));
    case_free(&c);
}

int ranks_equivalence(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_strategy_as_one_rank),    cmocka_unit_test(untied_without_overlap_one_bucket),
        cmocka_unit_test(unit_by_unit_large_microbatch), cmocka_unit_test(plain_sgd),
        cmocka_unit_test(tensor_parallel_as_one_rank),   cmocka_unit_test(tensor_parallel_untied_unclipped),
        cmocka_unit_test(tensor_parallel_padded_slices), cmocka_unit_test(recompute_changes_no_bit),
        cmocka_unit_test(tensor_overlap_changes_no_bit), cmocka_unit_test(by_pieces_as_one_rank),
        cmocka_unit_test(bit_identical_clipped),         cmocka_unit_test(bit_identical_unclipped),
        cmocka_unit_test(repeats_bit_for_bit),           cmocka_unit_test(zero3_holds_only_units_in_flight),
    };
    return cmocka_run_group_tests_name("equivalence", tests, NULL, NULL);
}
