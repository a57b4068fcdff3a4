/* exercise.c - models trained under a stopwatch, and products. */
#include "sim/calibrate/exercise.h"
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/base/quantile.h"
#include "sim/config/parse.h"
#include "sim/config/ranks.h"
#include "sim/run/plan_from_config.h"
#include "sim/run/step.h"

/* ---- models ---- */

#define SMALL "[model]\nhidden = 128\nheads = 4\nvocab = 64\nsequence = 32\nlayers = 2\n"
#define DEEP "[model]\nhidden = 128\nheads = 4\nvocab = 64\nsequence = 32\nlayers = "
#define TRAIN "[train]\nsteps = 4\nclip = 1\noptimizer = adamw\nmicrobatch = 0\nglobal_batch = "
#define PIECES "[train]\nsteps = 4\nclip = 1\noptimizer = adamw\nmicrobatch = 1\nglobal_batch = "

void exercises_begin(Exercise exercise[EXERCISES])
{
    static const Exercise all[EXERCISES] = {
        {.name = "hidden 128, 24 samples", .config = SMALL TRAIN "24\n"},
        {.name = "hidden 128, 12 samples", .config = SMALL TRAIN "12\n"},
        /* as many parameters as the shipped configs have, and half of them as a stage of a pipeline: how much of
         * them stays in caches makes small products slower or faster */
        {.name = "hidden 128, 8 layers, 2 samples", .config = DEEP "8\n" TRAIN "2\n"},
        {.name = "hidden 128, 4 microbatches of 1", .config = DEEP "4\n" PIECES "4\n"},
        {.name = "hidden 128, 64 tokens", .config = "[model]\npreset = small\nlayers = 2\n" TRAIN "12\n"},
        {.name = "hidden 128, dropout", .config = SMALL "dropout = 0.1\n" TRAIN "4\n"},
        {.name = "hidden 128, flash", .config = SMALL "attention = flash\n" TRAIN "8\n"},
        {.name = "Llama, 2 samples", .config = "[model]\npreset = llama-tiny\n" TRAIN "2\n"},
        {.name = "Llama, 16 samples", .config = "[model]\npreset = llama-tiny\n" TRAIN "16\n"},
        {.name = "hidden 256, 128 tokens, flash",
         .config = "[model]\nlayers = 1\nhidden = 256\nheads = 4\nvocab = 256\nsequence = 128\n"
                   "attention = flash\n" TRAIN "4\n"},
        {.name = "hidden 512, 128 tokens",
         .config = "[model]\nlayers = 1\nhidden = 512\nheads = 8\nvocab = 512\nsequence = 128\n" TRAIN "2\n"},
    };
    memcpy(exercise, all, sizeof all);
}

typedef struct Training {
    Exercise *exercise;
    Config config;
    Plan plan;
    Timings *timings;       /* measured; or NULL: */
    const Machine *machine; /* foretold for it */
} Training;

static void measure(Training *t, Trainer *trainer)
{
    Stopwatch watch = {.timings = t->timings};
    Exercise *e = t->exercise;
    enum { MOST = sizeof e->seen / sizeof *e->seen };
    trainer_step(trainer, 0, NULL, NULL); /* makes room in memory, fills the caches */
    stopwatch_hear(&watch, &trainer->device);
    for (int step = 1; step < EXERCISE_STEPS; step++) {
        stopwatch_start(&watch);
        trainer_step(trainer, step, NULL, NULL);
        stopwatch_stop(&watch);
        if (e->times == MOST) continue;
        e->seen[e->times] = watch.total;
        e->gaps[e->times++] = watch.between;
    }
}

static void foretell(Training *t, Trainer *trainer)
{
    trainer->device.time_of = machine_time;
    trainer->device.machine = t->machine;
    trainer_step(trainer, 0, NULL, NULL);
    t->exercise->foretold = trainer->device.lanes.now + 1e-3 * t->machine->software.step_ms;
}

static void train(Comm *comm, void *context)
{
    Training *t = context;
    Error error;
    Trainer *trainer = trainer_new(&t->config, &t->plan, comm, NULL, t->machine != NULL, NULL, &error);
    if (!trainer) fail("%s", error.text);
    data_parallel_initialise(trainer->data_parallel, 1);
    if (t->machine)
        foretell(t, trainer);
    else
        measure(t, trainer);
    trainer_free(trainer);
}

static bool walk(Training *t, Error *error)
{
    const ConfigSource source = {.name = t->exercise->name, .text = t->exercise->config};
    if (!config_parse(&t->config, &source, error)) return false;
    bool good = config_check_ranks(&t->config, 1, error) &&
                plan_from_config(&t->config, 1, NULL, 0, &t->plan, error) && virtual_run(1, train, t, error);
    plan_free(&t->plan);
    config_free(&t->config);
    return good;
}

bool exercise_do(Exercise *exercise, Timings *timings, Error *error)
{
    Training *t = allocate_zeroed(1, sizeof *t);
    t->exercise = exercise;
    t->timings = timings;
    bool good = walk(t, error);
    free(t);
    return good;
}

bool exercise_foretell(Exercise *exercise, const Machine *machine, Error *error)
{
    Training *t = allocate_zeroed(1, sizeof *t);
    t->exercise = exercise;
    t->machine = machine;
    bool good = walk(t, error);
    free(t);
    return good;
}

void exercise_settle(Exercise *exercise)
{
    if (!exercise->times) return;
    exercise->seconds = quantile_of(exercise->seen, exercise->times, 0.5);
    exercise->between = quantile_of(exercise->gaps, exercise->times, 0.5);
}

/* ---- products ---- */

static void product(Timings *timings, DType type, int64_t m, int64_t n, int64_t k)
{
    Device device = {.dry = false};
    Stopwatch watch = {.timings = timings, .alone = true};
    Tensor a = tensor_new(&device, MEM_WORKSPACE, type, m * k),
           b = tensor_new(&device, MEM_WORKSPACE, type, k * n),
           c = tensor_new(&device, MEM_WORKSPACE, type, m * n);
    tensor_zero(a);
    tensor_zero(b);
    stopwatch_hear(&watch, &device);
    for (int i = 0; i < 2; i++) { /* the first time from wherever its factors are */
        if (i) stopwatch_start(&watch);
        matmul(matrix(a, m, k), matrix(b, k, n), 0, c);
    }
    stopwatch_stop(&watch);
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&c);
}

void products_do(int set, Timings *timings)
{
    static const int64_t side[] = {16, 64, 256, 1024}, odd[] = {50, 130, 500}, half[] = {64, 256, 512};
    static const struct {
        const int64_t *side;
        int sides;
        DType type;
    } sets[PRODUCT_SETS] = {{side, 4, REAL}, {odd, 3, REAL}, {half, 3, BF16}};
    const int n = sets[set].sides;
    for (int i = 0; i < n * n * n; i++)
        product(timings, sets[set].type, sets[set].side[i % n], sets[set].side[i / n % n],
                sets[set].side[i / n / n]);
}
