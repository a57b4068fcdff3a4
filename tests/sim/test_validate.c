/* test_validate.c - published measurements: files that are refused, how far off a set is, and what is foretold and
 * printed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/standard.h"
#include "sim/file/run_file.h"
#include "sim/run/foretell.h"
#include "sim/run/run.h"
#include "sim/validate/accuracy.h"
#include "sim/validate/request.h"
#include "sim/validate/validate.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"

static int validate(int argc, char **argv, const PlotPlace *place)
{
    return validate_command(argc, argv, place->program);
}
#define VALIDATE(place, ...) \
    command_words(place, "validate", validate, (const char *const[]){__VA_ARGS__, NULL})

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

#define HEAD "case,source,ranks,seconds,model.hidden\n"
#define PRODUCTS "case,source,ranks,product_us,product_m,product_n,product_k"

/* ---- refusals ---- */

static void refusals(void **state)
{
    static const struct {
        const char *csv, *message;
    } cases[] = {
        {"case,source,ranks,model.hidden\na,b,8,64\n", "t.csv:1: no column seconds; try case,"},
        {"case,source,ranks,seconds,hidden\na,b,8,1,64\n",
         "t.csv:1: column 5, hidden: none of case, source, ranks, seconds, all_reduce_us, product_us, "
         "bubble, "
         "model_states_gb, parameters_billions, active_parameters_billions, layer_activation_bytes, "
         "all_reduce_bytes, product_m, product_n, product_k, and no "
         "key"},
        {"case,source,ranks,seconds,case\na,b,8,1,c\n", "t.csv:1: column 5, case: already column 1; try"},
        {HEAD "a,b,8,1,64\na,b,8,-1,64\n", "t.csv:3: seconds = -1: not a number from 1e-09 to 1e+09; try"},
        {HEAD "a,b,8,inf,64\n", "t.csv:2: seconds = inf: not a number"},
        {HEAD "a,b,8,nan,64\n", "t.csv:2: seconds = nan: not a number"},
        {HEAD "a,b,8,1 s,64\n", "t.csv:2: seconds = 1 s: not a number"},
        {HEAD "a,b,8,1e-308,64\n", "t.csv:2: seconds = 1e-308: not a number from 1e-09"},
        {HEAD "a,b,8,0x3,64\n", "t.csv:2: seconds = 0x3: not a number"},
        {"case,source,ranks,seconds,output.file\na,b,8,1,x.h5\n",
         "t.csv:1: column 5, output.file: no case writes a file; try leaving it out"},
        {HEAD "a,b,2.5,1,64\n", "t.csv:2: ranks = 2.5: not a whole number from 1 to 65536; try 8"},
        {HEAD "a,b,0,1,64\n", "t.csv:2: ranks = 0: not a whole number"},
        {HEAD "a,b,8,1\n", "t.csv:2: 4 fields, and line 1 names 5 columns; try"},
        {HEAD "\"a\",b,8,1,64\n", "t.csv:2: a quote, which no field has; try"},
        {HEAD, "t.csv: no case under line 1; try one"},
        {"case;source;ranks;seconds\na;b;8;1,5\n",
         "t.csv:1: columns with semicolons between them; try commas"},
        {"case\tsource\tranks\tseconds\na\tb\t8\t1\n", "t.csv:1: columns with tabs between them; try commas"},
        {"case,source,ranks,seconds,model.hiden\na,b,8,1,64\n",
         "t.csv:2: --set model.hiden=64: no such key; try model.hidden"},
        {HEAD "a,b,8,1,65\n", "t.csv:2: --set model.hidden=65: "},
        {HEAD "a,b,7,1,64\n", "t.csv:2: "}, /* the batch does not divide */
        {"case,source,ranks,product_us,product_m,product_n\na,b,1,1,8,8\n",
         "t.csv:1: product_k goes with product_us; try both or neither"},
        {"case,source,ranks,seconds,product_n\na,b,1,1,8\n",
         "t.csv:1: product_n goes with product_us; try both or neither"},
        {PRODUCTS ",all_reduce_bytes\na,b,1,1,8,8,8,8\n",
         "t.csv:1: all_reduce_bytes goes with all_reduce_us; try both or neither"},
        {PRODUCTS "\na,b,1,1,0,8,8\n",
         "t.csv:2: product_m = 0: not a whole number from 1 to 1e+08; try 2048"},
        {PRODUCTS "\na,b,1,1,8,8.5,8\n", "t.csv:2: product_n = 8.5: not a whole number from 1 to 1e+08; try"},
        {PRODUCTS "\na,b,1,1,8,8,2e8\n", "t.csv:2: product_k = 2e8: not a whole number from 1 to 1e+08; try"},
        {PRODUCTS "\na,b,1,1,8,8,8\na,b,2,1,8,8,8\n",
         "t.csv:3: ranks = 2: a product is of one; try 1, and the sides that a rank has"},
        {PRODUCTS ",hardware.profile\na,b,1,1,8,8,8,ideal\n",
         "t.csv:2: --set hardware.profile=ideal: its seconds are no machine's; "
         "try"},
        {PRODUCTS ",chip.sustained\na,b,1,1,8,8,8,1e-30\n",
         "t.ini:2: hardware.profile = a100-80gb-dgx: a step takes "},
    };
    PlotPlace *place = *state;
    const char *csv = in_folder(place, "t.csv"), *ini = in_folder(place, "t.ini");
    write_file(ini, "[hardware]\nprofile = a100-80gb-dgx\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(csv, cases[i].csv);
        assert_int_equal(VALIDATE(place, csv), STATUS_BAD_REQUEST);
        assert_refuses(place->said, "sim: validate: ", cases[i].message);
    }
    write_file(csv, HEAD "a,b,8,1,64\n");
    write_file(ini, "[hardware]\nprofile = ideal\n");
    assert_int_equal(VALIDATE(place, csv), STATUS_BAD_REQUEST);
    assert_says(place->said, "t.ini:2: hardware.profile = ideal: its seconds are no machine's; try");
    write_file(ini, "[hardware]\nprofile = a100-80gb-dgx\n");
    assert_int_equal(VALIDATE(place, csv, "--out", ini), STATUS_BAD_REQUEST);
    assert_int_equal(strncmp(place->said, "sim: validate: ", 15), 0); /* before anything is foretold */
    assert_says(place->said, "a part of the path is a file");
    assert_int_equal(remove(ini), 0);
    assert_int_equal(VALIDATE(place, csv), STATUS_BAD_REQUEST);
    assert_says(place->said, "t.ini: no such file beside ");
    assert_int_equal(VALIDATE(place, in_folder(place, "none.csv")), STATUS_BAD_REQUEST);
    assert_says(place->said, "none.csv: cannot be read: ");
    assert_int_equal(VALIDATE(place, "x.txt"), STATUS_BAD_REQUEST);
    assert_says(place->said, "x.txt: not the path of a file that ends in .csv");
    assert_int_equal(VALIDATE(place, "--set"), STATUS_BAD_REQUEST);
    assert_says(place->said, "--set needs a value");
    assert_int_equal(VALIDATE(place, csv, csv), STATUS_BAD_REQUEST);
    assert_says(place->said, "t.csv: given twice; try it once");
    assert_int_equal(VALIDATE(place, "--set", "output.file=x.h5"), STATUS_BAD_REQUEST);
    assert_says(place->said, "--set output.file=x.h5: no case writes a file; try leaving it out");
    /* too much for this machine is said, with the option that takes it all the same */
    write_file(ini, "[hardware]\nprofile = a100-80gb-dgx\n[model]\nlayers = 65536\n[parallel]\npp = 32768\n");
    write_file(csv, "case,source,ranks,seconds,train.global_batch\na,b,65536,1,2\n");
    assert_int_equal(VALIDATE(place, csv), STATUS_BAD_REQUEST);
    assert_says(place->said, "or --force to start it all the same");
    ValidateRequest forced = {.paths = 0};
    Error error;
    assert_true(validate_parse(&forced, 3, (char *[]){"validate", "t.csv", "--force"}, &error) &&
                forced.force);
    assert_int_equal(VALIDATE(place, "--fast"), STATUS_BAD_REQUEST);
    assert_int_equal(VALIDATE(place, "--csv", "--out", "x"), STATUS_BAD_REQUEST);
    assert_int_equal(VALIDATE(place, "--help"), STATUS_OK);
}

/* A time that no clock has is no result: which machine's numbers it comes of is. */
static void no_time_at_all(void **state)
{
    static const char *const slips[] = {"node.link_gb=1e-300", "chip.sustained=1e-30",
                                        "chip.bandwidth_gb=1e-300"};
    PlotPlace *place = *state;
    const char *csv = in_folder(place, "t.csv");
    write_file(in_folder(place, "t.ini"), "[hardware]\nprofile = a100-80gb-dgx\n");
    write_file(csv, HEAD "a,b,8,1,64\n");
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        assert_int_equal(VALIDATE(place, csv, "--set", slips[i]), STATUS_BAD_REQUEST);
        assert_says(place->said, "t.csv:2: ");
        assert_says(place->said, "hardware.profile = a100-80gb-dgx: a step takes ");
        assert_says(place->said,
                    " s by its numbers, more than the 1e+12 that a time may be; try larger speeds");
    }
}

/* As spreadsheets save a table: a mark before the first column, lines that end in CR LF. */
static void of_a_spreadsheet(void **state)
{
    PlotPlace *place = *state;
    const char *csv = in_folder(place, "t.csv");
    write_file(in_folder(place, "t.ini"), "[hardware]\nprofile = a100-80gb-dgx\n");
    write_file(csv, "\xEF\xBB\xBF"
                    "case,source,ranks,seconds,model.hidden\r\na,b,8,1,64\r\n");
    assert_int_equal(VALIDATE(place, csv), STATUS_OK);
    assert_says(place->said, "1 case");
}

/* ---- how far off ---- */

static void arithmetic(void **state)
{
    (void)state;
    Case item[] = {{.published = 2, .predicted = 2.2},
                   {.published = 4, .predicted = 3},
                   {.published = 1, .predicted = 1.05}};
    CaseSet set = {.item = item, .count = 3};
    assert_true(fabs(case_error(&item[0]) - 0.1) < 1e-15 && case_error(&item[1]) == -0.25);
    assert_true(fabs(cases_mean(&set) - (0.1 + 0.25 + 0.05) / 3) < 1e-15);
    assert_ptr_equal(cases_worst(&set), &item[1]);
}

/* ---- what is foretold ---- */

/* The cases of a set that comes with sim, `most` of them. */
static CaseSet own_set(const char *name, int most, const PlotPlace *place, const char *key)
{
    CaseSet set;
    Error error;
    char path[256];
    const RunOptions options = {.program_directory = place->program, .sets = &key, .set_count = key != NULL};
    snprintf(path, sizeof path, "configs/validation/%s.csv", name);
    if (!cases_read(&set, path, &error)) fail_msg("%s", error.text);
    assert_true(set.count >= most);
    int all = set.count;
    set.count = most;
    if (!validate_foretell(&set, 1, &options, true, &error)) fail_msg("%s", error.text);
    set.count = all;
    return set;
}

static const Case *named(const CaseSet *set, const char *name)
{
    for (int i = 0; i < set->count; i++)
        if (!strcmp(set->item[i].name, name)) return &set->item[i];
    fail_msg("no case %s in %s", name, set->name);
    return NULL;
}

/* A --set outranks the machine's file. */
static void with_other_numbers(void **state)
{
    CaseSet set = own_set("korthikanti-2022", 2, *state, NULL);
    double before = named(&set, "22B selective")->predicted;
    cases_free(&set);
    set = own_set("korthikanti-2022", 2, *state, "chip.sustained=0.44");
    assert_true(named(&set, "22B selective")->predicted > 1.4 * before);
    cases_free(&set);
}

/* The number is what a dry run's file has. */
static void as_a_dry_run(void **state)
{
    static const char *const sets[] = {"hardware.profile=a100-80gb-4hdr", "train.microbatch=1"};
    PlotPlace *place = *state;
    const char *path = in_folder(place, "x.h5");
    RunOptions options = {.config = "3d.ini",
                          .output = path,
                          .sets = sets,
                          .set_count = 2,
                          .dry = true,
                          .command_line = "sim",
                          .program_directory = place->program};
    double foretold, recorded;
    Error error;
    Capture c = capture();
    int status = run_dry(16, &options);
    captured(place, c);
    assert_int_equal(status, STATUS_OK);
    RunFile *run = run_file_open(path, &error);
    assert_non_null(run);
    assert_true(run_file_rows(run, "/steps/simulated_time", 0, 1, &recorded, &error));
    run_file_close(run);
    if (!foretell_step(&options, 16, &foretold, &error)) fail_msg("%s", error.text);
    assert_true(foretold > 0 && foretold == recorded);
}

static void printed(void **state)
{
    PlotPlace *place = *state;
    const char *csv = in_folder(place, "t.csv");
    double published, foretold, ratio;
    write_file(in_folder(place, "t.ini"), "[hardware]\nprofile = a100-80gb-dgx\n");
    write_file(csv, "seconds,case,ranks,source,model.hidden,train.precision\n"
                    "2,one,8,here,,\n\n0.004,two,8,there,128,bf16\n");
    assert_int_equal(VALIDATE(place, csv, "--csv"), STATUS_OK);
    assert_says(place->said, "set,case,source,ranks,measure,published,foretold,error_ratio\n");
    const char *row = strstr(place->said, "\nt,two,there,8,seconds,");
    assert_non_null(row);
    assert_int_equal(sscanf(row, "\nt,two,there,8,seconds,%lf,%lf,%lf", &published, &foretold, &ratio), 3);
    assert_true(published == 0.004 && ratio == foretold / published - 1);
    assert_int_equal(VALIDATE(place, csv, "--out", in_folder(place, "charts")), STATUS_OK);
    assert_says(place->said, "  2 cases: mean error ");
    assert_true(folder_has(in_folder(place, "charts"), "validation.png"));
    assert_file_says(in_folder(place, "charts/validation.gp"), "NAMES[1] = 't: 2, mean ");
    write_file(in_folder(place, "charts/validation.gp"), "my own\n");
    assert_int_equal(VALIDATE(place, csv, "--out", in_folder(place, "charts")), STATUS_OK);
    assert_says(place->said, "/charts/validation.1.gp now\n");
    assert_file_says(in_folder(place, "charts/validation.1.gp"), "my own\n");
    assert_false(folder_has(in_folder(place, "charts"), "validation.1.png"));
    assert_false(folder_has(place->folder, "t.h5"));
}

/* Four processors of a quarter of 1e12 operations a second, so that 64 x 64 x 32 take one of them TILE us, and half of a bandwidth;
 * the host's time for a kernel, 100 us and more, is none of a product's. */
static void products(void **state)
{
    enum { CASES = 6 };
    const double TILE = 1.048576;
    const struct {
        const char *row; /* m, n, k, train.precision, chip.bandwidth_gb */
        double us;
    } cases[CASES] = {
        {"128,128,32,bf16,1e6", TILE},
        {"192,128,32,bf16,1e6", 2 * TILE}, /* six tiles are two waves */
        {"128,128,96,bf16,1e6", 3 * TILE},
        {"128,128,32,,1e6", 4 * TILE},     /* in fp32 */
        {"129,128,32,bf16,1e6", 4 * TILE}, /* two waves at half the speed: no multiple of 8 */
        {"64,32,4096,bf16,1", 2 * (64 * 4096 + 4096 * 32 + 64 * 32) / 500.0},
    };
    PlotPlace *place = *state;
    char text[1024] = PRODUCTS ",train.precision,chip.bandwidth_gb\n", *row;
    written_in(place, "t.ini",
               "[hardware]\nprofile = a100-80gb-dgx\n[chip]\npeak_16_tflops = 1\npeak_32_tflops = 0.25\n"
               "processors = 4\nsustained = 1\ntile_traffic = 0\ntile_us = 0\ngap_us = 0\n"
               "misaligned = 0.5\nelementwise = 0.5\n");
    for (int i = 0; i < CASES; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "x,y,1,%.17g,%s\n", cases[i].us,
                 cases[i].row);
    assert_int_equal(VALIDATE(place, written_in(place, "t.csv", text), "--csv"), STATUS_OK);
    row = strchr(place->said, '\n') + 1;
    for (int i = 0; i < CASES; i++, row = strchr(row, '\n') + 1) {
        double foretold, ratio;
        assert_int_equal(sscanf(row, "t,x,y,1,product_us,%*f,%lf,%lf", &foretold, &ratio), 2);
        if (!(fabs(ratio) <= 1e-9)) fail_msg("%s: %.17g us, not %.17g", cases[i].row, foretold, cases[i].us);
    }
}

/* Of a set of more than a hundred the twenty that are furthest off, and how far off the others are. */
static void many_cases(void **state)
{
    enum { CASES = 121 };
    PlotPlace *place = *state;
    const char *csv = in_folder(place, "t.csv");
    char text[CASES * 32] = "case,source,ranks,seconds\n", *row;
    double foretold, last = INFINITY, error, most, half;
    write_file(in_folder(place, "t.ini"), "[hardware]\nprofile = a100-80gb-dgx\n");
    write_file(csv, "case,source,ranks,seconds\none,here,1,1\n");
    assert_int_equal(VALIDATE(place, csv, "--csv"), STATUS_OK);
    assert_int_equal(
        sscanf(strstr(place->said, "one,here,1,seconds,1,"), "one,here,1,seconds,1,%lf", &foretold), 1);
    for (int i = 0; i < CASES; i++) /* off by 1 to 121 %, mixed */
        snprintf(text + strlen(text), sizeof text - strlen(text), "case,%d,1,%.9g\n", i,
                 foretold / (1 + 0.01 * (1 + i * 50 % CASES)));
    write_file(csv, text);
    assert_int_equal(VALIDATE(place, csv), STATUS_OK);
    assert_int_equal(strncmp(place->said, "t  ", 3), 0);
    row = strchr(place->said, '\n') + 1;
    for (int i = 0; i < 20; i++, row = strchr(row, '\n') + 1) {
        assert_int_equal(sscanf(row, "  case %*f s %*f s %lf %%", &error), 1);
        assert_true(fabs(error - (CASES - i)) < 0.051 && error < last);
        last = error;
    }
    assert_int_equal(sscanf(row, "  and 101 more within %lf %%, half of all within %lf %%", &most, &half), 2);
    assert_true(fabs(most - 101) < 0.051 && fabs(half - 61) < 0.051);
    assert_says(row, "  121 cases: mean error 61.0 %, worst +121.0 % (case)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(no_time_at_all, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(of_a_spreadsheet, plot_setup, plot_teardown),
        cmocka_unit_test(arithmetic),
        cmocka_unit_test_setup_teardown(with_other_numbers, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(as_a_dry_run, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(printed, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(products, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(many_cases, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
