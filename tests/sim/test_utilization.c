/* test_utilization.c - operations of a step as papers count them, MFU and HFU: worked by hand, against a published
 * table, and as the report says them. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "models/layers/gpt_parameters.h"
#include "sim/report/report_command.h"
#include "sim/theory/theory.h"
#include "tests/support/check.h"
#include "tests/support/machine_run.h"
#include "tests/support/plot_place.h"

/* ---- the formulas ---- */

static GptShape gpt(int64_t layers, int64_t hidden, int64_t heads, int64_t vocab, int64_t sequence)
{
    return (GptShape){.layers = layers,
                      .hidden = hidden,
                      .heads = heads,
                      .ffn = 4 * hidden,
                      .vocab = vocab,
                      .sequence = sequence,
                      .kv_heads = heads,
                      .tie_embeddings = true,
                      .bias = true,
                      .norm = NORM_LAYERNORM,
                      .activation = ACTIVATION_GELU,
                      .position = POSITION_LEARNED};
}

static void by_hand(void **state)
{
    (void)state;
    /* of 4 samples: 72 * 4 * 2 * 16 * 32^2 = 9437184, times 1 + 16/192 + 64/768 and 1 + 16/96 + 64/768 */
    GptShape shape = gpt(2, 32, 4, 64, 16);
    assert_true(fabs(theory_flops_model(&shape, 4) - 11010048) < 1e-6);
    assert_true(fabs(theory_flops_selective(&shape, 4) - 11796480) < 1e-6);
    /* 64 tokens; embeddings 64 * 32 and 16 * 32, blocks 12 * 32^2 + 13 * 32, the last norm 2 * 32 */
    assert_true(gpt_parameter_count(&shape) == 2048 + 512 + 2 * 12704 + 64);
    assert_true(theory_flops_parameters(&shape, 4) == 64 * (6.0 * 28032 + 12 * 2 * 32 * 16));
    GptShape other = shape;
    other.activation = ACTIVATION_SWIGLU;
    assert_true(isnan(theory_flops_model(&other, 4)));
    other = shape;
    other.kv_heads = 2;
    assert_true(isnan(theory_flops_model(&other, 4)) && theory_flops_parameters(&other, 4) > 0);
    other = shape;
    other.ffn = 96;
    assert_true(isnan(theory_flops_selective(&other, 4)));
}

/* Korthikanti et al. 2205.05198, table 5, from its seconds on A100s of 312 TFLOP/s. Seconds are given to 0.01, which is
 * 0.5 % of the shortest. */
static void published(void **state)
{
    (void)state;
    static const struct {
        int64_t layers, hidden, heads;
        double samples, devices, seconds, mfu, hfu;
    } rows[] = {{48, 6144, 64, 4, 8, 1.10, 41.5, 43.7},
                {96, 12288, 96, 64, 64, 13.75, 51.4, 52.8},
                {105, 20480, 128, 280, 280, 37.83, 56.0, 57.0},
                {128, 25600, 160, 512, 512, 71.49, 56.3, 57.0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        GptShape shape = gpt(rows[i].layers, rows[i].hidden, rows[i].heads, 51200, 2048);
        double peak = 312e12 * rows[i].devices * rows[i].seconds, rounding = 0.05 + 0.3 / rows[i].seconds;
        assert_true(fabs(100 * theory_flops_model(&shape, rows[i].samples) / peak - rows[i].mfu) < rounding);
        assert_true(fabs(100 * theory_flops_selective(&shape, rows[i].samples) / peak - rows[i].hfu) <
                    rounding);
    }
}

/* ---- the report ---- */

static void report(PlotPlace *place, const char *option, const char *path)
{
    char *argv[] = {(char *)"report", (char *)path, (char *)option};
    const Capture c = capture();
    const int status = report_command(option ? 3 : 2, argv);
    captured(place, c);
    assert_int_equal(status, 0);
}

#define SHAPE                                                                                              \
    "[model]\nlayers = 2\nhidden = 32\nheads = 4\nffn = 128\nvocab = 64\nsequence = 16\n[train]\nsteps = " \
    "1\n"                                                                                                  \
    "global_batch = 4\n[hardware]\nprofile = slow.ini\n"

/* Of 1e6 operations a second each of 2 devices does half in as many seconds as the step has millions of them. */
static void reported(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "run.h5");
    const double bytes[] = {1000, 1000};
    machine_run(path, SHAPE, "train.recompute=selective", 2, 11.010048, bytes);
    report(place, NULL, path);
    assert_says(place->said, "  a device                 1e-06 TFLOP/s              used");
    assert_says(place->said, "    MFU                    5e-07 TFLOP/s              50.0 %");
    assert_says(place->said, "    MFU, by parameters     5.246e-07 TFLOP/s          52.5 %");
    assert_says(place->said, "    HFU                    5.357e-07 TFLOP/s          53.6 %");
    report(place, "--json", path);
    assert_says(place->said, ", \"mfu_by_parameters_ratio\": 0.52455");
    machine_run(in_folder(place, "none.h5"), SHAPE, "train.recompute=none", 2, 11.010048, bytes);
    report(place, NULL, in_folder(place, "none.h5"));
    assert_says(place->said, "    MFU  ");
    assert_null(strstr(place->said, "    HFU"));
    machine_run(in_folder(place, "half.h5"), SHAPE, "train.precision=bf16", 1, 11.010048, bytes);
    report(place, NULL, in_folder(place, "half.h5"));
    assert_says(place->said,
                "    MFU                    1e-06 TFLOP/s              50.0 %"); /* of twice the peak */
}

/* Ideal seconds are no machine's. */
static void without_a_machine(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "run.h5");
    machine_run(path, SHAPE, "hardware.profile=ideal", 1, 3, (const double[]){1000});
    report(place, NULL, path);
    assert_null(strstr(place->said, "MFU"));
    report(place, "--json", path);
    assert_says(place->said, "\"mfu_ratio\": null,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(published),
        cmocka_unit_test_setup_teardown(reported, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(without_a_machine, plot_setup_undrawn, plot_teardown),
    };
    return cmocka_run_group_tests_name("utilization", tests, NULL, NULL);
}
