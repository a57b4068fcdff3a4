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
    Trainer *t = trainer_new(&config, &plan, comm, NULL, true, NULL, &error);
    if (!t) fail("%s", error.text);
    trainer_step(t, 0, NULL, NULL);
    const Schedule *list = trainer_list(t);
    for (int i = 0; comm->rank == 0 && i < list->count; i++) {
        double ms = 1e3 * (t->laps.lap[i].end - laps_start(&t->laps, i));
        if (list->action[i].kind == ACTION_FORWARD) layer->forward = ms;
        if (list->action[i].kind == ACTION_BACKWARD) layer->backward = ms;
    }
    trainer_free(t);
    plan_free(&plan);
    config_free(&config);
}

static Layer of_layers(const char *layers, int row, const char *overlap, const char *machine)
{
    const char *sets[] = {layers, ROWS[row].set, ROWS[row].also, overlap};
    Layer layer = {.source = {.name = "layer.ini",
                              .text =
                                  "[model]\npreset = megatron-22b\ndropout = 0.1\n[train]\nprecision = bf16\n"
                                  "global_batch = 4\n[parallel]\ntp = 8\n[hardware]\n"
                                  "profile = a100-80gb-dgx\n",
                              .profile = machine,
                              .sets = sets,
                              .set_count = 4}};
    Error error;
    if (!virtual_run(8, walk, &layer, &error)) fail_msg("%s", error.text);
    return layer;
}

/* A second one's. */
static Layer of_a_layer(int row, const char *overlap, const char *machine)
{
    Layer one = of_layers("model.layers=1", row, overlap, machine),
          two = of_layers("model.layers=2", row, overlap, machine);
    return (Layer){.forward = two.forward - one.forward, .backward = two.backward - one.backward};
}

static char *machine_text(void)
{
    Error error;
    ConfigSource on = {.name = "t.ini", .text = "[hardware]\nprofile = a100-80gb-dgx\n"};
    return config_profile_text(&on, "tests/sim", &error);
}

static void a_layer_as_measured(void **state)
{
    (void)state;
    char *machine = machine_text();
    double apart[2] = {0};
    for (int row = 0; row < (int)(sizeof ROWS / sizeof *ROWS); row++) {
        Layer layer = of_a_layer(row, "parallel.tensor_overlap=bulk", machine);
        double F = layer.forward / ROWS[row].forward - 1, B = layer.backward / ROWS[row].backward - 1;
        assert_true(fabs(F) < 0.05 && fabs(B) < 0.03);
        apart[0] += fabs(F) / 5;
        apart[1] += fabs(B) / 5;
    }
    assert_true(apart[0] < 0.045 && apart[1] < 0.02);
    free(machine);
}

/* Bulk leaves forward as it is; by pieces both are faster, in models as large as those it is for. */
static void what_overlap_makes_of_it(void **state)
{
    (void)state;
    char *machine = machine_text();
    Layer none = of_a_layer(1, "parallel.tensor_overlap=none", machine),
          bulk = of_a_layer(1, "parallel.tensor_overlap=bulk", machine),
          pipelined = of_a_layer(1, "parallel.tensor_overlap=pipelined", machine);
    assert_true(fabs(bulk.forward - none.forward) < 1e-9 && bulk.backward < none.backward - 1);
    assert_true(pipelined.forward < bulk.forward - 0.5 && pipelined.backward < bulk.backward - 0.2);
    free(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_as_measured),
        cmocka_unit_test(what_overlap_makes_of_it),
    };
    return cmocka_run_group_tests_name("a layer on A100s", tests, NULL, NULL);
}
