/* test_fit.c - sim validate --fit: numbers that were measured on a known machine are found again; requests that are
 * refused; halves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "sim/base/standard.h"
#include "sim/validate/validate.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"

static int validate(int argc, char **argv, const PlotPlace *place)
{
    return validate_command(argc, argv, place->program);
}
#define VALIDATE(place, ...) \
    command_words(place, "validate", validate, (const char *const[]){__VA_ARGS__, NULL})

#define HEAD "case,source,ranks,seconds,model.hidden,model.layers,train.microbatch,parallel.pp\n"
static const char INI[] =
    "[hardware]\nprofile = a100-80gb-dgx\n[chip]\nsustained = 0.88\nflash_forward = 0.7\n[software]\n"
    "launch_us = 105\n[model]\nsequence = 512\nheads = 16\nvocab = 1024\n"
    "[train]\nprecision = bf16\nglobal_batch = 32\nrecompute = full\n";
enum { CASES = 8 };
static const char *const shapes[CASES] = {"1024,4,8,", "2048,4,8,", "4096,2,4,", "8192,2,2,",
                                          "512,4,1,",  "512,8,2,2", "4096,2,8,", "8192,4,4,2"};

/* NAME.csv of cases that "took" what is foretold with these keys; 1 to `count`, of which the last is `off` times
 * that. */
static const char *measured_with(PlotPlace *place, const char *name, const char *const keys[2], double off)
{
    char file[32], text[2048] = HEAD;
    const char *at;
    snprintf(file, sizeof file, "%s.ini", name);
    written_in(place, file, INI);
    snprintf(file, sizeof file, "%s.csv", name);
    for (int i = 0; i < CASES; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "case %d,here,2,1,%s\n", i + 1, shapes[i]);
    const char *csv = written_in(place, file, text);
    assert_int_equal(VALIDATE(place, csv, "--csv", "--set", keys[0], "--set", keys[1]), STATUS_OK);
    strcpy(text, HEAD);
    at = place->said;
    for (int i = 0; i < CASES; i++) {
        double seconds;
        at = strchr(at, '\n') + 1;
        assert_int_equal(sscanf(at, "%*[^,],%*[^,],here,2,seconds,1,%lf", &seconds), 1);
        snprintf(text + strlen(text), sizeof text - strlen(text), "case %d,here,2,%.17g,%s\n", i + 1,
                 seconds * (i == CASES - 1 ? off : 1), shapes[i]);
    }
    return written_in(place, file, text);
}

/* The number behind "KEY = " in what was printed. */
static double printed(const PlotPlace *place, const char *key)
{
    char line[64];
    double value;
    snprintf(line, sizeof line, "\n%s = ", key);
    const char *at = strstr(place->said, line);
    if (!at) fail_msg("no %s in %s", key, place->said);
    assert_int_equal(sscanf(at + strlen(line), "%lf", &value), 1);
    return value;
}

static const char *const truth[2] = {"chip.sustained=0.613", "software.launch_us=161.5"};

static void finds_the_machine(void **state)
{
    PlotPlace *place = *state;
    const char *csv = measured_with(place, "m", truth, 1);
    assert_int_equal(VALIDATE(place, csv, "--fit", "software.launch_us,chip.sustained"), STATUS_OK);
    assert_says(place->said, "2 keys fitted to 8 cases of 1 set, by ");
    assert_says(place->said, "\n\n[chip]\nsustained = ");
    assert_null(strstr(place->said, "at the end"));
    assert_says(place->said, "; 0.88 before\n[software]\nlaunch_us = ");
    assert_says(place->said, "; 105 before\n\n");
    assert_true(fabs(printed(place, "sustained") - 0.613) < 2e-3);
    assert_true(fabs(printed(place, "launch_us") - 161.5) < 0.5);
    assert_says(place->said, " 0.0 % fitted");
    /* from elsewhere */
    assert_int_equal(VALIDATE(place, csv, "--set", "software.launch_us=0", "--set", "chip.sustained=0.3",
                              "--fit", "software.launch_us,chip.sustained"),
                     STATUS_OK);
    assert_says(place->said, "; 0.3 before\n");
    assert_true(fabs(printed(place, "sustained") - 0.613) < 2e-3);
    assert_true(fabs(printed(place, "launch_us") - 161.5) < 0.5);
    /* one of them alone cannot bring it to nothing, and is as --set says of what it found */
    assert_int_equal(VALIDATE(place, csv, "--fit", "software.launch_us"), STATUS_OK);
    char set[64], mean[64];
    snprintf(set, sizeof set, "software.launch_us=%.10g", printed(place, "launch_us"));
    double fitted;
    assert_int_equal(sscanf(strstr(place->said, "before, "), "before, %lf", &fitted), 1);
    snprintf(mean, sizeof mean, "8 cases: mean error %.1f %%", fitted);
    assert_int_equal(VALIDATE(place, csv, "--set", set), STATUS_OK);
    assert_says(place->said, mean);
    assert_true(fitted > 0.5);
}

/* One case in eight is wrong by far: the 4th of the second half. Fitted to the first half, that half is right; a case
 * that a fit did not see is counted as one. */
static void halves(void **state)
{
    PlotPlace *place = *state;
    const char *csv = measured_with(place, "m", truth, 3);
    double own, other, second, first;
    assert_int_equal(VALIDATE(place, csv, "--fit", "software.launch_us,chip.sustained", "--half"), STATUS_OK);
    const char *at = strstr(place->said, "fitted to the 1st half: ");
    assert_non_null(at);
    assert_int_equal(
        sscanf(at,
               "fitted to the 1st half: it %lf %%, the 2nd, unseen, %lf %%; to the 2nd: it %lf %%, "
               "the 1st, unseen, %lf %%",
               &own, &other, &second, &first),
        4);
    assert_true(own < 0.1 && fabs(other - 100 * (2 / 3.0) / 4) < 0.3);
    assert_true(second <= other + 0.1 && first >= own);
    assert_says(place->said, "; 0.88 before; fitted to halves 0.61");
}

/* A value for each of two sets, which begin apart, beside one that they share. */
static void a_set_of_its_own(void **state)
{
    PlotPlace *place = *state;
    static const char *const slower[2] = {"chip.sustained=0.4", "software.launch_us=161.5"};
    const char *one = measured_with(place, "one", truth, 1), *two = measured_with(place, "two", slower, 1);
    char ini[sizeof INI];
    strcpy(ini, INI);
    strstr(ini, "0.88")[2] = '5';
    written_in(place, "two.ini", ini);
    assert_int_equal(
        VALIDATE(place, one, two, "--fit", "two:chip.sustained,software.launch_us,chip.sustained"),
        STATUS_OK);
    assert_true(fabs(printed(place, "sustained") - 0.613) < 2e-3);
    assert_true(fabs(printed(place, "launch_us") - 161.5) < 0.5);
    const char *alone = strstr(place->said, "; of two alone\n[chip]\nsustained = ");
    double value;
    assert_non_null(alone);
    assert_int_equal(sscanf(alone, "; of two alone\n[chip]\nsustained = %lf", &value), 1);
    assert_true(fabs(value - 0.4) < 2e-3);
    assert_says(alone, "; 0.58 before\n");
    assert_says(place->said, "each set weighted alike: ");
    assert_says(place->said, " 0.0 % fitted");
}

static void what_does_not_matter(void **state)
{
    PlotPlace *place = *state;
    const char *csv = measured_with(place, "m", truth, 1);
    assert_int_equal(VALIDATE(place, csv, "--fit", "chip.flash_forward,chip.sustained,software.launch_us"),
                     STATUS_OK);
    assert_says(place->said, "2 keys fitted to 8 cases of 1 set, by ");
    assert_says(place->said, "flash_forward = 0.7         ; does not matter: no case changes with it\n");
    assert_null(strstr(place->said, "changes all cases as"));
    /* a peak, and the share of it that is sustained */
    assert_int_equal(VALIDATE(place, csv, "--fit", "chip.sustained,chip.peak_16_tflops"), STATUS_OK);
    assert_says(place->said, " before; changes all cases as chip.peak_16_tflops does: fit one of the two\n");
    assert_int_equal(VALIDATE(place, csv, "--fit", "chip.flash_forward"), STATUS_BAD_REQUEST);
    assert_string_equal(place->said,
                        "sim: validate: --fit chip.flash_forward: does not matter: no case changes with "
                        "it; try another key\n");
    /* sooner than any clock allows */
    csv = written_in(place, "m.csv", HEAD "one,here,2,1e-6,1024,4,8,\ntwo,here,2,1e-6,2048,4,8,\n");
    assert_int_equal(VALIDATE(place, csv, "--fit", "chip.sustained"), STATUS_OK);
    assert_says(place->said, "\nsustained = 1               ; 0.88 before; at the end of its range: ");
}

static void refusals(void **state)
{
    static const struct {
        const char *words[4], *message;
    } cases[] = {
        {{"--fit"}, "--fit needs a value; try"},
        {{"--fit", "sustained"}, "--fit sustained: no section before the key; try --fit chip.sustained"},
        {{"--fit", "chip.sustaind"}, "--fit chip.sustaind: no such key; try chip.sustained"},
        {{"--fit", "chip.sustained,"}, "--fit \"\": no section before the key; try"},
        {{"--fit", "node.collectives"},
         "--fit node.collectives: not a number, and a fit moves numbers little"},
        {{"--fit", "node.cards"},
         "--fit node.cards: a whole number, and a fit moves numbers little by little; try"},
        {{"--fit", "chip.sustained,chip.stream,chip.sustained"},
         "--fit chip.sustained: given twice; try it once"},
        {{"--fit", "other:chip.sustained"}, "--fit other:...: no such set here; try one of t, h"},
        {{"--fit", "chip.sustained"},
         "--fit chip.sustained: begins at 0.88 in t (one) and at 0.72 in h (two); try sets of one machine, "
         "SET:chip.sustained, or --set chip.sustained=0.88 to begin alike"},
        {{"--fit", "chip.sustained", "--set", "chip.sustained=1.5"},
         "t.csv:2: --set chip.sustained=1.5: outside 0 to 1, without 0; try"},
        {{"--fit", "hardware.forward_ms"},
         "--fit hardware.forward_ms: has an effect in no case here; try leaving"},
        {{"--fit", "t:chip.stream", "--half"},
         "t.csv has one case, of which there is no half; try it without"},
        {{"--half"}, "--half is of a fit; try --fit chip.sustained --half"},
        {{"--fit", "chip.stream", "--csv"},
         "--csv is of what is foretold, not of a fit; try it with --set of what"},
        {{"--fit", "chip.stream", "--fit=chip.gap_us"},
         "--fit chip.gap_us: given again, after --fit chip.stream"},
        {{"--out", "a", "--out=b"}, "--out b: given again, after --out a; try one of the two"},
    };
    PlotPlace *place = *state;
    written_in(place, "t.ini", INI);
    written_in(place, "h.ini", "[hardware]\nprofile = h100-dgx\n[chip]\nsustained = 0.72\n");
    const char *t = written_in(place, "t.csv", HEAD "one,here,8,1,1024,4,4,\n");
    const char *h = written_in(place, "h.csv", "case,source,ranks,seconds\ntwo,here,8,1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *words[7] = {t, h};
        for (int k = 0; k < 4; k++) words[2 + k] = cases[i].words[k];
        assert_int_equal(command_words(place, "validate", validate, words), STATUS_BAD_REQUEST);
        assert_refuses(place->said, "sim: validate: ", cases[i].message);
    }
    /* of two sets of one name neither is meant more */
    assert_int_equal(mkdir(in_folder(place, "sub"), 0777), 0);
    written_in(place, "sub/t.ini", INI);
    const char *other = written_in(place, "sub/t.csv", HEAD "one,here,8,1,1024,4,4,\n");
    assert_int_equal(VALIDATE(place, t, other, "--fit", "t:chip.sustained"), STATUS_BAD_REQUEST);
    assert_says(place->said, "--fit t:...: two sets here, ");
    assert_says(place->said, "t.csv; try another name for one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_the_machine, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(halves, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(a_set_of_its_own, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(what_does_not_matter, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(refusals, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
