/* test_recorder.c - what is in the run file: every number, name and unit read back, and its sizes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/schedule/schedule.h"
#include "sim/file/h5.h"
#include "sim/file/recorder_private.h"
#include "tests/support/check.h"
#include "tests/support/recorded.h"

/* By the contract's names, written down a second time: a field misnamed in the file comes back as 0. */
static void read_actions(H5 *file, TimelineRow rows[ACTIONS])
{
    const H5Field fields[] = {
        {"rank", offsetof(TimelineRow, rank), false, H5_I32, 0},
        {"stage", offsetof(TimelineRow, stage), false, H5_I32, 0},
        {"microbatch", offsetof(TimelineRow, microbatch), false, H5_I32, 0},
        {"simulated_start", offsetof(TimelineRow, simulated_start), false, H5_F64, 0},
        {"simulated_end", offsetof(TimelineRow, simulated_end), false, H5_F64, 0},
        {"recompute", offsetof(TimelineRow, recompute), false, H5_F64, 0},
        {"communication", offsetof(TimelineRow, communication), false, H5_F64, 0},
        {"measured_start", offsetof(TimelineRow, measured_start), false, H5_F64, 0},
        {"measured_end", offsetof(TimelineRow, measured_end), false, H5_F64, 0},
        {"measured_compute", offsetof(TimelineRow, measured_compute), false, H5_F64, 0},
        {"overlapped", offsetof(TimelineRow, overlapped), false, H5_I32, 0},
        {"held", offsetof(TimelineRow, held), false, H5_I32, 0},
    };
    size_t count;
    TimelineRow *read =
        h5_table_read(file, "/timeline/actions",
                      (H5Row){fields, sizeof fields / sizeof *fields, sizeof *rows}, &count, NULL);
    assert_int_equal(count, ACTIONS);
    memcpy(rows, read, ACTIONS * sizeof *rows);
    free(read);
}

/* What the file and its columns say of themselves. */
static void check_attributes(H5 *file)
{
    char text[512];
    const struct {
        const char *object, *name, *value;
    } texts[] = {
        {"/", "schema", "sim-run/6"},
        {"/", "command_line", "sim --config made-up.ini"},
        {"/", "Conventions", "CF-1.10"},
        {"/config", "train.steps", "5"},
        {"/steps/loss", "units", "1"},
        {"/steps/wall_time", "units", "s"},
        {"/comm/bytes_sent", "units", "byte"},
        {"/steps/loss", "long_name", "mean cross-entropy, nats per token"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_true(h5_get_text(file, texts[i].object, texts[i].name, text, sizeof text));
        assert_string_equal(text, texts[i].value);
    }
    assert_false(h5_get_text(file, "/", "no such thing", text, sizeof text));
    double number;
    assert_true(h5_get_number(file, "/", "entropy", &number) && number == 1.5);
    assert_true(h5_get_number(file, "/", "parameters", &number) && number == 1234);
    assert_true(h5_get_number(file, "/timeline", "step", &number) && number == 3);
}

/* Names, and what was sent and held. */
static void check_bytes(H5 *file, const uint64_t total[RANKS])
{
    int rank;
    size_t count, dims[H5_MAX_RANK];
    char **names = h5_read_names(file, "/config/ini", &count, NULL);
    assert_string_equal(names[0], "[train]\nsteps = 5 ; five\n");
    h5_free_names(names, count);
    names = h5_read_names(file, "/comm/purpose", &count, NULL);
    assert_int_equal(count, PURPOSES);
    for (size_t i = 0; i < count; i++) assert_string_equal(names[i], purpose_row[i].name);
    h5_free_names(names, count);
    uint64_t back[RANKS];
    assert_true(h5_read(file, "/memory/peak_total", H5_U64, back, NULL));
    assert_memory_equal(back, total, sizeof back);
    double *memory = h5_read_numbers(file, "/memory/theory", &rank, dims, NULL);
    assert_true(memory[0] == 7 && isnan(memory[1]) && rank == 2 && dims[1] == MEMORY_CATEGORIES);
    free(memory);
    double *bytes = h5_read_numbers(file, "/comm/messages_outside", &rank, dims, NULL);
    assert_true(bytes[RANKS * PURPOSES - 1] == 77 && bytes[0] == 0);
    free(bytes);
}

static void check_pipeline(H5 *file)
{
    int rank;
    size_t count, dims[H5_MAX_RANK];
    double *shares = h5_read_numbers(file, "/pipeline/bubble_ratio_simulated", &rank, dims, NULL);
    assert_true(rank == 1 && dims[0] == RANKS && shares[2] == 0.75);
    free(shares);
    shares = h5_read_numbers(file, "/pipeline/bubble_ratio_measured", &rank, dims, NULL);
    assert_true(isnan(shares[0]) && shares[2] == 0.875);
    free(shares);
    shares = h5_read_numbers(file, "/pipeline/bubble_ratio_theory", &rank, dims, NULL);
    assert_true(rank == 0 && shares[0] == 0.375);
    free(shares);
    char **names = h5_read_names(file, "/breakdown/part", &count, NULL);
    assert_int_equal(count, PARTS);
    assert_string_equal(names[PART_PP_IDLE], "pp_idle");
    h5_free_names(names, count);
    double *parts = h5_read_numbers(file, "/breakdown/simulated", &rank, dims, NULL);
    assert_true(rank == 2 && dims[1] == PARTS && parts[PARTS + 1] == PARTS + 1);
    free(parts);
    parts = h5_read_numbers(file, "/breakdown/hidden", &rank, dims, NULL);
    assert_true(rank == 2 && parts[PARTS + 1] == 2 * (PARTS + 1));
    free(parts);
}

static void check_work(H5 *file)
{
    static const char *const columns[] = {"kernels", "flops", "bytes", "products", "again", "seconds"};
    int rank;
    size_t dims[H5_MAX_RANK];
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        char path[64];
        snprintf(path, sizeof path, "/work/%s", columns[c]);
        double *column = h5_read_numbers(file, path, &rank, dims, NULL);
        assert_true(rank == 1 && dims[0] == WORK_KINDS && column[WORK_FLASH] == (double)(c + 1));
        free(column);
    }
}

static void check_links(H5 *file)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    double *bytes = h5_read_numbers(file, "/links/bytes", &rank, dims, NULL);
    assert_true(rank == 2 && dims[0] == ROUTES && dims[1] == PURPOSES && bytes[PURPOSES + 2] == PURPOSES + 2);
    free(bytes);
    bytes = h5_read_numbers(file, "/links/theory_bytes", &rank, dims, NULL);
    assert_true(rank == 2 && isnan(bytes[0])); /* none was given */
    free(bytes);
    double *busy = h5_read_numbers(file, "/links/busy", &rank, dims, NULL);
    assert_true(rank == 2 && dims[0] == RANKS && dims[1] == ROUTES && busy[3] == 0.75);
    free(busy);
}

static void check_columns(H5 *file)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    double *spent = h5_read_numbers(file, "/steps/simulated_time", &rank, dims, NULL);
    assert_true(dims[0] == 5 && spent[4] == 0.5);
    free(spent);
    double *scale = h5_read_numbers(file, "/steps/loss_scale", &rank, dims, NULL);
    double *skipped = h5_read_numbers(file, "/steps/skipped", &rank, dims, NULL);
    assert_true(dims[0] == 5 && scale[4] == 1024 && skipped[1] == 0 && skipped[2] == 1);
    double *apart = h5_read_numbers(file, "/steps/loss_difference", &rank, dims, NULL);
    assert_true(dims[0] == 5 && apart[4] == 1);
    free(apart);
    free(scale);
    free(skipped);
}

static void check_timeline(H5 *file)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    double *held = h5_read_numbers(file, "/timeline/memory", &rank, dims, NULL);
    assert_true(rank == 2 && dims[0] == ACTIONS && dims[1] == MEMORY_CATEGORIES);
    assert_true(held[0] == 1 && held[5] == 0x1p50 && held[6] == 7 && held[7] == 0 && held[2 * 6] == 0);
    double *number = h5_read_numbers(file, "/held", &rank, dims, NULL);
    assert_true(rank == 1 && dims[0] == ACTIONS && number[0] == 0 && number[1] == 1 && number[2] == -1);
    free(number);
    double *most = h5_read_numbers(file, "/timeline/memory_peak", &rank, dims, NULL);
    assert_true(rank == 1 && dims[0] == ACTIONS && most[0] == 0x1p51 && most[1] == 8 && most[2] == 0);
    free(held);
    free(most);

    TimelineRow whole[ACTIONS];
    read_actions(file, whole);
    assert_true(whole[0].stage == 3 && whole[0].microbatch == 1 && whole[0].simulated_start == 0.25 &&
                whole[0].simulated_end == 0.5 && whole[0].recompute == 0.0625 &&
                whole[0].communication == 0.125 && whole[0].measured_start == 1 &&
                whole[0].measured_end == 1.5 && whole[0].measured_compute == 0.375);
    assert_true(whole[0].overlapped == 1 && whole[1].overlapped == 0 && whole[3].overlapped == 0);
    assert_true(whole[0].held == 0 && whole[1].held == 1 && whole[2].held == 0 && whole[3].held == -1);
    assert_true(isnan(whole[3].simulated_end) && isnan(whole[3].measured_compute));
}

/* Another program's idea of the row: fewer fields, in another order. */
static void check_other_rows(H5 *file)
{
    size_t rows;
    typedef struct Row {
        double measured_end;
        char action[8];
        int32_t rank;
    } Row;
    const H5Field fields[] = {{"measured_end", offsetof(Row, measured_end), false, H5_F64, 0},
                              {"action", offsetof(Row, action), true, 0, 8},
                              {"rank", offsetof(Row, rank), false, H5_I32, 0}};
    Row *table = h5_table_read(file, "/timeline/actions", (H5Row){fields, 3, sizeof *table}, &rows, NULL);
    assert_int_equal(rows, ACTIONS);
    assert_true(table[1].rank == 2 && table[1].measured_end == 4 && table[3].rank == -1);
    assert_string_equal(table[1].action, "STEP");
    assert_true(isnan(table[3].measured_end));
    free(table);
}

static void test_round_trip(void **state)
{
    Place *place = *state;
    char path[160], kept[256] = "x";
    snprintf(path, sizeof path, "%s/made/if/missing/run.h5", place->folder);
    Error error = {""};
    Recorder *recorder = recorded_begin(path, 5, kept, &error);
    assert_string_equal(error.text, "");
    assert_string_equal(kept, "");
    for (int64_t n = 0; n < 5; n++) assert_true(recorded_step(recorder, n, &error));

    uint64_t peak[RANKS * MEMORY_CATEGORIES], total[RANKS] = {1, 2, 1ull << 60}, rss[RANKS] = {4, 5, 6};
    uint64_t outside[RANKS * PURPOSES] = {0};
    for (int i = 0; i < RANKS * MEMORY_CATEGORIES; i++) peak[i] = (uint64_t)i;
    outside[RANKS * PURPOSES - 1] = 77;
    assert_true(recorder_memory(recorder, peak, total, rss, &error));
    assert_true(recorder_outside(recorder, outside, outside, &error));
    const TimelineRow actions[] = {
        {0,
         3,
         1,
         1,
         "F",
         "compute",
         0.25,
         0.5,
         0.0625,
         0.125,
         -1,
         1,
         1.5,
         0.375,
         {1, 2, 3, 4, 5, 1ull << 50},
         1ull << 51},
        {2, 0, -1, 0, "STEP", "compute", 1, 2, 0, 0, -1, 3, 4, 0.75, {7}, 8},
        {2, 1, 4, 0, "F", "compute", 2, 3, 0, 0, -1, 4, 5, 0.5, {1, 2, 3, 4, 5, 1ull << 50}, 1ull << 51}};
    assert_true(recorder_timeline(recorder, 3, actions, 3, &error));
    const double simulated[RANKS] = {0.25, 0.5, 0.75}, measured[RANKS] = {NAN, NAN, 0.875};
    double seconds[RANKS * PARTS], hidden[RANKS * PARTS];
    for (int i = 0; i < RANKS * PARTS; i++) {
        seconds[i] = i;
        hidden[i] = 2 * i;
    }
    assert_true(recorder_pipeline(recorder, simulated, measured, 0.375, &error));
    assert_true(recorder_breakdown(recorder, seconds, hidden, &error));
    const WorkDone done[WORK_KINDS] = {[WORK_FLASH] = {1, 2, 3, 4, 5, 6}};
    assert_true(recorder_work(recorder, done, &error));
    double by_link[ROUTES * PURPOSES];
    const double busy[RANKS * ROUTES] = {0, 0.25, 0.5, 0.75};
    for (int i = 0; i < ROUTES * PURPOSES; i++) by_link[i] = i;
    assert_true(recorder_links(recorder, by_link, busy, &error));
    assert_true(recorder_finish(recorder, &error));
    assert_int_equal(recorded_steps(path), 5);
    assert_int_equal(recorded_complete(path), 1);

    H5 *file = h5_open(path, &error);
    check_attributes(file);
    check_bytes(file, total);
    check_pipeline(file);
    check_work(file);
    check_links(file);
    check_columns(file);
    check_timeline(file);
    check_other_rows(file);

    int rank;
    size_t dims[H5_MAX_RANK];
    assert_true(h5_exists(file, "/comm/bytes_sent"));
    assert_false(h5_exists(file, "/no/such/thing"));
    assert_null(h5_read_numbers(file, "/no/such/thing", &rank, dims, &error));
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, "/no/such/thing"));
    h5_close(file, NULL);
}

/* Every dataset says what it is in which unit. */
static bool described(const char *name, void *context)
{
    char text[256];
    assert_true(h5_get_text(context, name, "units", text, sizeof text));
    assert_true(h5_get_text(context, name, "long_name", text, sizeof text));
    return true;
}

static void test_described(void **state)
{
    Place *place = *state;
    recorded_write(place->run, 2, 2, true, NULL);
    static const char *const all[] = {
        "/config/ini",
        "/steps/step",
        "/steps/loss",
        "/steps/grad_norm",
        "/steps/learning_rate",
        "/steps/tokens",
        "/steps/wall_time",
        "/steps/tokens_per_second",
        "/comm/purpose",
        "/comm/bytes_sent",
        "/comm/messages",
        "/comm/theory_bytes",
        "/comm/bytes_outside",
        "/comm/messages_outside",
        "/memory/category",
        "/memory/peak",
        "/memory/peak_total",
        "/memory/theory",
        "/memory/rss_peak",
        "/timeline/actions",
        "/timeline/category",
        "/timeline/memory",
        "/timeline/memory_peak",
        "/steps/loss_scale",
        "/steps/loss_difference",
        "/steps/skipped",
        "/steps/checkpoint_beside",
        "/steps/checkpoint_time",
        "/steps/checkpoint_written",
        "/steps/checkpoint_bytes",
        "/memory/checkpoint_copy",
        "/memory/checkpoint_theory",
        "/steps/simulated_time",
        "/pipeline/bubble_ratio_simulated",
        "/pipeline/bubble_ratio_measured",
        "/pipeline/bubble_ratio_theory",
        "/breakdown/part",
        "/breakdown/simulated",
        "/breakdown/hidden",
        "/work/kind",
        "/work/seconds",
        "/links/route",
        "/links/bytes",
        "/links/theory_bytes",
        "/links/busy",
    };
    H5 *file = h5_open(place->run, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) described(all[i], file);
    assert_true(h5_each(file, described, file, NULL));
    h5_close(file, NULL);
}

/* Columns grow past a block, end with the steps done, and may outgrow the plan. */
static void test_sizes(void **state)
{
    Place *place = *state;
    static const struct {
        int64_t planned, done;
    } runs[] = {{0, 0}, {1, 1}, {5, 2}, {1024, 1024}, {1025, 1025}, {5000, 2500}, {3, 2100}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char kept[256];
        recorded_write(place->run, runs[i].planned, runs[i].done, true, kept);
        assert_int_equal(recorded_steps(place->run), runs[i].done);
        int rank;
        size_t dims[H5_MAX_RANK];
        H5 *file = h5_open(place->run, NULL);
        assert_true(h5_shape(file, "/comm/bytes_sent", &rank, dims, NULL));
        assert_int_equal(dims[0], runs[i].done);
        h5_close(file, NULL);
    }
    assert_false(folder_has_draft(place->folder));
}

/* Or else what an action held is a row of the file for each, where it stays the same. */
static void kinds_of_actions_are_told_apart(void **state)
{
    (void)state;
    bool taken[RECORDER_LASTS] = {false};
    for (int k = 0; k < ACTION_KINDS; k++) {
        TimelineRow row = {.rank = 0};
        uint64_t word;
        strcpy(row.action, action_name[k]);
        memcpy(&word, row.action, sizeof word);
        if (taken[word % RECORDER_LASTS]) fail_msg("%s has another's place", action_name[k]);
        taken[word % RECORDER_LASTS] = true;
    }
}

static void test_too_many_actions(void **state)
{
    Place *place = *state;
    Error error = {""};
    Recorder *recorder = recorded_begin(place->run, 1, NULL, &error);
    const TimelineRow actions[ACTIONS + 1] = {{0}};
    assert_false(recorder_timeline(recorder, 0, actions, ACTIONS + 1, &error));
    assert_non_null(strstr(error.text, "5 actions"));
    assert_true(recorder_finish(recorder, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_described, recorded_setup, recorded_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, recorded_setup, recorded_teardown),
        cmocka_unit_test(kinds_of_actions_are_told_apart),
        cmocka_unit_test_setup_teardown(test_too_many_actions, recorded_setup, recorded_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
