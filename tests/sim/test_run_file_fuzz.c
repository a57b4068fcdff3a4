/* test_run_file_fuzz.c - damaged and made-up run files: report, plot, trace, inspect and baseline refuse each in one line, or
 * read it, soon and in little memory. A file of a complete run whose damage is not refused says what it said before.
 *
 *   test_run_file_fuzz [DAMAGED STRUCTURAL [SEED]]
 * Each file is a function of the seed and its number; -v as the last word prints each one's fate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/posix.h"
#include "tests/support/check.h"
#include "tests/support/damage.h"
#include "tests/support/folder.h"
#include "tests/support/readers.h"
#include "tests/support/sample_run.h"

static uint64_t damaged = 65, structural = 35, seed = 2;
static bool verbose;

/* Whole runs to damage, and what a reader says of the complete one. */
typedef struct Samples {
    char folder[FOLDER], whole[2][FOLDER + 16], copy[FOLDER + 16], charts[FOLDER + 16];
    char said[READERS][SAID_MOST];
} Samples;

static int make_samples(void **state)
{
    Samples *s = calloc(1, sizeof *s);
    if (!s || folder_make(s->folder)) return -1;
    snprintf(s->whole[0], sizeof s->whole[0], "%s/complete.h5", s->folder);
    snprintf(s->whole[1], sizeof s->whole[1], "%s/running.h5", s->folder);
    snprintf(s->copy, sizeof s->copy, "%s/run.h5", s->folder);
    snprintf(s->charts, sizeof s->charts, "%s/charts", s->folder);
    sample_run(s->whole[0], true);
    sample_run(s->whole[1], false);
    *state = s;
    return 0;
}

static int remove_samples(void **state)
{
    Samples *s = *state;
    const int status = folder_remove(s->folder);
    free(s);
    return status;
}

static void copy_sample(Samples *s, bool complete)
{
    Error error;
    if (!files_copy(s->whole[complete ? 0 : 1], s->copy, &error)) fail_msg("%s", error.text);
}

/* Both samples are read whole by all readers, or nothing below would say anything. */
static void test_undamaged(void **state)
{
    Samples *s = *state;
    static Reading r;
    for (int complete = 1; complete >= 0; complete--) {
        copy_sample(s, complete);
        for (int reader = 0; reader < READERS; reader++) {
            char why[2048];
            readers_read(&r, (Reader)reader, s->copy, s->charts);
            readers_judge(&r, why, sizeof why);
            if (why[0] || !readers_accepted(&r)) fail_msg("%s: %s%s", reader_name[reader], why, r.said);
            if (complete) strcpy(s->said[reader], r.said);
        }
    }
    if (sample_half()) assert_non_null(strstr(s->said[READ_REPORT], "as papers count"));
    assert_null(strstr(s->said[READ_REPORT], "DIFFERS"));
    assert_string_equal(s->said[READ_BASELINE], "12 losses\n");
}

typedef struct Count {
    int refused, accepted, bad;
    double seconds, megabytes; /* the most */
} Count;

static void read_copy(Samples *s, const char *words, bool same, Count *count)
{
    static Reading r;
    int accepted = 0;
    for (int reader = 0; reader < READERS; reader++) {
        char why[2048];
        readers_read(&r, (Reader)reader, s->copy, s->charts);
        readers_judge(&r, why, sizeof why);
        if (!why[0] && same && readers_accepted(&r) && strcmp(r.said, s->said[reader]) != 0)
            snprintf(why, sizeof why, "accepted, and says else: %.1500s", r.said);
        if (why[0]) {
            count->bad++;
            print_error("%s (%s): %s\n", reader_name[reader], words, why);
        } else if (verbose) {
            print_message("# %s: %s: %s", words, reader_name[reader],
                          readers_accepted(&r) ? "accepted\n" : r.said);
        }
        accepted += readers_accepted(&r);
        if (r.seconds > count->seconds) count->seconds = r.seconds;
        if (r.megabytes > count->megabytes) count->megabytes = r.megabytes;
    }
    count->accepted += accepted > 0;
    count->refused += accepted == 0;
}

static void tell(const char *what, const Count *c)
{
    print_message("# %s: %d refused, %d accepted, %d bad; at most %.2f s of CPU and %.0f MB\n", what,
                  c->refused, c->accepted, c->bad, c->seconds, c->megabytes);
}

/* Of three files two were complete: their checksums tell. */
static void test_damaged(void **state)
{
    Samples *s = *state;
    Count count[2] = {{0}, {0}};
    for (uint64_t i = 0; i < damaged; i++) {
        Dice dice = {seed << 32 | i};
        char words[DAMAGE_WORDS], name[DAMAGE_WORDS + 40];
        const bool complete = i % 3 < 2;
        copy_sample(s, complete);
        damage_bytes(s->copy, &dice, words);
        snprintf(name, sizeof name, "damaged %llu: %s%s", (unsigned long long)i, complete ? "" : "running, ",
                 words);
        read_copy(s, name, complete, &count[complete]);
    }
    tell("damaged, complete", &count[1]);
    tell("damaged, running", &count[0]);
    assert_int_equal(count[0].bad + count[1].bad, 0);
    assert_true(damaged == 0 || count[1].refused > 0);
}

static void test_structural(void **state)
{
    Samples *s = *state;
    Count count = {0};
    for (uint64_t i = 0; i < structural; i++) {
        Dice dice = {~(seed << 32 | i)};
        char words[DAMAGE_WORDS], name[DAMAGE_WORDS + 40];
        copy_sample(s, i % 2);
        damage_structure(s->copy, &dice, words);
        snprintf(name, sizeof name, "structure %llu: %s", (unsigned long long)i, words);
        read_copy(s, name, false, &count);
    }
    tell("structure", &count);
    assert_int_equal(count.bad, 0);
    assert_true(structural == 0 || count.refused > 0);
}

int main(int argc, char **argv)
{
    verbose = argc > 1 && !strcmp(argv[argc - 1], "-v");
    argc -= verbose;
    if (argc > 2) {
        damaged = strtoull(argv[1], NULL, 10);
        structural = strtoull(argv[2], NULL, 10);
    }
    if (argc > 3) seed = strtoull(argv[3], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undamaged),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_structural),
    };
    return cmocka_run_group_tests(tests, make_samples, remove_samples);
}
