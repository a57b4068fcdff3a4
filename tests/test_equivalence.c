/* test_equivalence.c - every split trains as the unsplit run does: losses,
 * gradients, weights, bytes and memory. On virtual ranks in this process; under
 * mpirun (tests/run.sh does both) on the ranks it was given. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/comm_mpi.h"
#include "tests/case.h"
#include "tests/check.h"

#ifdef SIM_DOUBLE
static const double TOLERANCE = 1e-12;
#else
static const double TOLERANCE = 1e-5;
#endif
enum { STEPS = 10 };

static Comm *mpi; /* NULL: virtual ranks */
static const int VIRTUAL_RANKS[] = {1, 2, 3, 4, 6, 8, 0};

static const char *const STRATEGIES[] = {"dp", "ddp", "zero1", "zero2", "zero3"};
enum { DP, DDP, ZERO1, ZERO2, ZERO3, STRATEGY_COUNT };

/* Runs the case on `ranks`; on every rank but 0 of an MPI run there is nothing to look at. */
static bool run_case(Case *c, int ranks)
{
    if (!mpi) return case_virtual(c, ranks);
    case_run(mpi, c);
    return mpi->rank == 0 && !c->refused[0];
}

static const int *rank_counts(void)
{
    static int one[2];
    if (!mpi) return VIRTUAL_RANKS;
    one[0] = mpi->size;
    return one;
}

static Case make_case(int strategy, const char *const *sets, int steps)
{
    static char data[STRATEGY_COUNT][32];
    Case c = {.steps = steps};
    snprintf(data[strategy], sizeof data[strategy], "parallel.data=%s", STRATEGIES[strategy]);
    c.sets[0] = data[strategy];
    for (int i = 0; sets && sets[i]; i++) c.sets[i + 1] = sets[i];
    return c;
}

static void compare_loss(const Case *truth, const Case *c, const char *what, int ranks)
{
    for (int i = 0; i < c->steps; i++) {
        double apart = fabs(c->loss[i] / truth->loss[i] - 1);
        if (!(apart <= TOLERANCE))
            print_error("%s on %d ranks: loss of step %d is %.3g apart\n", what, ranks, i, apart);
        assert_true(apart <= TOLERANCE);
    }
}

static void check_bytes(const Case *c, const char *what, int ranks)
{
    for (int r = 0; r < ranks; r++)
        for (int p = 0; p < PURPOSES; p++) {
            if (p == CONTROL || p == INIT_BROADCAST)
                continue; /* the run's, not the trainer's: see training.sh */
            if ((double)c->bytes[r][p] != c->theory[r][p])
                print_error("%s on %d ranks: rank %d sent %llu of %s, the formula says %.1f\n", what, ranks,
                            r, (unsigned long long)c->bytes[r][p], purpose_name[p], c->theory[r][p]);
            assert_true((double)c->bytes[r][p] == c->theory[r][p]);
        }
}

static void check_memory(const Case *c, const char *what, int ranks)
{
    for (int r = 0; r < ranks; r++)
        for (int m = 0; m < MEMORY_CATEGORIES; m++) {
            if (isnan(c->memory_theory[r][m])) continue;
            if ((double)c->peak[r][m] != c->memory_theory[r][m])
                print_error("%s on %d ranks: rank %d holds %llu of %s, the formula says %.1f\n", what, ranks,
                            r, (unsigned long long)c->peak[r][m], memory_category_name[m],
                            c->memory_theory[r][m]);
            assert_true((double)c->peak[r][m] == c->memory_theory[r][m]);
        }
}

/* Every strategy against one rank, under `sets`. */
static void against_one_rank(const char *const *sets)
{
    Case truth = make_case(DDP, sets, STEPS);
    assert_true(case_virtual(&truth, 1));
    for (const int *n = rank_counts(); *n; n++)
        for (int s = 0; s < STRATEGY_COUNT; s++) {
            Case c = make_case(s, sets, STEPS);
            if (!run_case(&c, *n)) {
                if (c.refused[0]) print_error("%s\n", c.refused);
                assert_true(mpi && mpi->rank > 0 && !c.refused[0]);
                continue;
            }
            compare_loss(&truth, &c, STRATEGIES[s], *n);
            double gradients = case_distance(&truth, &c, true);
            if (!(gradients <= TOLERANCE))
                print_error("%s on %d ranks: gradients %.3g apart\n", STRATEGIES[s], *n, gradients);
            assert_true(gradients <= TOLERANCE);
            assert_true(fabs(c.grad_norm / truth.grad_norm - 1) <= TOLERANCE);
            check_bytes(&c, STRATEGIES[s], *n);
            check_memory(&c, STRATEGIES[s], *n);
            case_free(&c);
        }
    case_free(&truth);
}

static void every_strategy_as_one_rank(void **state)
{
    (void)state;
    against_one_rank(NULL);
}

static void untied_without_overlap_one_bucket(void **state)
{
    (void)state;
    const char *sets[] = {"model.tie_embeddings=no", "parallel.overlap=no", "parallel.bucket_mb=25",
                          "train.clip=0", NULL};
    against_one_rank(sets);
}

static void unit_by_unit_large_microbatch(void **state)
{
    (void)state;
    const char *sets[] = {"parallel.bucket_mb=0", "train.microbatch=0", "train.optimizer=momentum",
                          "train.learning_rate=0.1", NULL};
    against_one_rank(sets);
}

static void plain_sgd(void **state)
{
    (void)state;
    const char *sets[] = {"train.optimizer=sgd", "train.microbatch=0", NULL};
    against_one_rank(sets);
}

/* ddp, zero1, zero2, zero3: the same bits in every weight, with one microbatch a rank. */
static void bit_identical(const char *clip)
{
    const char *sets[] = {"train.microbatch=0", clip, NULL};
    for (const int *n = rank_counts(); *n; n++) {
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

/* Every strategy twice with overlap, once without: nothing depends on when messages arrive. */
static void repeats_bit_for_bit(void **state)
{
    (void)state;
    for (const int *n = rank_counts(); *n; n++)
        for (int s = 0; s < STRATEGY_COUNT; s++) {
            const char *yes[] = {"parallel.overlap=yes", NULL}, *no[] = {"parallel.overlap=no", NULL};
            Case a = make_case(s, yes, 3), b = make_case(s, yes, 3), c = make_case(s, no, 3);
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

/* Dry and real ranks: the same bytes and peaks, to the byte. */
static void dry_equals_real(void **state)
{
    (void)state;
    static const char *const variants[][4] = {
        {NULL}, {"train.microbatch=0", NULL}, {"parallel.overlap=no", "model.tie_embeddings=no", NULL}};
    for (const int *n = rank_counts(); *n; n++)
        for (int s = 0; s < STRATEGY_COUNT; s++)
            for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
                Case real_one = make_case(s, variants[v], 2), dry = make_case(s, variants[v], 1);
                dry.dry = true;
                bool look = run_case(&real_one, *n);
                assert_true(case_virtual(&dry, *n)); /* in one process, also beside MPI */
                if (look) {
                    assert_memory_equal(dry.bytes, real_one.bytes, (size_t)*n * sizeof *dry.bytes);
                    assert_memory_equal(dry.peak, real_one.peak, (size_t)*n * sizeof *dry.peak);
                }
                case_free(&real_one);
                case_free(&dry);
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

/* Under MPI rank 0 alone asserts and prints; its first failure ends the whole
 * job, so that no rank is left in a collective. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_strategy_as_one_rank),
        cmocka_unit_test(untied_without_overlap_one_bucket),
        cmocka_unit_test(unit_by_unit_large_microbatch),
        cmocka_unit_test(plain_sgd),
        cmocka_unit_test(bit_identical_clipped),
        cmocka_unit_test(bit_identical_unclipped),
        cmocka_unit_test(repeats_bit_for_bit),
        cmocka_unit_test(dry_equals_real),
        cmocka_unit_test(zero3_holds_only_units_in_flight),
    };
    if (getenv("OMPI_COMM_WORLD_SIZE")) mpi = comm_mpi_start(&argc, &argv);
    if (mpi) setenv("CMOCKA_TEST_ABORT", "1", 1);
    setvbuf(stdout, NULL, _IONBF, 0); /* an abort must not swallow the verdict */
    if (mpi && mpi->rank > 0 && !freopen("/dev/null", "w", stdout)) return 1;
    int failed = cmocka_run_group_tests_name(
        mpi ? "equivalence on MPI ranks" : "equivalence on virtual ranks", tests, NULL, NULL);
    if (mpi && failed && mpi->rank == 0) comm_mpi_abort(1);
    if (mpi) comm_mpi_stop(mpi);
    return failed != 0;
}
