/* sample_run.c - a made-up run, written by the recorder with a real configuration. */
#include "tests/support/sample_run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/real.h"
#include "models/machine/tensor.h"
#include "sim/base/posix.h"
#include "sim/config/ranks.h"
#include "sim/file/recorder.h"
#include "sim/file/run_file.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

bool sample_half(void)
{
    return sizeof(real) == sizeof(float);
}

void sample_config(Config *config)
{
    take(config,
         "[model]\npreset = toy\n[parallel]\npp = 2\ndata = zero3\n"
         "[train]\nsteps = 12\n[output]\nbaseline = other.h5\n",
         sample_half() ? "train.precision=fp16" : NULL);
    Error error;
    if (!config_check_ranks(config, SAMPLE_RANKS, &error)) fail_msg("%s", error.text);
}

static void write_steps(Recorder *r, Error *error)
{
    uint64_t bytes[SAMPLE_RANKS * PURPOSES], messages[SAMPLE_RANKS * PURPOSES];
    for (int64_t n = 0; n < SAMPLE_STEPS; n++) {
        const double x = (double)n;
        const StepRow row = {n, 4 - 0.1 * x, 1 + x, 0.1, 64, 0.5 + 0.01 * x, 0.25, 1024, n == 2, 0.01 * x};
        for (uint64_t i = 0; i < SAMPLE_RANKS * PURPOSES; i++) {
            bytes[i] = 1000 + i;
            messages[i] = 1 + i % 3;
        }
        assert_true(recorder_step(r, &row, bytes, messages, error));
    }
    assert_true(recorder_outside(r, bytes, messages, error));
}

static void write_timeline(Recorder *r, Error *error)
{
    static const char *const actions[] = {"F", "B", "REDUCE", "STEP"};
    TimelineRow rows[SAMPLE_ACTIONS] = {{0}};
    for (int i = 0; i < SAMPLE_ACTIONS; i++) {
        const int start = i / SAMPLE_RANKS;
        TimelineRow *row = &rows[i];
        *row = (TimelineRow){.rank = i % SAMPLE_RANKS, .stage = i % 2, .microbatch = i / 8};
        snprintf(row->action, sizeof row->action, "%s", actions[i / SAMPLE_RANKS % 4]);
        snprintf(row->lane, sizeof row->lane, "compute");
        row->simulated_start = row->measured_start = start;
        row->simulated_end = row->measured_end = start + 1;
        row->recompute = 0.25;
        row->communication = 0.125;
        row->measured_compute = 0.5;
        for (int c = 0; c < MEMORY_CATEGORIES; c++) row->memory[c] = 1000u + (unsigned)c;
        row->memory_peak = 9000;
    }
    assert_true(recorder_timeline(r, SAMPLE_STEPS - 1, rows, SAMPLE_ACTIONS, error));
}

static void write_rest(Recorder *r, Error *error)
{
    uint64_t peak[SAMPLE_RANKS * MEMORY_CATEGORIES], total[SAMPLE_RANKS], rss[SAMPLE_RANKS];
    double idle[SAMPLE_RANKS], seconds[SAMPLE_RANKS * PARTS];
    for (int i = 0; i < SAMPLE_RANKS * MEMORY_CATEGORIES; i++) peak[i] = 1000000u + (unsigned)i;
    for (int i = 0; i < SAMPLE_RANKS; i++) {
        total[i] = 8000000;
        rss[i] = 30000000;
        idle[i] = 0.125 * i;
    }
    for (int i = 0; i < SAMPLE_RANKS * PARTS; i++) seconds[i] = 0.25 * (1 + i % PARTS);
    assert_true(recorder_memory(r, peak, total, rss, error));
    assert_true(recorder_pipeline(r, idle, idle, 0.5, error));
    assert_true(recorder_breakdown(r, seconds, seconds, error));
    WorkDone done[WORK_KINDS];
    for (int k = 0; k < WORK_KINDS; k++) {
        const double x = k + 1;
        done[k] = (WorkDone){x, 1000 * x, 100 * x, 2000 * x, 10 * x, 0.001 * x};
    }
    assert_true(recorder_work(r, done, error));
    double bytes[ROUTES * PURPOSES], busy[SAMPLE_RANKS * ROUTES];
    for (int i = 0; i < ROUTES * PURPOSES; i++) bytes[i] = 1000 * i;
    for (int i = 0; i < SAMPLE_RANKS * ROUTES; i++) busy[i] = 0.01 * i;
    assert_true(recorder_links(r, bytes, busy, error));
}

void sample_run(const char *path, bool complete)
{
    double bytes[SAMPLE_RANKS * PURPOSES], memory[SAMPLE_RANKS * MEMORY_CATEGORIES];
    for (int i = 0; i < SAMPLE_RANKS * PURPOSES; i++) bytes[i] = 1000 + i;
    for (int i = 0; i < SAMPLE_RANKS * MEMORY_CATEGORIES; i++) memory[i] = 1000000 + i;
    Config config;
    Error error = {""};
    char kept[512];
    sample_config(&config);
    if (!complete) config.train.steps *= 2;
    const RunInfo info = {.path = path,
                          .command_line = "sim --config sample.ini",
                          .hosts = "host0: 0-1; host1: 2-3",
                          .across = 1,
                          .ranks = SAMPLE_RANKS,
                          .parameters = 106240,
                          .entropy = 1.5,
                          .actions = SAMPLE_ACTIONS,
                          .theory_bytes = bytes,
                          .theory_memory = memory};
    Recorder *recorder = recorder_open(&info, &config, kept, sizeof kept, &error);
    assert_string_equal(error.text, "");
    write_steps(recorder, &error);
    write_timeline(recorder, &error);
    write_rest(recorder, &error);
    if (complete)
        assert_true(recorder_finish(recorder, &error));
    else
        recorder_abandon(recorder);
    config_free(&config);
}

/* ---- a copy to change ---- */

int sample_setup(void **state)
{
    SamplePlace *place = calloc(1, sizeof *place);
    if (!place || folder_make(place->folder)) return -1;
    snprintf(place->whole, sizeof place->whole, "%s/whole.h5", place->folder);
    snprintf(place->copy, sizeof place->copy, "%s/run.h5", place->folder);
    sample_run(place->whole, true);
    *state = place;
    return 0;
}

int sample_teardown(void **state)
{
    SamplePlace *place = *state;
    const int status = folder_remove(place->folder);
    free(place);
    return status;
}

void sample_copy(const SamplePlace *place)
{
    assert_true(files_copy(place->whole, place->copy, NULL));
}

void sample_refused(const SamplePlace *place, const char *part)
{
    Error error = {""};
    RunFile *run = run_file_open(place->copy, &error);
    if (run) fail_msg("read, and not refused: %s", part);
    if (!strstr(error.text, part) || !strstr(error.text, place->copy))
        fail_msg("'%s' has no '%s'", error.text, part);
    assert_null(strchr(error.text, '\n'));
}
