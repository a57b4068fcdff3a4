/* ranks_clock.c - simulated time keeps its promises in training itself: what
 * the messages carried is what the same durations give on paper, action by
 * action; and under ideal durations what the papers say.
 *
 * On virtual ranks in this process, and under mpirun on the ranks it was given. */
#include <stdlib.h>
#include <string.h>
#include "tests/ranks.h"
#include "tests/support/check.h"
#include "tests/support/paper.h"

/* False on the ranks of an MPI run that have nothing to look at. */
static bool run_case(Case *c, int ranks, bool virtual_ranks)
{
    if (mpi && !virtual_ranks)
        case_run(mpi, c);
    else
        case_virtual(c, ranks);
    if (c->refused[0]) print_error("%s\n", c->refused);
    assert_true(!c->refused[0]);
    return !mpi || mpi->rank == 0;
}

#define DIVISIBLE "model.layers=8", "model.hidden=24", "model.heads=12", "model.ffn=36", "model.sequence=12"

/* shared: tensor groups and replicas talk while microbatches are on their way. */
static const struct {
    const char *sets[5];
    int ranks;
    bool shared;
} GRIDS[] = {
    {{"parallel.pp=2", "parallel.schedule=gpipe", "train.recompute=full"}, 2, false},
    {{"parallel.pp=2", "parallel.schedule=zb-h1", "train.recompute=selective"}, 2, false},
    {{"parallel.pp=3", "parallel.schedule=naive", "parallel.data=zero1"}, 3, false},
    {{"parallel.pp=3", "parallel.schedule=zb-h1", "model.tie_embeddings=no"}, 3, false},
    {{"parallel.pp=4", "parallel.schedule=interleaved", "parallel.virtual_stages=2"}, 4, false},
    {{"parallel.pp=2", "parallel.schedule=1f1b", "parallel.data=dp"}, 4, true},
    {{"parallel.pp=2", "parallel.schedule=zb-h1", "parallel.tp=2", "parallel.sequence_parallel=yes"},
     4,
     true},
    {{"parallel.pp=8", "parallel.schedule=zb-h1"}, 8, false},
    {{"parallel.tp=2", "parallel.data=zero1"}, 2, true},
    {{"parallel.data=zero2", "train.recompute=full"}, 3, true},
    {{"parallel.data=ddp", "parallel.bucket_mb=0.001"}, 4, false},
    {{"parallel.pp=4", "parallel.schedule=gpipe", "parallel.data=zero2", "train.recompute=full"}, 8, true},
    {{"parallel.pp=4", "parallel.schedule=1f1b", "parallel.tp=2", "train.recompute=selective"}, 8, true},
    {{"parallel.pp=2", "parallel.schedule=interleaved", "parallel.virtual_stages=4", "parallel.tp=2",
      "parallel.data=zero3"},
     8,
     true},
};
enum { GRID_COUNT = sizeof GRIDS / sizeof *GRIDS };

static Case grid_case(int g, const char *const *more, Seen *seen)
{
    Case c = {.steps = 2,
              .sets = {DIVISIBLE, paper_output},
              .reads_clock = true,
              .look = paper_look,
              .context = seen};
    int sets = 6;
    for (int i = 0; more[i]; i++) c.sets[sets++] = more[i];
    for (int i = 0; i < 5 && GRIDS[g].sets[i]; i++) c.sets[sets++] = GRIDS[g].sets[i];
    return c;
}

static void messages_carry_what_paper_says(void **state)
{
    (void)state;
    const char *const measured[] = {"hardware.profile=measured", "hardware.latency_us=200",
                                    "hardware.bandwidth_gb=0.05", NULL},
                      *const wide[] = {"hardware.profile=measured", "hardware.latency_us=200",
                                       "hardware.bandwidth_gb=1e9", NULL};
    for (int g = 0; g < GRID_COUNT; g++) {
        if (mpi && mpi->size != GRIDS[g].ranks) continue;
        Seen seen = {.shared = GRIDS[g].shared, .records = true};
        Case c = grid_case(g, seen.shared ? wide : measured, &seen);
        if (run_case(&c, GRIDS[g].ranks, false)) {
            paper_check(&seen, GRIDS[g].sets[1]);
            if (strstr(GRIDS[g].sets[0], "parallel.pp=")) assert_true(seen.idled > 0 && seen.travelled > 0);
        }
        free(seen.rows);
        case_free(&c);
    }
}

/* Ideal seconds are those of the paper walk and the formula, and a dry run has the same, row by row. */
static void ideal_time_needs_no_numbers(void **state)
{
    (void)state;
    const char *const ideal[] = {NULL};
    for (int g = 0; g < GRID_COUNT; g++) {
        if (mpi && mpi->size != GRIDS[g].ranks) continue;
        Seen seen = {.records = true}, without = {.records = true};
        Case c = grid_case(g, ideal, &seen), dry = grid_case(g, ideal, &without);
        dry.dry = true;
        bool looks = run_case(&c, GRIDS[g].ranks, false);
        if (looks) {
            run_case(&dry, GRIDS[g].ranks, true);
            paper_check(&seen, GRIDS[g].sets[1]);
            paper_check(&without, GRIDS[g].sets[1]);
            assert_int_equal(seen.rows_each, without.rows_each);
        }
        for (int i = 0; looks && i < GRIDS[g].ranks * seen.rows_each; i++) {
            const TimelineRow *a = &seen.rows[i], *b = &without.rows[i];
            assert_string_equal(a->action, b->action);
            assert_true(a->simulated_start == b->simulated_start && a->simulated_end == b->simulated_end);
            assert_true(a->recompute == b->recompute && a->communication == b->communication);
        }
        free(seen.rows);
        free(without.rows);
        case_free(&c);
        case_free(&dry);
    }
}

int ranks_clock(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_carry_what_paper_says),
        cmocka_unit_test(ideal_time_needs_no_numbers),
    };
    paper_start();
    int failed = cmocka_run_group_tests_name("simulated time of training", tests, NULL, NULL);
    paper_stop();
    return failed;
}
