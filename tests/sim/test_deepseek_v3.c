/* test_deepseek_v3.c - the layout that DeepSeek-V3 was trained in: 2,048 ranks walked by those that differ, in seconds; each
 * one's bytes and memory as by the formulas; and what the README says of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sim/run/foretell.h"
#include "sim/theory/theory.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"

enum { RANKS = 2048, STAGES = 16, REPLICAS = 128 };

static Alike *foreseen(const PlotPlace *place)
{
    Alike *alike = alike_new();
    Error error;
    const RunOptions options = {
        .config = "deepseek-v3.ini", .dry = true, .program_directory = place->program};
    if (!alike_foresee(alike, &options, RANKS, &error)) fail_msg("%s", error.text);
    return alike;
}

typedef struct Seen {
    const Alike *alike;
    int ranks, wrong;
    double dispatched; /* bytes of all ranks, there and back */
} Seen;

static void expect(Seen *seen, bool right, int rank, const char *what, double counted, double formula)
{
    if (right) return;
    if (seen->wrong++ == 0)
        print_error("rank %d, %s: %.17g, by the formula %.17g\n", rank, what, counted, formula);
}

static void look(const Trainer *t, void *context)
{
    Seen *seen = context;
    double bytes[PURPOSES], memory[MEMORY_CATEGORIES];
    int rank = t->comm->rank;
    seen->ranks++;
    theory_bytes(t->config, t->plan, RANKS, rank, bytes);
    theory_memory(t->config, t->plan, RANKS, rank, memory);
    for (int p = 0; p < PURPOSES; p++)
        if (p != CONTROL)
            expect(seen, (double)t->comm->bytes[p] == bytes[p], rank, purpose_row[p].name,
                   (double)t->comm->bytes[p], bytes[p]);
    for (int c = 0; c < MEMORY_CATEGORIES; c++)
        if (!isnan(memory[c]))
            expect(seen, (double)t->device.peak[c] == memory[c], rank, memory_category_name[c],
                   (double)t->device.peak[c], memory[c]);
    seen->dispatched += REPLICAS * (double)(t->comm->bytes[MOE_DISPATCH] + t->comm->bytes[MOE_COMBINE]);
}

static void counted_as_by_the_formulas(void **state)
{
    Alike *alike = foreseen(*state);
    Seen seen = {.alike = alike};
    Error error;
    assert_true(alike->walked.ranks == RANKS && alike->walked.count == STAGES);
    if (!foretell_walk(alike, look, &seen, &error)) fail_msg("%s", error.text);
    assert_true(seen.ranks == STAGES && seen.wrong == 0);
    /* 8 of a token's choices, 63 of 64 elsewhere, in 58 layers: 7168 values of 2 bytes, there and back, thrice */
    assert_true(seen.dispatched == 15360.0 * 4096 * 8 * 63 / 64 * 58 * 7168 * 2 * 2 * 3);
    alike_free(alike);
}

/* On a core; the README has what came out. */
static void in_seconds(void **state)
{
    char says[512];
    clock_t began = clock();
    Alike *alike = foreseen(*state);
    Foretold foretold;
    Error error;
    if (!foretell(alike, &foretold, &error)) fail_msg("%s", error.text);
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 5);
    assert_true(foretold.memory < 80e9);
    snprintf(says, sizeof says, "%.1f GB of 80 and %.1f s a step", foretold.memory / 1e9, foretold.seconds);
    char *readme = text_of("README.md");
    if (!strstr(readme, says)) fail_msg("README.md, on deepseek-v3.ini, should say: %s", says);
    free(readme);
    alike_free(alike);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counted_as_by_the_formulas, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(in_seconds, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("DeepSeek-V3", tests, NULL, NULL);
}
