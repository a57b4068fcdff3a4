/* made_up.c - a run's file, written by the recorder from a few numbers. */
#include "tests/support/made_up.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/file/recorder.h"
#include "tests/support/check.h"

/* What there is to tell of checkpoints after step n. */
static void note_checkpoints(Recorder *recorder, MadeUp made, int n)
{
    bool beside = n > 0 && n % made.checkpoint_every == 0, due = (n + 1) % made.checkpoint_every == 0;
    Error error = {""};
    uint64_t *copies = allocate((size_t)made.ranks * sizeof *copies);
    for (int r = 0; r < made.ranks; r++) copies[r] = 250000 * (uint64_t)(r + 1);
    if (beside || due) assert_true(recorder_checkpoint(recorder, beside, due ? 0.002 : 0.0001, &error));
    if (beside) assert_true(recorder_placed(recorder, &(CheckpointPlaced){1, 1.1, 1e6, copies}, &error));
    free(copies);
}

/* Where the time of a step would go. */
static void note_parts(Recorder *recorder, MadeUp made)
{
    const size_t ranks = (size_t)made.ranks;
    double *seconds = allocate_zeroed(ranks * PARTS, sizeof *seconds);
    double *hidden = allocate_zeroed(ranks * PARTS, sizeof *hidden);
    Error error = {""};
    for (size_t r = 0; r < ranks; r++) {
        seconds[r * PARTS + PART_DP_EXPOSED] = made.ranks > 1 ? 0.125 : 0;
        seconds[r * PARTS + PART_COMPUTE] = made.ranks > 1 ? 0.375 : 0.5;
    }
    assert_true(recorder_breakdown(recorder, seconds, hidden, &error));
    free(seconds);
    free(hidden);
}

enum { EXPERTS = 4, TOKENS = 8 };

/* What experts did in step n. */
static void note_routing(Recorder *recorder, MadeUp made, int n)
{
    const size_t layers = (size_t)made.sparse_layers;
    const bool together = n >= made.steps / 2;
    double *load = allocate_zeroed(layers * EXPERTS, sizeof *load), *one = allocate(layers * sizeof *one);
    for (size_t y = 0; y < layers; y++) {
        for (size_t e = 0; e < EXPERTS; e++)
            load[y * EXPERTS + e] = !together ? TOKENS / EXPERTS : e == 0 ? TOKENS : 0;
        one[y] = together ? EXPERTS : 1;
    }
    Error error = {""};
    assert_true(
        recorder_routing(recorder, &(RoutingRow){load, NULL, one, one, one, one, 0, 0, NULL}, &error));
    free(load);
    free(one);
}

void record_made_up(const char *path, MadeUp made)
{
    const size_t ranks = (size_t)made.ranks;
    double *formula = allocate(ranks * PURPOSES * sizeof *formula);
    double *states = allocate(ranks * MEMORY_CATEGORIES * sizeof *states);
    uint64_t *bytes = allocate_zeroed(ranks * PURPOSES, sizeof *bytes);
    uint64_t *peak = allocate_zeroed(ranks * MEMORY_CATEGORIES, sizeof *peak);
    uint64_t *total = allocate_zeroed(ranks, sizeof *total);
    TimelineRow *rows = allocate_zeroed(ranks * 2, sizeof *rows);
    for (size_t r = 0; r < ranks; r++) {
        for (int p = 0; p < PURPOSES; p++) formula[r * PURPOSES + (size_t)p] = made.no_formula ? NAN : 0;
        for (int c = 0; c < MEMORY_CATEGORIES; c++) {
            formula[r * PURPOSES + CONTROL] = NAN;
            peak[r * MEMORY_CATEGORIES + (size_t)c] = 100000 * (r + 1);
            states[r * MEMORY_CATEGORIES + (size_t)c] =
                c <= MEM_ACTIVATIONS && !made.no_formula ? 100000. * (double)(r + 1) : NAN;
        }
        if (made.ranks > 1) {
            bytes[r * PURPOSES + DP_ALL_REDUCE] = 1000 * (r + 1);
            bytes[r * PURPOSES + CONTROL] = 10;
            if (!made.no_formula) formula[r * PURPOSES + DP_ALL_REDUCE] = 1000. * (double)(r + 1);
        }
        total[r] = 550000 * (r + 1);
        rows[2 * r] = (TimelineRow){
            .rank = (int)r, .action = "F", .lane = "compute", .measured_start = 0, .measured_end = 0.25};
        rows[2 * r + 1] = (TimelineRow){.rank = (int)r,
                                        .action = "B",
                                        .lane = "compute",
                                        .measured_start = 0.25,
                                        .measured_end = 0.75 + 0.125 * (double)r,
                                        .measured_compute = !made.foretold   ? 0
                                                            : made.ranks > 1 ? 0.375
                                                                             : 0.5};
    }
    static char ini[] = "[train]\n";
    const RunInfo info = {.path = path,
                          .host = made.foretold ? "node, Processor" : NULL,
                          .command_line = "sim",
                          .ranks = made.ranks,
                          .dry = made.dry,
                          .parameters = 1234,
                          .entropy = 1.5,
                          .actions = 2 * made.ranks,
                          .theory_bytes = formula,
                          .theory_memory = states};
    Config *config = allocate_zeroed(1, sizeof *config);
    config->train.steps = made.steps + (made.unfinished ? 7 : 0);
    config->text = ini;
    if (made.foretold) {
        config->hardware.profile = PROFILE_MACHINE;
        strcpy(config->hardware.name, "localhost");
        strcpy(config->node.host, "node, Processor");
    }
    if (made.sparse_layers) {
        config->model.shape.layers = made.sparse_layers + 1;
        config->model.shape.experts =
            (ExpertsShape){.count = EXPERTS, .top_k = 1, .first_dense = 1, .every = 1};
    }
    char kept[512];
    Error error = {""};
    Recorder *recorder = recorder_open(&info, config, kept, sizeof kept, &error);
    assert_string_equal(error.text, "");
    for (int n = 0; n < made.steps; n++) {
        const double seconds = made.dry           ? NAN
                               : made.seconds > 0 ? made.seconds
                                                  : 1 + 0.04 * (made.checkpoint_every && n &&
                                                                n % made.checkpoint_every == 0),
                     loss = made.dry ? NAN : 4 - 0.01 * n + made.distance;
        const StepRow row = {n, loss, 1, 0.1, 64, seconds, 0.5, 1, n < made.skipped, NAN};
        if (made.sparse_layers) note_routing(recorder, made, n);
        assert_true(recorder_step(recorder, &row, bytes, bytes, &error));
        if (made.checkpoint_every) note_checkpoints(recorder, made, n);
    }
    if (made.foretold) note_parts(recorder, made);
    assert_true(recorder_memory(recorder, peak, total, total, &error));
    if (!made.dry && !made.untimed && made.steps)
        assert_true(recorder_timeline(recorder, made.steps - 1, rows, 2 * made.ranks, &error));
    if (made.unfinished)
        recorder_abandon(recorder); /* as a kill leaves it */
    else
        assert_true(recorder_finish(recorder, &error));
    free(config);
    free(formula);
    free(states);
    free(bytes);
    free(peak);
    free(total);
    free(rows);
}
