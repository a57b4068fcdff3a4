/* machine_run.c - written by the recorder, with the configuration it says. */
#include "tests/support/machine_run.h"
#include <math.h>
#include <stdlib.h>
#include "models/layers/gpt_count.h"
#include "sim/config/ranks.h"
#include "sim/file/recorder.h"
#include "sim/run/plan_from_config.h"
#include "sim/theory/theory.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

void machine_run(const char *path, const char *text, const char *set, int ranks, double seconds,
                 const double *bytes)
{
    Config config;
    Plan plan;
    Error error = {""};
    char kept[512];
    take(&config, text, set);
    if (!config_check_ranks(&config, ranks, &error) ||
        !plan_from_config(&config, ranks, NULL, 0, &plan, &error))
        fail_msg("%s", error.text);
    const size_t n = (size_t)ranks;
    double *sent = allocate_zeroed(n * PURPOSES, sizeof *sent);
    double *formula = allocate(n * MEMORY_CATEGORIES * sizeof *formula);
    uint64_t *counts = allocate_zeroed(n * (PURPOSES + MEMORY_CATEGORIES + 2), sizeof *counts),
             *peak = counts + n * PURPOSES, *total = peak + n * MEMORY_CATEGORIES, *rss = total + n;
    for (size_t r = 0; r < n; r++) {
        theory_memory(&config, &plan, ranks, (int)r, formula + r * MEMORY_CATEGORIES);
        for (size_t c = 0; c < MEMORY_CATEGORIES; c++) {
            double known = formula[r * MEMORY_CATEGORIES + c];
            peak[r * MEMORY_CATEGORIES + c] = isnan(known) ? 0 : (uint64_t)known;
        }
        total[r] = (uint64_t)bytes[r];
    }
    const RunInfo info = {.path = path,
                          .command_line = "sim",
                          .ranks = ranks,
                          .dry = true,
                          .parameters = gpt_parameter_count(&config.model.shape),
                          .entropy = 1.5,
                          .actions = 1,
                          .theory_bytes = sent,
                          .theory_memory = formula};
    const double none = (double)NAN;
    const StepRow row = {.loss = none,
                         .grad_norm = none,
                         .tokens = config.train.global_batch * config.model.shape.sequence,
                         .wall_time = none,
                         .simulated_time = seconds,
                         .loss_scale = 1,
                         .loss_difference = none};
    Recorder *recorder = recorder_open(&info, &config, kept, sizeof kept, &error);
    assert_string_equal(error.text, "");
    assert_true(recorder_step(recorder, &row, counts, counts, &error));
    assert_true(recorder_memory(recorder, peak, total, rss, &error));
    const WorkDone done[WORK_KINDS] = {
        [WORK_MATMUL] = {3, 1e7, 1e4, 11010048, 0, 16}, [WORK_SOFTMAX] = {2, 600, 300, 0, 0, 4}};
    double *spent = allocate_zeroed(2 * n * PARTS, sizeof *spent), *hidden = spent + n * PARTS;
    for (size_t r = 0; r < n; r++) {
        spent[r * PARTS + PART_COMPUTE] = 0.75 * seconds;
        spent[r * PARTS + PART_DP_EXPOSED] = 0.25 * seconds;
        hidden[r * PARTS + PART_DP_EXPOSED] = 0.125 * seconds;
    }
    assert_true(recorder_breakdown(recorder, spent, hidden, &error));
    free(spent);
    assert_true(recorder_work(recorder, done, &error));
    assert_true(recorder_finish(recorder, &error));
    plan_free(&plan);
    config_free(&config);
    free(sent);
    free(formula);
    free(counts);
}
