/* test_per_layer.c - a layer's time on A100s against the one that was measured: Korthikanti et al., "Reducing activation
 * recomputation in large transformer models", arXiv 2205.05198, table 4: 22 B parameters, tp = 8, 4 samples of 2048. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config/file.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"
#include "sim/run/plan_from_config.h"
#include "sim/run/step.h"
#include "parallel/wire/comm_virtual.h"
#include "tests/support/check.h"

/* Milliseconds. What backward's tensor groups send is hidden there behind products of weights' gradients. */
static const struct {
    const char *set;
    double forward, backward;
    const char *also;
} ROWS[] = {
    {"parallel.sequence_parallel=no", 7.7, 11.9, "train.recompute=none"},
    {"parallel.sequence_parallel=yes", 7.2, 11.8, "train.recompute=none"},
    {"parallel.sequence_parallel=no", 7.7, 19.5, "train.recompute=full"},
    {"parallel.sequence_parallel=no", 7.7, 13.2, "train.recompute=selective"},
    {"parallel.sequence_parallel=yes", 7.2, 13.1, "train.recompute=selective"},
};

typedef struct Layer {
    ConfigSource source;
    double forward, backward; /* ms of rank 0's F and B */
} Layer;

static void walk(Comm *comm, void *context)
{
    Layer *layer = context;
    Config config;
    Error error;
    Plan plan;
    if (!config_parse(&config, &layer->source, &error) || !config_check_ranks(&config, comm->size, &error) ||
        !plan_from_config(&config, comm->size, NULL, 0, &plan, &error))
        fail("%s", error.text);
    Trainer *t = trainer_new(&config, &plan, comm, NULL, true, &error);
    if (!t) fail("%s", error.text);
    trainer_step(t, 0, NULL, NULL);
    for (int i = 0; comm->rank == 0 && i < t->rows; i++) {
        const TimelineRow *row = &t->timeline[i];
        double ms = 1e3 * (row->simulated_end - row->simulated_start);
        if (strcmp(row->action, "F") == 0) layer->forward = ms;
        if (strcmp(row->action, "B") == 0) layer->backward = ms;
    }
    trainer_free(t);
    plan_free(&plan);
    config_free(&config);
}

static Layer of_layers(const char *layers, int row, const char *machine)
{
    const char *sets[] = {layers, ROWS[row].set, ROWS[row].also};
    Layer layer = {.source = {.name = "layer.ini",
                              .text =
                                  "[model]\npreset = megatron-22b\ndropout = 0.1\n[train]\nprecision = bf16\n"
                                  "global_batch = 4\n[parallel]\ntp = 8\ntensor_overlap = bulk\n[hardware]\n"
                                  "profile = a100-80gb-dgx\n",
                              .profile = machine,
                              .sets = sets,
                              .set_count = 3}};
    Error error;
    if (!virtual_run(8, walk, &layer, &error)) fail_msg("%s", error.text);
    return layer;
}

static void a_layer_as_measured(void **state)
{
    (void)state;
    Error error;
    ConfigSource on = {.name = "t.ini", .text = "[hardware]\nprofile = a100-80gb-dgx\n"};
    char *machine = config_profile_text(&on, "build/bin", &error);
    double apart[2] = {0};
    for (int row = 0; row < (int)(sizeof ROWS / sizeof *ROWS); row++) {
        Layer one = of_layers("model.layers=1", row, machine),
              two = of_layers("model.layers=2", row, machine);
        double F = two.forward - one.forward, B = two.backward - one.backward;
        assert_true(fabs(F / ROWS[row].forward - 1) < 0.05);
        assert_true(fabs(B / ROWS[row].backward - 1) < 0.03);
        apart[0] += fabs(F / ROWS[row].forward - 1) / 5;
        apart[1] += fabs(B / ROWS[row].backward - 1) / 5;
    }
    assert_true(apart[0] < 0.045 && apart[1] < 0.02);
    free(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_as_measured),
    };
    return cmocka_run_group_tests_name("a layer on A100s", tests, NULL, NULL);
}
