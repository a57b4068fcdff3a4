/* test_update.c - what a step asks of the optimizer, by plain formulas: at which rate, scaled by how much, and as
 * which of its updates; that the run file says the same rate; and whose time it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/file/h5.h"
#include "sim/run/collect.h"
#include "sim/run/run_record.h"
#include "sim/run/scales.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/probe.h"

/* 3 steps of warm-up, then half a cosine from the highest rate at step 3 to a tenth of it at step 7. */
enum { STEPS = 8 };
static const double RATE = 0.5,
                    SHARE[STEPS] = {1.0 / 3, 2.0 / 3, 1, 1, 0.8681980515339464, 0.55, 0.2318019484660537,
                                    0.1};
#define SCHEDULE \
    "train.learning_rate=0.5 train.warmup=3 train.decay=cosine train.weight_decay=0 train.clip=0.6"
static char folder[FOLDER], run_file[FOLDER + 16];

/* ---- weights and gradients of every step ---- */

typedef struct Steps {
    int64_t parameters, at;
    real *weights[STEPS + 1], *gradients[STEPS]; /* before each step and after the last; of each */
    real *to;
    int skips; /* steps that overflow before one does not */
    Record record;
    Group *world;
} Steps;

static void keep(const Parameter *p, Tensor whole, void *context)
{
    (void)p;
    Steps *s = context;
    memcpy(s->to + s->at, whole.data, tensor_bytes(whole));
    s->at += whole.count;
}

static real *collected(Steps *s, Trainer *t, bool gradients)
{
    s->at = 0;
    s->to = allocate((size_t)s->parameters * sizeof *s->to);
    collect_parameters(t, gradients, keep, s);
    return s->to;
}

static void look(Trainer *t, const StepResult *result, void *context)
{
    Steps *s = context;
    s->weights[t->step + 1] = collected(s, t, false);
    s->gradients[t->step] = collected(s, t, true);
    if (t->step == 0) {
        s->world = group_world(t->comm, CHANNELS);
        record_begin(&s->record, t, s->world, NULL, "test_update", 0);
    }
    record_step_begin(&s->record);
    record_step(&s->record, t->step, result, 1);
    if (s->skips > 0) t->loss_scale = t->step + 1 < s->skips ? INFINITY : 1024; /* of the next step */
    if (t->step + 1 < t->config->train.steps) return;
    record_end(&s->record, false);
    record_free(&s->record);
    group_free(s->world);
}

static void run_steps(Steps *s, int skips, const char *optimizer)
{
    Case still = case_of_words(1, "train.optimizer=sgd train.learning_rate=0");
    Case c = case_of_words(STEPS, SCHEDULE " train.optimizer=%s output.file=%s", optimizer, run_file);
    remove(run_file); /* of the test before */
    assert_true(case_virtual(&still, 1));
    *s = (Steps){.parameters = still.parameters, .weights = {still.weights}, .skips = skips};
    still.weights = NULL;
    case_free(&still);
    c.look = look;
    c.context = s;
    assert_true(case_virtual(&c, 1));
    case_free(&c);
}

static void free_steps(Steps *s)
{
    for (int k = 0; k <= STEPS; k++) free(s->weights[k]);
    for (int k = 0; k < STEPS; k++) free(s->gradients[k]);
}

/* Pascanu et al.: what is longer than 0.6 is made 0.6 long. */
static double clipped(const Steps *s, int step)
{
    double squares = 0;
    for (int64_t i = 0; i < s->parameters; i++) squares += pow((double)s->gradients[step][i], 2);
    return fmin(1, 0.6 / (sqrt(squares) + 1e-6));
}

/* The length of what a step moved weights by and should not have, relative to what it should have. */
static double astray(const Steps *s, int step, const double *expected)
{
    double apart = 0, all = 0;
    for (int64_t i = 0; i < s->parameters; i++) {
        double moved = (double)s->weights[step + 1][i] - (double)s->weights[step][i];
        apart += pow(moved - expected[i], 2);
        all += pow(expected[i], 2);
    }
    return sqrt(apart / all);
}

static const double NEAR = sizeof(real) > sizeof(float) ? 1e-10 : 1e-4;

static double *recorded_rates(void)
{
    Error error;
    int rank;
    size_t dims[H5_MAX_RANK];
    H5 *file = h5_open(run_file, &error);
    assert_non_null(file);
    double *recorded = h5_read_numbers(file, "/steps/learning_rate", &rank, dims, &error);
    assert_non_null(recorded);
    assert_true(rank == 1 && dims[0] == STEPS);
    h5_close(file, NULL);
    return recorded;
}

static void each_step_has_its_rate(void **state)
{
    (void)state;
    Steps s;
    int shortened = 0;
    run_steps(&s, 0, "sgd");
    double *expected = doubles(s.parameters);
    for (int k = 0; k < STEPS; k++) {
        double scale = clipped(&s, k);
        shortened += scale < 1;
        for (int64_t i = 0; i < s.parameters; i++)
            expected[i] = -RATE * SHARE[k] * scale * (double)s.gradients[k][i];
        assert_below(astray(&s, k, expected), NEAR);
    }
    assert_true(shortened > 0 && shortened < STEPS);
    free(expected);
    free_steps(&s);

    double *recorded = recorded_rates();
    for (int k = 0; k < STEPS; k++) assert_below(fabs(recorded[k] - RATE * SHARE[k]), 1e-15);
    free(recorded);
}

/* A few steps of a config take the rates that they have of it. */
static void a_run_may_end_within_its_warm_up(void **state)
{
    (void)state;
    Config c = {.train = {.learning_rate = 0.5, .warmup = 100, .decay = DECAY_COSINE}};
    for (c.train.steps = 1; c.train.steps <= 101; c.train.steps++)
        for (int64_t k = 0; k < c.train.steps; k++)
            assert_true(learning_rate_at(&c, k) == (k < 100 ? 0.5 * (double)(k + 1) / 100 : 0.5));
}

/* Warm-up begins with the first step that is not skipped: its update has a third of the rate, not all of it. */
#ifndef SIM_DOUBLE /* which has no 16 bits */
static void skipped_steps_hold_the_rate(void **state)
{
    (void)state;
    enum { SKIPS = STEPS - 2 };
    Steps s;
    run_steps(&s, SKIPS, "sgd train.precision=fp16 train.loss_scale=1e30");
    for (int k = 1; k < SKIPS; k++) /* what is before the first has 32 bits */
        assert_memory_equal(s.weights[k + 1], s.weights[k], (size_t)s.parameters * sizeof(real));
    double *expected = doubles(s.parameters), *recorded = recorded_rates();
    for (int k = 0; k < STEPS; k++) {
        int updates = k < SKIPS ? 0 : k - SKIPS;
        assert_below(fabs(recorded[k] - RATE * SHARE[updates]), 1e-15);
        if (k < SKIPS) continue;
        double scale = clipped(&s, k);
        for (int64_t i = 0; i < s.parameters; i++)
            expected[i] = -RATE * SHARE[updates] * scale * (double)s.gradients[k][i];
        assert_below(astray(&s, k, expected), 0.03); /* weights are seen in 16 bits */
    }
    free(expected);
    free(recorded);
    free_steps(&s);
}
#endif

/* Adam (Kingma & Ba 1412.6980, algorithm 1) corrects by the number of its updates, from 1. */
static void the_first_update_is_number_one(void **state)
{
    (void)state;
    Steps s;
    run_steps(&s, 0, "adam");
    double *expected = doubles(s.parameters), *m = doubles(s.parameters), *v = doubles(s.parameters);
    for (int k = 0; k < STEPS; k++) {
        double scale = clipped(&s, k);
        for (int64_t i = 0; i < s.parameters; i++) {
            double g = scale * (double)s.gradients[k][i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.95 * v[i] + 0.05 * g * g;
            double root = sqrt(v[i] / (1 - pow(0.95, k + 1)));
            expected[i] = -RATE * SHARE[k] * m[i] / (1 - pow(0.9, k + 1)) / (root + 1e-8);
        }
        assert_below(astray(&s, k, expected), NEAR);
    }
    free(expected);
    free(m);
    free(v);
    free_steps(&s);
}

/* ---- its time ---- */

typedef struct Spent {
    double optimizer, step; /* seconds: booked so, and of the action */
} Spent;

static void look_at_time(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Spent *spent = (Spent *)context + t->comm->rank;
    const Schedule *list = &t->plan->list[0];
    spent->optimizer = t->device.lanes.spent[PART_OPTIMIZER];
    for (int i = 0; i < list->count; i++)
        if (list->action[i].kind == ACTION_STEP) spent->step = t->laps.lap[i].end - laps_start(&t->laps, i);
}

/* An action STEP is hardly anything else, on a machine whose seconds the load of this one does not move. */
static void updating_is_the_optimizers_time(void **state)
{
    (void)state;
    enum { RANKS = 2 };
    Spent spent[RANKS] = {0};
    Case c = case_of_words(2, "parallel.data=zero1 hardware.profile=slow.ini");
    c.look = look_at_time;
    c.context = spent;
    assert_true(case_virtual(&c, RANKS));
    for (int r = 0; r < RANKS; r++) {
        assert_true(spent[r].step > 0);
        assert_true(spent[r].optimizer > 0.9 * spent[r].step &&
                    spent[r].optimizer <= (1 + 1e-9) * spent[r].step);
    }
    case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_has_its_rate),         cmocka_unit_test(a_run_may_end_within_its_warm_up),
#ifndef SIM_DOUBLE
        cmocka_unit_test(skipped_steps_hold_the_rate),
#endif
        cmocka_unit_test(the_first_update_is_number_one), cmocka_unit_test(updating_is_the_optimizers_time),
    };
    if (folder_make(folder)) return 1;
    snprintf(run_file, sizeof run_file, "%s/run.h5", folder);
    int failed = cmocka_run_group_tests_name("updates", tests, NULL, NULL);
    return folder_remove(folder) || failed;
}
