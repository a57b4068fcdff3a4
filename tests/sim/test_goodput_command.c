/* test_goodput_command.c - `sim goodput`: words that are refused, rows of intervals and what is found with them, a job as
 * the dry run has it, and what is printed, kept and drawn. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/standard.h"
#include "sim/file/h5.h"
#include "sim/goodput/goodput.h"
#include "sim/goodput/points.h"
#include "sim/run/foretell.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"

/* ---- intervals ---- */

static Points points_of(const GoodputJob *job, int runs)
{
    GoodputRequest request = {.runs = runs};
    Costs costs = {.job = *job, .nodes = 1, .seed = 5};
    Points p;
    Error error;
    if (!points_choose(&p, &costs, &request, &error) || !points_walk(&p, true, &error))
        fail_msg("%s", error.text);
    return p;
}

/* Found by walking, it is Daly's or its neighbour in the row. */
static void found_where_daly_has_it(void **state)
{
    (void)state;
    static const GoodputJob jobs[] = {{20000, 3, 9000, 300, 40, 0},
                                      {200000, 3, 90000, 300, 40, 0},
                                      {20000, 1, 500, 100, 60, 0},
                                      {20000, 3, 9000, 300, 40, 80}};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        Points p = points_of(&jobs[i], 100);
        int nearest = 0;
        for (int k = 0; k < p.count; k++) {
            const Point *at = &p.point[k];
            double steps = p.daly / jobs[i].step;
            if (fabs((double)at->interval - steps) < fabs((double)p.point[nearest].interval - steps))
                nearest = k;
            if (fabs(at->goodput - at->expected) > 4 * at->error + 1e-9)
                fail_msg("job %zu, every %lld: %.5f found, %.5f expected, error %.5f", i,
                         (long long)at->interval, at->goodput, at->expected, at->error);
        }
        assert_true(p.count > 10 && abs(p.best - nearest) <= 1);
        points_free(&p);
    }
}

static void rows_that_end(void **state)
{
    (void)state;
    const GoodputJob shorter = {.steps = 40,
                                .step = 10,
                                .mtbf = 1e5,
                                .restart = 1,
                                .stall = 10}, /* than Daly's */
        beside = {.steps = 1000, .step = 10, .mtbf = 1e4, .restart = 1, .stall = 0.01, .write = 155},
                     fails = {.steps = 10000, .step = 10, .mtbf = 400, .restart = 100, .stall = 60};
    Points p = points_of(&shorter, 5);
    assert_int_equal(p.point[p.count - 1].interval, 40);
    points_free(&p);
    p = points_of(&beside, 5);
    assert_int_equal(p.point[0].interval, 16); /* the fewest in 155 s */
    points_free(&p);
    p = points_of(&fails, 5);
    assert_true(p.left_out > 0 && p.count + p.left_out <= 17 && p.point[p.count - 1].expected >= 0.01);
    points_free(&p);
}

/* ---- the command ---- */

static int goodput(PlotPlace *place, const char *const *words)
{
    char *argv[40] = {"goodput"};
    int argc = 1;
    for (; words[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)words[argc - 1];
    Capture c = capture();
    int status = goodput_command(argc, argv, place->program, "sim goodput");
    captured(place, c);
    return status;
}
#define GOODPUT(place, ...) goodput(place, (const char *const[]){__VA_ARGS__, NULL})

static const char *config_in(const PlotPlace *place)
{
    return written_in(
        place, "s.ini",
        "[model]\nhidden = 64\nlayers = 4\n[train]\nglobal_batch = 48\n[parallel]\ndata = zero1\n"
        "[hardware]\nprofile = a100-80gb-dgx\n");
}

static void refusals(void **state)
{
    static const struct {
        const char *words[6], *message;
    } cases[] = {
        {{"--mtbf", "5"}, "no --config; try sim goodput --config"},
        {{"--config", "S", "--set", "output.checkpoint="},
         "output.checkpoint_every=1: there are no checkpoints"},
        {{"--config", "S", "--set", "train.steps=9"},
         "--set train.steps: it changes nothing here; try --steps 9"},
        {{"--config", "S", "--set", "output.checkpoint_every=50"},
         "--set output.checkpoint_every: it changes nothing here; try --intervals 50"},
        {{"--config", "S", "--fast"}, "--fast: no such option of sim goodput; try sim help goodput"},
        {{"--config", "S", "--mtbf", "0"}, "--mtbf 0: not a number from 1e-06 to 1e+12; try --mtbf 6335"},
        {{"--config", "S", "--mtbf", "5h"}, "--mtbf 5h: not a number"},
        {{"--config", "S", "--mtbf", "nan"}, "--mtbf nan: not a number"},
        {{"--config", "S", "--mtbf=5", "--mtbf=6"},
         "--mtbf 6: given again, after --mtbf 5; try one of the two"},
        {{"--config", "S", "--days", "1", "--steps=5"}, "--days and --steps both say how long"},
        {{"--config", "S", "--seeds", "0"}, "--seeds 0: not a whole number from 1 to 10000"},
        {{"--config", "S", "--ranks", "1.5"}, "--ranks 1.5: not a whole number"},
        {{"--config", "S", "--restart", "-1"}, "--restart -1: not a number from 0"},
        {{"--config", "S", "--intervals", "10,,20"}, "--intervals \"\": not a whole number"},
        {{"--config", "S", "--intervals", "10,20,10"}, "--intervals: 10 twice; try each once"},
        {{"--config", "S", "--intervals", "10,200", "--steps=100"},
         "--intervals 200: more than the 100 steps of the job; try 100 or fewer"},
        {{"--config", "S", "--days", "1e6"}, "--days 1e+06: "},
        {{"--config", "S", "--set", "hardware.profile=ideal"}, "its seconds are no machine's; try"},
        {{"--config", "S", "--set", "node.storage_gb=0"}, "node.storage_gb=0: outside 0 to 1e9, without 0"},
        {{"--config", "S", "--set", "node.storage_gb=1e-9", "--intervals=5"},
         "s of steps, and a checkpoint is written in "},
        {{"--config", "S", "--mtbf", "1e-6"}, "such a job does not get on: on 1 node it fails every 3.60 ms"},
        {{"--config", "S", "--mtbf", "0.01", "--intervals=100000", "--restart=0"},
         "hardly any of its time would count, "},
        {{"--config", "none.ini"}, "none.ini: no such file"},
        {{"s.ini"}, "'s.ini' is a config; try --config s.ini"},
        {{"parallel.tp=2"}, "'parallel.tp=2' is no option; try --set parallel.tp=2"},
    };
    PlotPlace *place = *state;
    const char *ini = config_in(place);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *words[7] = {NULL};
        for (int k = 0; k < 6 && cases[i].words[k]; k++)
            words[k] = strcmp(cases[i].words[k], "S") != 0 ? cases[i].words[k] : ini;
        assert_int_equal(goodput(place, words), STATUS_BAD_REQUEST);
        assert_refuses(place->said, "sim: goodput: ", cases[i].message);
    }
}

static void read_column(H5 *file, const char *path, double *values, size_t count)
{
    Error error;
    if (!h5_check_array(file, path, H5_F64, 1, &count, &error) ||
        !h5_read(file, path, H5_F64, values, &error))
        fail_msg("%s", error.text);
}

/* What is printed of a formula is what the legend says of it. */
static void says_as_drawn(const PlotPlace *place, const char *who)
{
    char *gp = text_of(in_folder(place, "found/goodput.gp")), named[64], printed[200];
    snprintf(named, sizeof named, "NAME = '%s: ", who);
    const char *legend = strstr(gp, named), *line = strstr(place->said, who);
    assert_true(legend && line);
    legend += strlen(named);
    snprintf(printed, sizeof printed, "%-14s %.*s  ", who, (int)strcspn(legend, "'"), legend);
    assert_says(line, printed);
    assert_says(printed, ", so every ");
    free(gp);
}

/* The name of the axis up, beside tics with decimals: 16 pixels of its letters stand left of where it begins. */
static void name_is_whole(const PlotPlace *place)
{
    char *svg = text_of(in_folder(place, "found/goodput.svg"));
    const char *name = strstr(svg, ">goodput, % of the time<");
    double x = 0;
    assert_non_null(strstr(svg, ">99.97"));
    assert_non_null(name);
    while (name > svg && strncmp(name, "translate(", 10) != 0) name--;
    assert_int_equal(sscanf(name, "translate(%lf,", &x), 1);
    assert_true(x >= 16);
    free(svg);
}

/* What is printed, kept and drawn is what the model says of a step as the dry run has it. */
static void all_of_it(void **state)
{
    PlotPlace *place = *state;
    char out[PATH_MAX], csv[SAID];
    const char *ini = config_in(place);
    strcpy(out, in_folder(place, "found"));
    const char *const words[] = {"--config", ini,       "--ranks",     "16",           "--mtbf",
                                 "0.5",      "--steps", "50000",       "--restart",    "20",
                                 "--seeds",  "25",      "--intervals", "400,100,1600", "--out",
                                 out,        NULL};
    assert_int_equal(goodput(place, words), STATUS_OK);
    assert_says(place->said, "50000 steps on 16 ranks in 2 nodes");
    assert_says(place->said, "one every 15 min 00 s      a node's 0.5 hours (--mtbf) over 2");
    assert_drawn_png(place, "found", "goodput");
    says_as_drawn(place, "Young 1974");
    says_as_drawn(place, "Daly 2006");
    Error error;
    H5 *file = h5_open(in_folder(place, "found/goodput.h5"), &error);
    assert_non_null(file);
    double found[3], expected[3], step, mtbf, stall, write, restart;
    double asynchronous;
    read_column(file, "/goodput", found, 3);
    read_column(file, "/goodput_expected", expected, 3);
    assert_true(h5_get_number(file, "/", "step_time", &step) && h5_get_number(file, "/", "mtbf", &mtbf) &&
                h5_get_number(file, "/", "stall_time", &stall) &&
                h5_get_number(file, "/", "write_time", &write) &&
                h5_get_number(file, "/", "asynchronous", &asynchronous) &&
                h5_get_number(file, "/", "restart_time", &restart));
    assert_true(h5_close(file, &error));
    const GoodputJob job = {50000, step, mtbf, restart, stall, write};
    const RunOptions options = {.config = ini, .dry = true, .program_directory = place->program};
    double foretold;
    assert_true(foretell_step(&options, 16, &foretold, &error) && step == foretold && mtbf == 900);
    assert_true(restart > 20 && restart < 21 && stall > 0 && stall < write && asynchronous == 1);
    for (int i = 0; i < 3; i++) {
        assert_true(expected[i] == goodput_expected(&job, 100 << 2 * i));
        assert_true(fabs(found[i] - expected[i]) < 0.05);
    }
    /* the same again, by one process, and beside it what was there; another seed, another job */
    char *const csv_words[] = {"--csv", NULL};
    const char *again[20];
    int count = 0;
    for (; words[count]; count++) again[count] = words[count];
    again[count] = csv_words[0];
    again[count + 1] = NULL;
    assert_int_equal(goodput(place, again), STATUS_OK);
    strcpy(csv, place->said);
    cpu_set_t all, one;
    CPU_ZERO(&one);
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(goodput(place, again), STATUS_OK);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_string_equal(place->said, csv);
    assert_true(folder_has(out, "goodput.1.h5") && folder_has(out, "goodput.2.h5"));
    assert_false(folder_has(out, "goodput.1.png"));
    again[count + 1] = "--set=train.seed=99";
    again[count + 2] = NULL;
    assert_int_equal(goodput(place, again), STATUS_OK);
    assert_int_not_equal(strcmp(place->said, csv), 0);
    assert_int_equal(GOODPUT(place, "--config", ini, "--steps", "1000", "--intervals", "100", "--out", out),
                     STATUS_OK);
    assert_says(place->said, "Few failures befell these jobs, 0 in all");
    name_is_whole(place);
    assert_int_equal(GOODPUT(place, "--help"), STATUS_OK);
    assert_says(place->said, "sim goodput --config F");
}

/* Half the storage, twice the seconds; beside training, as the config has it or by default, only the copy stalls. */
static void machines(void **state)
{
    PlotPlace *place = *state;
    const char *ini = config_in(place);
    const char *set[] = {"output.checkpoint_async=no", "node.storage_gb=0.5", "node.copy_gb=2"};
    GoodputRequest request = {.config = ini, .ranks = 16, .steps = 10, .mtbf_hours = 8, .restart_seconds = 7};
    Costs whole, half, beside;
    Error error;
    request.set[0] = set[0];
    request.sets = 1;
    assert_true(costs_foretell(&whole, &request, place->program, &error));
    request.set[1] = set[1];
    request.set[2] = set[2];
    request.sets = 3;
    assert_true(costs_foretell(&half, &request, place->program, &error));
    request.set[0] = "output.checkpoint_async=yes";
    assert_true(costs_foretell(&beside, &request, place->program, &error));
    assert_true(!whole.async && !half.async && beside.async);
    assert_true(whole.nodes == 2 && whole.job.mtbf == 4 * 3600 && whole.job.write == 0);
    assert_true(half.job.stall == 2 * whole.job.stall && half.job.step == whole.job.step);
    assert_true(fabs(half.job.restart - 7 - 2 * (whole.job.restart - 7)) < 1e-12);
    assert_true(beside.job.write == half.job.stall && beside.job.stall == beside.copied / 2e9);
    assert_true(whole.job.stall == whole.written / 1e9); /* storage_gb is 1 there */
    assert_true(whole.written >= whole.checkpoint / 2 && whole.written < 0.51 * whole.checkpoint);
    assert_true(fabs(whole.copied / whole.written - 1 / 8.) < 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_where_daly_has_it),
        cmocka_unit_test(rows_that_end),
        cmocka_unit_test_setup_teardown(refusals, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(all_of_it, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(machines, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("sim goodput", tests, NULL, NULL);
}
