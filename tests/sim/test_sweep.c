/* test_sweep.c - combinations: words that are refused, rows as dry runs have them, by however many workers, and the
 * best one's config. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/standard.h"
#include "sim/file/h5.h"
#include "sim/file/run_file.h"
#include "sim/report/utilization.h"
#include "sim/run/run.h"
#include "sim/sweep/sweep.h"
#include "sim/sweep/sweep_file.h"
#include "tests/support/check.h"
#include "tests/support/swept.h"

static Sweep read_sweep(const char *path)
{
    Sweep s;
    Error error;
    if (!sweep_file_read(&s, path, &error)) fail_msg("%s", error.text);
    return s;
}

/* ---- refusals ---- */

static void refusals(void **state)
{
    static const struct {
        const char *words[6], *message;
    } cases[] = {
        {{"--set", "parallel.tp=1,2"}, "no --config; try sim sweep --config"},
        {{"--config", "S", "--set", "parallel.tp=1"}, "no key has several values; try --set parallel.tp=1,2"},
        {{"--config", "S", "--set", "model.hiden=1,2"},
         "--set model.hiden=1,2: model.hiden: no such key; try model.hidden"},
        {{"--config", "S", "--set", "parallel.tp"}, "--set parallel.tp: not section.key=value,value; try"},
        {{"--config", "S", "--set", "lr=1,2"},
         "--set lr=1,2: not section.key=value,value; try --set train.learning_rate=1,2"},
        {{"--config", "S", "--set", "tp=1,x"}, "try --set parallel.tp=2"},
        {{"--config", "S", "--set", "zero3"}, "try --set parallel.data=zero3"},
        {{"--config", "S", "--set", "qqqq=1,2"}, "try --set parallel.tp=1,2,4"},
        {{"--config", "S", "--set", "parallel.tp=1,,2"},
         "--set parallel.tp=1,,2: no value between two commas"},
        {{"--config", "S", "--set", "parallel.tp="}, "parallel.tp = \"\": no value; try"},
        {{"--config", "S", "--set", "parallel.tp=1,two"}, "parallel.tp = two: not a whole number from 1 to"},
        {{"--config", "S", "--set", "parallel.tp=1,2,01"},
         "--set parallel.tp=1,2,01: 1 twice; try each value once"},
        {{"--config", "S", "--set", "parallel.tp=1,2", "--set", "parallel.tp=4"},
         "parallel.tp is given again; try all"},
        {{"--config", "S", "--ranks", "8,0"},
         "--ranks 8,0: ranks = 0: not a number of ranks from 1 to 65536"},
        {{"--config", "S", "--ranks", "8", "--ranks", "16"}, "--ranks 16: given again"},
        {{"--config", "S", "--out", "a", "--out=b"}, "--out b: given again, after --out a; try one"},
        {{"--config", "S", "--axes", "a,b", "--axes=c,d"},
         "--axes c,d: given again, after --axes a,b; try one"},
        {{"--config", "S", "--set", "output.file=a,b"}, "output.file: no combination writes a run file"},
        {{"--config", "S", "--set", "train.microbatch=1,2", "--axes", "parallel.tp,train.microbatch"},
         "--axes: parallel.tp is no key that is swept; there are train.microbatch"},
        {{"--config", "S", "--set", "train.microbatch=1,2", "--axes=x"}, "--axes x: not two keys; try"},
        {{"--config", "S", "--ranks", "8,16", "--workers", "0"}, "--workers 0: not a number from 1 to 256"},
        {{"--config", "S", "--fast"}, "--fast: no such option of sim sweep"},
        {{"--config", "S", "--set", "hardware.profile=h100-dgx,h100-dgz"},
         "--set hardware.profile=h100-dgz: "},
        {{"--config", "none.ini", "--ranks", "8,16"}, "none.ini: no such file"},
        {{"s.ini"}, "'s.ini' is a config; try --config s.ini"},
        {{"none.h5"}, "none.h5: cannot open"},
    };
    PlotPlace *place = *state;
    const char *ini = config_in(place);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *words[7] = {NULL};
        for (int k = 0; k < 6 && cases[i].words[k]; k++)
            words[k] = strcmp(cases[i].words[k], "S") != 0 ? cases[i].words[k] : ini;
        assert_int_equal(sweep_words(place, words), STATUS_BAD_REQUEST);
        assert_refuses(place->said, "sim: sweep: ", cases[i].message);
    }
    char many[4096] = "data.seed=0";
    for (int i = 1; i < 800; i++) sprintf(many + strlen(many), ",%d", i);
    char more[4096] = "train.seed=";
    strcat(more, many + strlen("data.seed="));
    assert_int_equal(SWEEP(place, "--config", ini, "--set", more, "--set", "train.global_batch=1,2", "--set",
                           strcat(strcpy(many + 0, "train.warmup="), more + strlen("train.seed="))),
                     STATUS_BAD_REQUEST);
    assert_says(place->said,
                "800 x 2 x 800 = 1280000 combinations, more than the 1000000 of a sweep; try fewer");
    assert_int_equal(SWEEP(place, "--help"), STATUS_OK);
}

/* ---- what is told ---- */

/* What a dry run of the config, with these sets, has in its file. */
static void dry(PlotPlace *place, const char *config, const char *const *sets, int count, int ranks,
                SweepRow *row)
{
    const char *path = in_folder(place, "x.h5");
    RunOptions options = {.config = config,
                          .output = path,
                          .sets = sets,
                          .set_count = count,
                          .dry = true,
                          .command_line = "sim",
                          .program_directory = place->program};
    Error error;
    Utilization u;
    Capture c = capture();
    int status = run_dry(ranks, &options);
    captured(place, c);
    assert_int_equal(status, STATUS_OK);
    RunFile *run = run_file_open(path, &error);
    assert_non_null(run);
    size_t rows = (size_t)run->recorded;
    double *held = run_file_first(run, "/memory/peak_total", rows, &error);
    double *idle = run_file_first(run, "/pipeline/bubble_ratio_simulated", rows, &error);
    assert_true(held && idle && run_file_rows(run, "/steps/simulated_time", 0, 1, &row->step_time, &error));
    assert_true(utilization_read(run, &u, &error));
    row->mfu = u.model / u.peak;
    row->hfu = u.counted / u.peak;
    for (size_t r = 0; r < rows; r++) {
        row->memory = fmax(row->memory, held[r]);
        row->bubble += idle[r] * run_file_stands_for(run, (int)r) / run->ranks;
    }
    free(held);
    free(idle);
    run_file_close(run);
    assert_int_equal(remove(path), 0);
}

static void as_dry_runs(void **state)
{
    PlotPlace *place = *state;
    const char *ini = config_in(place), *folder = in_folder(place, "out");
    assert_int_equal(SWEEP(place, "--config", ini, GRID, "--ranks", "12", "--out", folder), STATUS_OK);
    assert_says(place->said, "48 combinations of 4 keys on 12 ranks\n");
    Sweep s = read_sweep(in_folder(place, "out/sweep.h5"));
    int walked = 0;
    assert_int_equal(s.space.count, 48);
    for (int64_t i = 0; i < s.space.count; i += 5) {
        char set[4][64];
        const char *sets[4];
        for (int k = 0; k < 4; k++) {
            snprintf(set[k], sizeof set[k], "%s=%s", s.space.key[k].name, space_value(&s.space, i, k));
            sets[k] = set[k];
        }
        if (s.row[i].state == SWEEP_REFUSED) continue;
        SweepRow own = {.step_time = 0}, *row = &s.row[i];
        dry(place, ini, sets, 4, 12, &own);
        assert_true(own.step_time == row->step_time && own.memory == row->memory);
        assert_true(own.mfu == row->mfu && fabs(own.hfu / row->hfu - 1) < 1e-12);
        assert_true(fabs(own.bubble - row->bubble) < 1e-12);
        assert_true(row->a_device == row->tokens_per_second / 12);
        walked++;
    }
    assert_true(walked >= 3);
    /* 3 ranks cut no model of 4 heads, and 5 no batch of 48 */
    for (int64_t i = 0; i < s.space.count; i++) {
        bool cut = strcmp(space_value(&s.space, i, 0), "3") == 0,
             batch = strcmp(space_value(&s.space, i, 2), "5") == 0;
        assert_true((s.row[i].state == SWEEP_REFUSED) >= (cut || batch));
        if (cut) assert_says(s.reason[s.row[i].reason], "--set parallel.tp=3: tp = 3 does not divide");
    }
    sweep_free(&s);
}

/* The config of the best runs by itself as that combination did. */
static void the_best_runs(void **state)
{
    PlotPlace *place = *state;
    const char *ini = config_in(place), *folder = in_folder(place, "out"),
               *best = in_folder(place, "out/best.ini");
    assert_int_equal(SWEEP(place, "--config", ini, GRID, "--ranks", "12", "--out", folder), STATUS_OK);
    Sweep s = read_sweep(in_folder(place, "out/sweep.h5"));
    SweepRow own = {.step_time = 0};
    dry(place, best, NULL, 0, 12, &own);
    assert_true(s.best >= 0 && s.row[s.best].place == 1 && own.step_time == s.row[s.best].step_time);
    for (int64_t i = 0; i < s.space.count; i++)
        assert_true(s.row[i].state != SWEEP_FITS || s.row[i].a_device <= s.row[s.best].a_device);
    assert_file_says(best, "[model]\nlayers = 4\nhidden = 64\n");
    sweep_free(&s);
    /* what was there is kept */
    assert_int_equal(SWEEP(place, "--config", ini, GRID, "--ranks", "12", "--out", folder), STATUS_OK);
    assert_says(place->said, "an earlier table is kept as ");
    assert_says(place->said, "/out/best.ini --dry-run --ranks 12\n");
    assert_true(folder_has(folder, "sweep.1.h5") && folder_has(folder, "best.1.ini"));
    assert_false(folder_has_draft(folder));
    /* a preset by --set takes the model's lines away, and a text in quotes comes back as it was */
    assert_int_equal(SWEEP(place, "--config", ini, "--ranks", "2,4", "--set", "model.preset=gpt2-124m",
                           "--set", "train.microbatch=1", "--out", folder),
                     STATUS_OK);
    char *text = text_of(best);
    assert_says(text, "[model]\npreset = gpt2-124m\n\n[train]");
    assert_null(strstr(text, "hidden"));
    free(text);
}

/* The rows, behind what progress was shown on standard error. */
/* Without the line on standard error that says where the rest lies. */
static const char *rows_of(PlotPlace *place)
{
    char *head = strstr(place->said, "combination,place,"), *beside = strstr(place->said, "sim: sweep: its ");
    assert_non_null(head);
    if (beside) *beside = '\0';
    return head;
}

static void by_any_workers(void **state)
{
    PlotPlace *place = *state;
    const char *ini = config_in(place);
    char first[SAID];
    uint64_t sum[2][2];
    for (int workers = 1; workers <= 2; workers++) {
        char number[2] = {(char)('0' + workers), '\0'};
        const char *folder = in_folder(place, number);
        Error error;
        Progress progress;
        progress_begin(&progress, 1, PROGRESS_QUIET);
        assert_int_equal(SWEEP(place, "--config", ini, "--set", "parallel.tp=1,2,3", "--set",
                               "train.microbatch=1,2,4,5", "--csv", "--workers", number, "--out", folder),
                         STATUS_OK);
        if (workers == 1) strcpy(first, rows_of(place));
        assert_string_equal(first, rows_of(place));
        char path[512];
        snprintf(path, sizeof path, "%s/sweep.h5", folder);
        H5 *file = h5_open(path, &error);
        assert_non_null(file);
        assert_true(
            h5_checksum(file, "/step_time", "DIMENSION_LIST", &sum[workers - 1][0], &progress, &error));
        assert_true(h5_checksum(file, "/reasons", NULL, &sum[workers - 1][1], &progress, &error));
        assert_true(h5_close(file, &error));
    }
    assert_true(sum[0][0] == sum[1][0] && sum[0][1] == sum[1][1]);
    assert_int_equal(SWEEP(place, in_folder(place, "1/sweep.h5"), "--csv"), STATUS_OK);
    assert_string_equal(first, rows_of(place));
}

static void memory(void **state)
{
    PlotPlace *place = *state;
    const char *ini = config_in(place), *folder = in_folder(place, "out");
    /* between what it takes with one sample at once and with four */
    assert_int_equal(SWEEP(place, "--config", ini, "--set", "train.microbatch=1,4", "--set",
                           "chip.memory_gb=0.003,0.001", "--out", folder, "--ranks", "4"),
                     STATUS_OK);
    Sweep s = read_sweep(in_folder(place, "out/sweep.h5"));
    for (int i = 0; i < 4; i++) {
        assert_true(s.row[i].capacity == (i % 2 ? 1e6 : 3e6));
        assert_int_equal(s.row[i].state, s.row[i].memory > s.row[i].capacity ? SWEEP_TOO_LARGE : SWEEP_FITS);
        assert_int_equal(s.row[i].place > 0, s.row[i].state == SWEEP_FITS);
    }
    assert_true(s.states[SWEEP_FITS] > 0 && s.states[SWEEP_TOO_LARGE] > 0);
    sweep_free(&s);
    assert_null(strstr(place->said, "does not fit"));
    assert_file_says(in_folder(place, "out/sweep.gp"), "= 'does not fit'");
    assert_int_equal(SWEEP(place, in_folder(place, "out/sweep.h5"), "--all"), STATUS_OK);
    assert_says(place->said, "MB: does not fit\n");
    /* where nothing fits there is no config, and where nothing is possible, nothing */
    assert_int_equal(SWEEP(place, "--config", ini, "--ranks", "4,8", "--set", "train.microbatch=1", "--set",
                           "chip.memory_gb=0.001", "--out", in_folder(place, "none")),
                     STATUS_OK);
    assert_says(place->said, "none fits; nearest to it comes ranks 8, which needs ");
    assert_false(folder_has(in_folder(place, "none"), "best.ini"));
    /* nor that of the earlier sweep beside another's table */
    assert_true(folder_has(in_folder(place, "out"), "best.ini"));
    assert_int_equal(SWEEP(place, "--config", ini, "--ranks", "4,8", "--set", "train.microbatch=1", "--set",
                           "chip.memory_gb=0.001", "--out", in_folder(place, "out")),
                     STATUS_OK);
    assert_says(place->said, "an earlier config of the best is kept as ");
    assert_false(folder_has(in_folder(place, "out"), "best.ini"));
    assert_true(folder_has(in_folder(place, "out"), "best.1.ini"));
    assert_int_equal(SWEEP(place, "--config", ini, "--ranks", "5,7", "--set", "train.microbatch=1", "--out",
                           in_folder(place, "no")),
                     STATUS_BAD_REQUEST);
    assert_says(place->said, "sim: sweep: none of the 2 combinations is possible: ");
    assert_false(folder_has(in_folder(place, "no"), "sweep.h5"));
}

/* More refusals than a table begins with, each once, and those that differ in numbers in one group. */
static void reasons(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static char list[8 * COUNT];
    Sweep s = {.row = allocate_zeroed(2 * COUNT, sizeof(SweepRow)), .best = -1};
    Error error;
    SweepTexts *texts = sweep_texts_new();
    strcpy(list, "train.seed=0");
    for (int i = 1; i < COUNT; i++) sprintf(list + strlen(list), ",%d", i);
    assert_true(space_add(&s.space, list, &error) && space_add(&s.space, "parallel.tp=1,2", &error));
    assert_true(space_close(&s.space, &error));
    /* told from the last to the first, so that numbers change */
    for (int64_t i = s.space.count - 1; i >= 0; i--) {
        char why[64];
        s.row[i] = sweep_refused(8);
        snprintf(why, sizeof why, i % 2 ? "seed = %s (or %d): odd; try %d" : "tp: even",
                 space_value(&s.space, i, 0), (int)i, (int)i);
        s.row[i].reason = sweep_texts_add(texts, why);
    }
    sweep_finish(&s, texts);
    assert_int_equal(s.reasons, COUNT + 1);
    assert_string_equal(s.reason[0], "tp: even");
    assert_string_equal(s.reason[s.row[5].reason], "seed = 2 (or 5): odd; try 5");
    assert_int_equal(s.row[5].reason, 3);
    int groups, *group_of = allocate((size_t)s.reasons * sizeof *group_of);
    SweepGroup *group = sweep_groups(&s, &groups, group_of);
    assert_int_equal(groups, 2);
    assert_true(group[0].count == COUNT && group[1].count == COUNT && group[0].reason == 0);
    for (int i = 0; i < s.reasons; i++) assert_int_equal(group_of[i], i > 0);
    free(group);
    free(group_of);
    sweep_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(as_dry_runs, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(the_best_runs, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(by_any_workers, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(memory, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test(reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
