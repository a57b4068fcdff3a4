/* recorded.c - a made-up run, written and checked. */
#include "tests/support/recorded.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include "sim/file/h5.h"
#include "tests/support/check.h"

int recorded_setup(void **state)
{
    Place *place = calloc(1, sizeof *place);
    if (!place || folder_make(place->folder)) return -1;
    snprintf(place->run, sizeof place->run, "%s/run.h5", place->folder);
    *state = place;
    return 0;
}

int recorded_teardown(void **state)
{
    Place *place = *state;
    umount(place->folder); /* a failed test may have left its small disk there */
    const int status = folder_remove(place->folder);
    free(place);
    return status;
}

Recorder *recorded_begin(const char *path, int64_t steps, char *kept, Error *error)
{
    static const double bytes[RANKS * PURPOSES] = {[1] = 10, [PURPOSES] = NAN};
    static const double memory[RANKS * MEMORY_CATEGORIES] = {[0] = 7, [1] = NAN};
    static char text[] = "[train]\nsteps = 5 ; five\n";
    const RunInfo info = {.path = path,
                          .command_line = "sim --config made-up.ini",
                          .ranks = RANKS,
                          .parameters = 1234,
                          .entropy = 1.5,
                          .actions = ACTIONS,
                          .theory_bytes = bytes,
                          .theory_memory = memory};
    Config *config = calloc(1, sizeof *config);
    config->train.steps = steps;
    config->text = text;
    snprintf(config->name, sizeof config->name, "made-up.ini");
    char ignored[256];
    Recorder *recorder = recorder_open(&info, config, kept ? kept : ignored, 256, error);
    free(config);
    return recorder;
}

bool recorded_step(Recorder *recorder, int64_t n, Error *error)
{
    const StepRow row = {n,   5 - 0.001 * (double)n, 1 + (double)n, 0.1,    64,
                         0.5, 0.125 * (double)n,     1024,          n == 2, 0.25 * (double)n};
    uint64_t bytes[RANKS * PURPOSES], messages[RANKS * PURPOSES];
    for (int i = 0; i < RANKS * PURPOSES; i++) {
        bytes[i] = 1000 * (uint64_t)n + (uint64_t)i;
        messages[i] = (uint64_t)n + (uint64_t)i;
    }
    return recorder_step(recorder, &row, bytes, messages, error);
}

/* Checks all that `path` says about finished steps, and returns their number.
 * `live`: it is being written, so later rows may fill up while it is read. */
static int64_t look_at_steps(const char *path, bool live)
{
    Error error = {""};
    H5 *file = h5_open(path, &error);
    assert_string_equal(error.text, "");
    int rank;
    size_t dims[H5_MAX_RANK];
    assert_true(h5_shape(file, "/step", &rank, dims, &error));
    size_t rows = dims[0];
    double *numbers = h5_read_numbers(file, "/steps/step", &rank, dims, &error);
    assert_int_equal(dims[0], rows);
    double *loss = h5_read_numbers(file, "/steps/loss", &rank, dims, &error);
    assert_int_equal(dims[0], rows);
    double *norm = h5_read_numbers(file, "/steps/grad_norm", &rank, dims, &error);
    double *rate = h5_read_numbers(file, "/steps/tokens_per_second", &rank, dims, &error);
    double *bytes = h5_read_numbers(file, "/comm/bytes_sent", &rank, dims, &error);
    double *messages = h5_read_numbers(file, "/comm/messages", &rank, dims, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(rank, 3);
    assert_int_equal(dims[0], rows);
    assert_int_equal(dims[1], RANKS);
    assert_int_equal(dims[2], PURPOSES);
    size_t done = 0;
    while (done < rows && numbers[done] >= 0) done++;
    for (size_t n = 0; n < rows; n++) {
        double x = (double)n;
        if (n >= done) {
            assert_true(numbers[n] == -1);
            if (n > done && !live) assert_true(isnan(loss[n])); /* row `done` may be half written */
            continue;
        }
        assert_true(numbers[n] == x && loss[n] == 5 - 0.001 * x && norm[n] == 1 + x && rate[n] == 128);
        for (int i = 0; i < RANKS * PURPOSES; i++) {
            assert_true(bytes[n * RANKS * PURPOSES + (size_t)i] == 1000 * x + i);
            assert_true(messages[n * RANKS * PURPOSES + (size_t)i] == x + i);
        }
    }
    double *const all[] = {numbers, loss, norm, rate, bytes, messages};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    assert_true(h5_close(file, &error));
    return (int64_t)done;
}

int64_t recorded_steps(const char *path)
{
    return look_at_steps(path, false);
}

int64_t recorded_steps_so_far(const char *path)
{
    return look_at_steps(path, true);
}

int64_t recorded_complete(const char *path)
{
    double value = -1;
    H5 *file = h5_open(path, NULL);
    assert_non_null(file);
    assert_true(h5_get_number(file, "/", "complete", &value));
    h5_close(file, NULL);
    return (int64_t)value;
}

void recorded_write(const char *path, int64_t planned, int64_t steps, bool finish, char *kept)
{
    Error error = {""};
    Recorder *recorder = recorded_begin(path, planned, kept, &error);
    assert_string_equal(error.text, "");
    for (int64_t n = 0; n < steps; n++) assert_true(recorded_step(recorder, n, &error));
    if (finish)
        assert_true(recorder_finish(recorder, &error));
    else
        recorder_abandon(recorder);
    assert_string_equal(error.text, "");
}
