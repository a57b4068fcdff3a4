/* test_utilization.c - operations of a step as papers count them, MFU and HFU: worked by hand, against a published
 * table, and as the report says them. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "models/layers/gpt_count.h"
#include "models/layers/gpt_parameters.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/report/report_command.h"
#include "sim/run/work_record.h"
#include "sim/theory/theory.h"
#include "tests/support/case.h"
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
    /* of which norms, biases and positions are in no product */
    assert_true(theory_flops_parameters(&shape, 4) == 64 * (6.0 * (2048 + 2 * 12288) + 12 * 2 * 32 * 16));
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
    assert_says(place->said, "  a device                 1 MFLOP/s                  used");
    assert_says(place->said, "    MFU                    500 kFLOP/s                50.0 %");
    assert_says(place->said, "    MFU, by parameters     500 kFLOP/s                50.0 %");
    assert_says(place->said, "    HFU                    500 kFLOP/s                50.0 %");
    assert_says(place->said, "    HFU, by equation       535.7 kFLOP/s              53.6 %");
    assert_says(
        place->said,
        "    dp_exposed             2.75 s                     25.0 %                     and 1.38 s hidden");
    report(place, "--json", path);
    assert_says(place->said, ", \"mfu_by_parameters_ratio\": 0.5");
    machine_run(in_folder(place, "none.h5"), SHAPE, "train.recompute=none", 2, 11.010048, bytes);
    report(place, NULL, in_folder(place, "none.h5"));
    assert_says(place->said, "    MFU  ");
    assert_null(strstr(place->said, "    HFU, by equation"));
    machine_run(in_folder(place, "half.h5"), SHAPE, "train.precision=bf16", 1, 11.010048, bytes);
    report(place, NULL, in_folder(place, "half.h5"));
    assert_says(place->said,
                "    MFU                    1 MFLOP/s                  50.0 %"); /* of twice the peak */
}

/* ---- the ledger ---- */

/* Rank 0's, after a step. */
typedef struct Ledger {
    WorkDone all, step;
    double computed; /* seconds of its lane, which it did not wait */
} Ledger;

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    if (t->comm->rank > 0) return;
    const Lanes *lanes = &t->device.lanes;
    Ledger *ledger = context;
    const WorkDone before = ledger->all; /* of the step before, and of what came before the first */
    ledger->all = work_sum(t->device.done);
    ledger->step = work_between(&before, &ledger->all);
    ledger->computed = lanes->now - lanes->waited;
}

/* Seconds by kind are those of the lane, whether training or dry, where passes repeat what one before them did. */
static void by_kind(void **state)
{
    (void)state;
    Ledger ledger[2] = {0};
    for (int dry = 0; dry < 2; dry++) {
        Case c =
            case_of_words(2, "train.global_batch=8 train.microbatch=1 train.recompute=full parallel.pp=2 "
                             "hardware.profile=slow.ini");
        c.dry = dry;
        c.look = look;
        c.context = &ledger[dry];
        if (!case_virtual(&c, 2)) fail_msg("%s", c.refused);
        case_free(&c);
        assert_true(ledger[dry].computed > 0 && ledger[dry].step.again > 0);
        assert_true(fabs(ledger[dry].step.seconds / ledger[dry].computed - 1) < 1e-12);
    }
    assert_true(fabs(ledger[0].step.seconds / ledger[1].step.seconds - 1) < 1e-12);
    assert_true(ledger[0].step.products == ledger[1].step.products);
}

static void add_up(Comm *comm, void *context)
{
    Group *world = group_world(comm, CHANNEL_CONTROL);
    WorkRecord mine = {.step = {[WORK_NORM] = {.kernels = comm->rank + 1}}};
    WorkDone sum[WORK_KINDS];
    work_record_sum(&mine, world, sum);
    if (comm->rank == 0) *(double *)context = sum[WORK_NORM].kernels;
    group_free(world);
}

/* Of 8 ranks rank 0 stands for 5, rank 5 for 3. */
static void of_all_ranks(void **state)
{
    (void)state;
    static const int rank[] = {0, 5};
    const WalkedRanks some = {8, 2, rank}, every = {8, 8, NULL};
    double kernels = 0;
    Error error;
    assert_true(virtual_run_some(&every, add_up, &kernels, &error) && kernels == 36);
    assert_true(virtual_run_some(&some, add_up, &kernels, &error) && kernels == 5 * 1 + 3 * 6);
}

/* ---- the roofline ---- */

static void roofline(void **state)
{
    PlotPlace *place = *state;
    const char *path = in_folder(place, "run.h5"), *ideal = in_folder(place, "ideal.h5");
    const double bytes[] = {1000, 1000};
    machine_run(path, SHAPE, NULL, 2, 20, bytes);
    machine_run(ideal, SHAPE, "hardware.profile=ideal", 2, 20, bytes);
    assert_int_equal(PLOT_CHART(place, "roofline", path), 0);
    assert_drawn(place, "run-charts", "roofline");
    const char *gp = in_folder(place, "run-charts/roofline.gp");
    assert_file_says(gp, "TITLE = 'Kernels of a step under the roof of the chip: run'\n");
    assert_file_says(gp, "KINDS = 2\narray NAMES[2] = ['matmul, 80.0 %', 'softmax, 20.0 %']\n");
    assert_file_says(
        gp,
        "$D << EOD\n1000 6.2500000000000005e-07 0.80000000000000004\n2 1.5e-10 0.20000000000000001\nEOD\n");
    assert_file_says(gp, "PEAK = 9.9999999999999995e-07\nBANDWIDTH = 9.9999999999999995e-08\n");
    assert_int_equal(PLOT_CHART(place, "roofline", ideal), 0);
    assert_says(place->said, "roofline            skipped: its hardware.profile is no machine");
    assert_int_equal(PLOT_CHART(place, "roofline", path, ideal), 0);
    assert_says(place->said, "roofline            skipped: several runs; give one");
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
        cmocka_unit_test(by_kind),
        cmocka_unit_test(of_all_ranks),
        cmocka_unit_test_setup_teardown(roofline, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(without_a_machine, plot_setup_undrawn, plot_teardown),
    };
    return cmocka_run_group_tests_name("utilization", tests, NULL, NULL);
}
