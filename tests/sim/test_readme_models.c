/* test_readme_models.c - the README's table of published models: parameters, and memory a device, each foretold again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt_count.h"
#include "models/layers/gpt_parameters.h"
#include "sim/run/foretell.h"
#include "tests/support/check.h"
#include "tests/support/plot_place.h"

enum { RANKS = 64, STAGES = 4 };

static Alike *of(const char *model, const char *data, const char *program)
{
    char preset[64], strategy[64];
    const char *sets[] = {preset,
                          strategy,
                          "model.sequence=4096",
                          "model.attention=flash",
                          "train.recompute=full",
                          "train.precision=bf16",
                          "train.global_batch=64",
                          "hardware.profile=h100-dgx"};
    Alike *alike = alike_new();
    Error error;
    snprintf(preset, sizeof preset, "model.preset=%s", model);
    snprintf(strategy, sizeof strategy, "parallel.data=%s", data);
    const RunOptions options = {.config = "zero1.ini",
                                .sets = sets,
                                .set_count = (int)(sizeof sets / sizeof *sets),
                                .dry = true,
                                .force = true,
                                .program_directory = program};
    if (!alike_foresee(alike, &options, RANKS, &error)) fail_msg("%s", error.text);
    return alike;
}

/* Three digits; of what has more all before the point. */
static void append_gb(char *row, size_t size, double bytes)
{
    double gb = bytes / 1e9;
    size_t used = strlen(row);
    snprintf(row + used, size - used, " %.*f |", gb < 10 ? 2 : gb < 100 ? 1 : 0, gb);
}

static void the_table(void **state)
{
    static const char *const models[] = {"llama2-7b",        "llama2-70b",  "mixtral-8x7b",
                                         "deepseek-moe-16b", "deepseek-v2", "deepseek-v3"},
                             *const data[STAGES] = {"ddp", "zero1", "zero2", "zero3"};
    const PlotPlace *place = *state;
    char *readme = text_of("README.md");
    int wrong = 0;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        char row[256], met[32] = "all";
        for (int d = 0; d < STAGES; d++) {
            Alike *alike = of(models[m], data[d], place->program);
            const GptShape *shape = &alike->config.model.shape;
            Foretold foretold;
            Error error;
            if (shape->experts.count)
                snprintf(met, sizeof met, "%#.4g G", (double)gpt_active_parameter_count(shape) / 1e9);
            if (d == 0)
                snprintf(row, sizeof row, "| `%s` | %#.4g G | %s |", models[m],
                         (double)gpt_parameter_count(shape) / 1e9, met);
            if (!foretell(alike, &foretold, &error)) fail_msg("%s", error.text);
            append_gb(row, sizeof row, foretold.memory);
            alike_free(alike);
        }
        if (strstr(readme, row)) continue;
        print_error("README.md, the table of published models, should say: %s\n", row);
        wrong++;
    }
    free(readme);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_table, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests_name("README's models", tests, NULL, NULL);
}
