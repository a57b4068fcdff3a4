/* test_published.c - all that comes with sim of what others published, foretold once: numbers that follow exactly, steps,
 * all-reduces and products held loosely, and the README, which quotes how far off they are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/standard.h"
#include "sim/validate/accuracy.h"
#include "sim/validate/print.h"
#include "sim/validate/validate.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"

enum { SETS = 13 };
static const char *const names[SETS] = {
    "korthikanti-2022",   "megatron-core-2024",      "narayanan-2021",          "vtrain-multi-node",
    "vtrain-single-node", "nccl-a100-sweep",         "nccl-bandwidths",         "h100-products",
    "qi-2024-bubbles",    "rajbhandari-2020-memory", "korthikanti-2022-layers", "parameters-total",
    "parameters-active"};
static CaseSet set[SETS];

static int foretell(void **state)
{
    Error error;
    char path[256];
    if (plot_setup(state)) return -1;
    const PlotPlace *place = *state;
    const RunOptions options = {.program_directory = place->program};
    for (int i = 0; i < SETS; i++) {
        snprintf(path, sizeof path, "configs/validation/%s.csv", names[i]);
        if (!cases_read(&set[i], path, &error)) fail_msg("%s", error.text);
    }
    if (!validate_foretell(set, SETS, &options, true, &error)) fail_msg("%s", error.text);
    return 0;
}

static int forget(void **state)
{
    for (int i = 0; i < SETS; i++) cases_free(&set[i]);
    return plot_teardown(state);
}

static const CaseSet *named(const char *name)
{
    for (int i = 0; i < SETS; i++)
        if (!strcmp(set[i].name, name)) return &set[i];
    fail_msg("no set %s", name);
    return NULL;
}

/* ---- what follows exactly ---- */

/* All are as printed, so many of them cut off behind the last digit. */
static void all_as_printed(const char *name, int cases, int cut_off)
{
    const CaseSet *own = named(name);
    assert_int_equal(own->count, cases);
    for (int i = 0; i < own->count; i++) {
        const Case *c = &own->item[i];
        Agreement agreement = case_agreement(c);
        if (agreement == DIFFERS) fail_msg("%s: %s: %.10g, not %s", name, c->name, c->predicted, c->printed);
        cut_off -= agreement == CUT_OFF;
    }
    assert_int_equal(cut_off, 0);
}

static void exact_numbers(void **state)
{
    (void)state;
    all_as_printed("qi-2024-bubbles", 12, 0);
    all_as_printed("rajbhandari-2020-memory", 54, 8);
    all_as_printed("korthikanti-2022-layers", 24, 0);
    all_as_printed("parameters-total", 4, 0);
    all_as_printed("parameters-active", 4, 1); /* DeepSeek-V3's: the .ini says of what */
}

/* The formulas again, so that the file itself is right: bytes of s b h, shared over t. */
static void layers_by_formula(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double a, h, b;
    } shapes[] = {
        {"22B", 64, 6144, 4}, {"175B", 96, 12288, 1}, {"530B", 128, 20480, 1}, {"1T", 160, 25600, 1}};
    const double s = 2048, t = 8;
    const Case *c = named("korthikanti-2022-layers")->item;
    for (int i = 0; i < 4; i++) {
        double sbh = s * shapes[i].b * shapes[i].h, scores = 5 * shapes[i].a * s * s * shapes[i].b;
        const double formula[] = {34 * sbh + scores,
                                  10 * sbh + 24 * sbh / t + scores / t,
                                  34 * sbh / t + scores / t,
                                  10 * sbh + 24 * sbh / t,
                                  34 * sbh / t,
                                  2 * sbh};
        for (int k = 0; k < 6; k++, c++) {
            assert_int_equal(strncmp(c->name, shapes[i].model, strlen(shapes[i].model)), 0);
            assert_true(c->published == formula[k]);
        }
    }
}

/* ---- what was measured ---- */

static void held(const char *name, const char *item)
{
    const CaseSet *own = named(name);
    for (int i = 0; i < own->count; i++) {
        const Case *c = &own->item[i];
        if (strcmp(c->name, item) != 0) continue;
        if (fabs(case_error(c)) > 0.1)
            fail_msg("%s: %g s, not %g s within 10 %%", item, c->predicted, c->published);
        return;
    }
    fail_msg("no case %s in %s", item, name);
}

static void published_steps(void **state)
{
    (void)state;
    static const char *const korthikanti[] = {"22B full",       "22B selective", "175B full",
                                              "175B selective", "530B full",     "530B selective"},
                             *const narayanan[] = {"1.7B", "7.5B", "39B", "145B"};
    for (int i = 0; i < 6; i++) held("korthikanti-2022", korthikanti[i]);
    for (int i = 0; i < 4; i++) held("narayanan-2021", narayanan[i]);
    assert_int_equal(named("vtrain-single-node")->count, 731);
    assert_true(cases_mean(named("vtrain-single-node")) < 0.08);
}

/* By the same rings that a step's gradients go over. */
static void published_all_reduces(void **state)
{
    (void)state;
    const CaseSet *sweep = named("nccl-a100-sweep"), *points = named("nccl-bandwidths");
    assert_true(sweep->count == 20 && points->count == 15);
    assert_true(cases_mean(sweep) < 0.1 && cases_mean(points) < 0.06);
}

/* By the same kernels that a step has. */
static void measured_products(void **state)
{
    (void)state;
    const CaseSet *products = named("h100-products");
    assert_int_equal(products->count, 50);
    assert_true(cases_mean(products) < 0.06);
    assert_true(cases_mean(named("megatron-core-2024")) < 0.06); /* the same chip in steps */
}

/* To the digit: who changes a constant, or the clock, changes what the README says. */
static void the_readme_quotes_them(void **state)
{
    (void)state;
    char *readme = text_of("README.md"), summary[SUMMARY];
    int exact = 0, wrong = 0;
    for (int i = 0; i < SETS; i++) {
        exact += measure_column[set[i].measure].exact ? set[i].count : 0;
        if (measure_column[set[i].measure].exact) continue;
        print_summary(&set[i], summary);
        if (strstr(readme, summary)) continue;
        print_error("README.md, the row on time, should say: %s\n", summary);
        wrong++;
    }
    snprintf(summary, sizeof summary, "%d numbers as printed", exact);
    if (!strstr(readme, summary)) print_error("README.md should say: %s\n", summary), wrong++;
    free(readme);
    assert_int_equal(wrong, 0);
}

/* ---- agreement, and words on it ---- */

static void to_the_last_digit(void **state)
{
    (void)state;
    static const struct {
        const char *printed;
        double predicted;
        int digits;
        Agreement agreement;
    } rows[] = {
        {"0.2431", 0.24305, 4, AGREES},
        {"0.2431", 0.24314999, 4, AGREES},
        {"0.2431", 0.2432, 4, DIFFERS},
        {"0.2431", 0.243151, 4, CUT_OFF},
        {"0.2431", 0.24304, 4, DIFFERS},
        {"513", 513.5, 0, CUT_OFF},
        {"513", 513.4, 0, AGREES},
        {"514", 513.5, 0, AGREES},
        {"513", 514, 0, DIFFERS},
        {"100663296", 100663296, 0, AGREES},
        {"100663296", 100663297, 0, DIFFERS},
        {"62.5", 62.5, 1, AGREES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const Case c = {
            .printed = rows[i].printed, .published = atof(rows[i].printed), .predicted = rows[i].predicted};
        assert_int_equal(case_digits(&c), rows[i].digits);
        if (case_agreement(&c) != rows[i].agreement)
            fail_msg("%s and %.10g: %d", c.printed, c.predicted, (int)case_agreement(&c));
    }
}

static int validate(int argc, char **argv, const PlotPlace *place)
{
    return validate_command(argc, argv, place->program);
}
#define VALIDATE(place, ...) \
    command_words(place, "validate", validate, (const char *const[]){__VA_ARGS__, NULL})

#define BUBBLE "case,source,ranks,bubble\n"
static const char INI[] =
    "[hardware]\nprofile = ideal\n[model]\nlayers = 4\n[parallel]\npp = 4\nschedule = gpipe\n"
    "[train]\nglobal_batch = 4\nmicrobatch = 1\n";

static void exact_sets_in_words(void **state)
{
    PlotPlace *place = *state;
    written_in(place, "t.ini", INI); /* 3 / 7 = 0.428571 */
    const char *csv = written_in(place, "t.csv",
                                 BUBBLE "one,here,4,0.4286\ntwo,here,4,0.42857\nthree,there,4,0.43\n"
                                        "four,there,4,0.428\nfive,there,4,0.44\n");
    assert_int_equal(VALIDATE(place, csv), STATUS_OK);
    assert_says(place->said, "t: bubble, to the last digit printed\n  one ");
    assert_says(place->said, " 0.4286           0.428571   as printed           here\n");
    assert_says(place->said, " 0.428            0.42857   as printed, cut off  there\n");
    assert_says(place->said, " 0.44             0.4286   DIFFERS              there\n"
                             "  4 of 5 cases as printed, 1 of them cut off there, not rounded\n");
    assert_int_equal(VALIDATE(place, csv, "--csv"), STATUS_OK);
    assert_says(place->said,
                "set,case,source,ranks,measure,published,foretold,error_ratio\nt,one,here,4,bubble,0.42");
    /* and by another number of microbatches */
    assert_int_equal(VALIDATE(place, csv, "--set", "train.global_batch=9"), STATUS_OK);
    assert_says(place->said, "0.250000   DIFFERS");
}

/* Over ideal links an all-reduce of S bytes takes 2 (n-1) (S / (n B) + L): 80 GB/s and 3 us inside a node of eight,
 * 25 GB/s a card and 7 us between nodes, of one member each. */
static void ideal_all_reduces(void **state)
{
    PlotPlace *place = *state;
    char text[4096] = "case,source,ranks,all_reduce_us,all_reduce_bytes,node.devices,node.cards\n", *row;
    written_in(place, "t.ini",
               "[hardware]\nprofile = a100-80gb-dgx\n[node]\n"
               "collectives = ideal\nlink_gb = 80\nlink_share = 1\nlink_us = 3\n"
               "card_gb = 25\ncard_share = 1\ncard_us = 7\n");
    for (int n = 2; n <= 8; n++)
        for (int across = 0; across <= 1; across++)
            for (int64_t bytes = 1680; bytes < 100000000000; bytes *= 1000) {
                double us =
                    2e6 * (n - 1) * ((double)bytes / n / (across ? 25e9 : 80e9) + (across ? 7e-6 : 3e-6));
                snprintf(text + strlen(text), sizeof text - strlen(text), "x,y,%d,%.17g,%lld,%d,%d\n", n, us,
                         (long long)bytes, across ? 1 : 8, across ? 1 : 8);
            }
    assert_int_equal(VALIDATE(place, written_in(place, "t.csv", text), "--csv"), STATUS_OK);
    row = strchr(place->said, '\n') + 1;
    for (int i = 0; i < 7 * 2 * 3; i++, row = strchr(row, '\n') + 1) {
        double published, foretold, ratio;
        assert_int_equal(sscanf(row, "t,x,y,%*d,all_reduce_us,%lf,%lf,%lf", &published, &foretold, &ratio),
                         3);
        if (!(fabs(ratio) <= 1e-9)) fail_msg("%.17g us, not %.17g", foretold, published);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *csv, *word, *message;
    } cases[] = {
        {BUBBLE "a,b,4,0.1\n", "--fit=chip.sustained",
         "t.csv has bubble, which follows exactly; try sets of seconds"},
        {BUBBLE "a,b,4,0.1\n", "--out=x",
         "--out: no set of steps (a column seconds) to draw; try it without"},
        {BUBBLE "a,b,4,1e-1\n", NULL, "t.csv:2: bubble = 1e-1: not a number from 1e-09 to 1; try 0.2431"},
        {BUBBLE "a,b,4,1.5\n", NULL, "t.csv:2: bubble = 1.5: not a number from 1e-09 to 1; try"},
        {"case,source,ranks,seconds,bubble\na,b,4,1,1\n", NULL,
         "t.csv:1: columns seconds and bubble: two measures; try a set for each"},
        {"case,source,ranks,all_reduce_us\na,b,4,1\n", NULL,
         "t.csv:1: all_reduce_bytes goes with all_reduce_us; try both or neither"},
        {"case,source,ranks,bubble,all_reduce_bytes\na,b,4,1,8\n", NULL,
         "t.csv:1: all_reduce_bytes goes with all_reduce_us; try both or neither"},
        {"case,source,ranks,all_reduce_us,all_reduce_bytes\na,b,1,5,64\n", NULL,
         "t.csv:2: ranks = 1, all_reduce_bytes = 64: nothing is sent; try 2 ranks or more"},
        {"case,source,ranks,all_reduce_us,all_reduce_bytes\na,b,4,5,1\n", NULL,
         "t.csv:2: ranks = 4, all_reduce_bytes = 1: nothing is sent; try"},
        {"case,source,ranks,all_reduce_us,all_reduce_bytes\na,b,4,1,1.5\n", NULL,
         "t.csv:2: all_reduce_bytes = 1.5: not a whole number from 1 to 1e+15; try 1048576"},
        {BUBBLE "a,b,3,0.1\n", NULL, "t.csv:2: "},
        {"case,source,ranks,bubble,hardware.profile\na,b,4,0.1,measured\n", NULL,
         "a dry run measures no time; try hardware.profile = given"},
    };
    PlotPlace *place = *state;
    written_in(place, "t.ini", INI);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *csv = written_in(place, "t.csv", cases[i].csv);
        assert_int_equal(VALIDATE(place, csv, cases[i].word), STATUS_BAD_REQUEST);
        assert_int_equal(strncmp(place->said, "sim: validate: ", 15), 0);
        assert_says(place->said, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_numbers),
        cmocka_unit_test(layers_by_formula),
        cmocka_unit_test(published_steps),
        cmocka_unit_test(published_all_reduces),
        cmocka_unit_test(measured_products),
        cmocka_unit_test(the_readme_quotes_them),
        cmocka_unit_test(to_the_last_digit),
        cmocka_unit_test_setup_teardown(exact_sets_in_words, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(ideal_all_reduces, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(refusals, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("published", tests, foretell, forget);
}
