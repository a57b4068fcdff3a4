/* test_remedy.c - what is said to make a run fit does: each remedy is walked, and counted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/report/report_command.h"
#include "sim/theory/remedy.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/machine_run.h"
#include "tests/support/planned.h"
#include "tests/support/plot_place.h"

/* The most that a rank holds in a dry step. */
static double counted(const char *words, int ranks)
{
    Case c = case_of_words(1, "%s", words);
    double most = 0;
    c.dry = true;
    if (!case_virtual(&c, ranks)) fail_msg("%s: %s", words, c.refused);
    for (int r = 0; r < ranks; r++) most = fmax(most, (double)c.peak[r][MEMORY_CATEGORIES]);
    case_free(&c);
    return most;
}

/* "a = b and c = d" after the words, as sets. */
static void with(const char *words, const char *set, char *text, size_t size)
{
    char *to = text + snprintf(text, size, "%s ", words);
    for (const char *at = set; *at; at++) {
        if (!strncmp(at, " and ", 5)) at += 4;
        if (!strncmp(at, " = ", 3)) {
            *to++ = '=';
            at += 2;
        } else
            *to++ = *at;
    }
    *to = '\0';
}

static int remedies_of(const char *words, int ranks, double share, Remedy remedy[REMEDIES])
{
    Planned p = planned_words(ranks, "%s", words);
    double most = counted(words, ranks);
    int count =
        theory_remedies(&p.config, ranks, most - theory_most_held(&p.config, ranks), share * most, remedy);
    planned_free(&p);
    return count;
}

#define WIDE                                                                                              \
    "model.layers=8 model.hidden=64 model.heads=8 model.ffn=256 model.sequence=64 train.global_batch=32 " \
    "train.optimizer=adam "

static void they_fit(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int ranks;
        double share; /* of what is held, that there is */
        const char *among;
    } cases[] = {
        {WIDE "train.microbatch=4 parallel.pp=2", 8, 0.8, "train.recompute"},
        {WIDE "train.microbatch=8", 4, 0.7, "train.microbatch = 4"},
        {WIDE "train.microbatch=1 parallel.data=ddp train.recompute=full", 8, 0.6, "parallel.data = zero2"},
        {WIDE "train.microbatch=2 parallel.data=zero1 parallel.tp=2 model.dropout=0.1", 8, 0.93,
         "parallel.sequence_parallel = yes"},
        {WIDE "train.microbatch=1 train.recompute=full parallel.data=zero1", 8, 0.6, "parallel.tp = 2"},
        {WIDE "train.microbatch=4 parallel.pp=2", 8, 0.15, " and "},
        {WIDE
         "train.microbatch=8 moe.experts=4 moe.ffn=64 moe.balance=auxiliary moe.balance_scope=global_batch",
         4, 0.8,
         "train.recompute"}, /* and no smaller microbatches, whose forwards 1f1b does not have first */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Remedy remedy[REMEDIES];
        const int count = remedies_of(cases[i].words, cases[i].ranks, cases[i].share, remedy);
        const double most = counted(cases[i].words, cases[i].ranks);
        bool among = false;
        for (int k = 0; k < count; k++) {
            char words[1024];
            with(cases[i].words, remedy[k].set, words, sizeof words);
            const double held = counted(words, cases[i].ranks);
            among |= strstr(remedy[k].set, cases[i].among) != NULL;
            if (!(remedy[k].bytes <= cases[i].share * most && held <= 1.1 * cases[i].share * most &&
                  fabs(held / remedy[k].bytes - 1) < 0.25))
                fail_msg("%s: %.0f of %.0f bytes, not %.0f", words, held, cases[i].share * most,
                         remedy[k].bytes);
        }
        if (!among) fail_msg("%s: no %s among %d", cases[i].words, cases[i].among, count);
    }
}

static void none(void **state)
{
    (void)state;
    Remedy remedy[REMEDIES];
    assert_int_equal(remedies_of(WIDE "train.microbatch=4 parallel.pp=2", 8, 0.001, remedy), 0);
}

#define SHAPE                                                                                              \
    "[model]\nlayers = 2\nhidden = 32\nheads = 4\nffn = 128\nvocab = 64\nsequence = 16\n[train]\nsteps = " \
    "1\n"                                                                                                  \
    "global_batch = 8\n[hardware]\nprofile = slow.ini\n"

static void reported(void **state)
{
    PlotPlace *place = *state;
    static const struct {
        const char *set, *said;
    } cases[] = {
        {"chip.memory_gb=0.003", "  memory      fits: stage 1 needs 2.000 MB of 3.000 MB\n"},
        {"chip.memory_gb=0.0018", "  memory      does not fit: stage 1 needs 2.000 MB of 1.800 MB; by the "
                                  "formulas it fits with train."},
        {"chip.memory_gb=1e-6", "of 1.000 kB; by the formulas no two keys make it fit: try more ranks\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_folder(place, "run.h5");
        char text[512];
        snprintf(text, sizeof text, "%s[parallel]\npp = 2\n", SHAPE);
        remove(path);
        machine_run(path, text, cases[i].set, 2, 20, (const double[]){1e6, 2e6});
        char *argv[] = {(char *)"report", (char *)path};
        const Capture c = capture();
        const int status = report_command(2, argv);
        captured(place, c);
        assert_int_equal(status, 0);
        assert_says(place->said, cases[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_fit),
        cmocka_unit_test(none),
        cmocka_unit_test_setup_teardown(reported, plot_setup_undrawn, plot_teardown),
    };
    return cmocka_run_group_tests_name("remedies", tests, NULL, NULL);
}
