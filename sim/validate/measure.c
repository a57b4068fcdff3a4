/* measure.c - a dry run for each measure, and what is read off it. */
#include "sim/validate/measure.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/layers/gpt_count.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/run/foretell.h"
#include "sim/run/step_time.h"

const MeasureColumn measure_column[MEASURES] = {
    [MEASURE_SECONDS] = {"seconds", "s", "12.5", 1e9, false},
    [MEASURE_ALL_REDUCE] =
        {"all_reduce_us", "us", "43.83", 1e15, false, {{"all_reduce_bytes", "1048576", 1e15}}},
    [MEASURE_PRODUCT] = {"product_us",
                         "us",
                         "52.5",
                         1e15,
                         false,
                         {{"product_m", "2048", 1e8},
                          {"product_n", "4096", 1e8},
                          {"product_k", "1024", 1e8}}},
    [MEASURE_BUBBLE] = {"bubble", "", "0.2431", 1, true},
    [MEASURE_STATES] = {"model_states_gb", "GB", "31.4", 1e9, true},
    [MEASURE_PARAMETERS] = {"parameters_billions", "", "671", 1e9, true},
    [MEASURE_MET] = {"active_parameters_billions", "", "37", 1e9, true},
    [MEASURE_LAYER] = {"layer_activation_bytes", "B", "2818572288", 1e15, true},
};

/* ---- of a step ---- */

/* Of all ranks that are walked. */
typedef struct Seen {
    double longest, work; /* seconds of a stage, from its first action to its last; and computed in it */
    double states, activations; /* bytes, the most of a rank */
} Seen;

static void look(const Trainer *t, void *context)
{
    Seen *seen = context;
    const Device *d = &t->device;
    double first = INFINITY, last = 0;
    const Schedule *list = trainer_list(t);
    for (int i = 0; i < list->count; i++) {
        const double start = laps_start(&t->laps, i), end = t->laps.lap[i].end;
        if (!action_computes(list->action[i].kind) || !(end > start)) continue;
        first = fmin(first, start);
        last = fmax(last, end);
    }
    seen->longest = fmax(seen->longest, last - first);
    seen->work = fmax(seen->work, d->lanes.spent[PART_COMPUTE] + d->lanes.spent[PART_RECOMPUTE]);
    seen->states = fmax(seen->states, (double)d->peak[MEM_PARAMETERS] + (double)d->peak[MEM_GRADIENTS] +
                                          (double)d->peak[MEM_OPTIMIZER]);
    seen->activations = fmax(seen->activations, (double)d->peak[MEM_ACTIVATIONS]);
}

static bool see(const RunOptions *run, int ranks, Seen *seen, Error *error)
{
    Alike *alike = alike_new();
    *seen = (Seen){.longest = 0};
    bool good = alike_foresee(alike, run, ranks, error) && foretell_walk(alike, look, seen, error);
    alike_free(alike);
    return good;
}

static bool foretell_bubble(const RunOptions *run, int ranks, double *bubble, Error *error)
{
    Seen seen;
    if (!see(run, ranks, &seen, error)) return false;
    *bubble = 1 - seen.work / seen.longest;
    return seen.longest > 0 ||
           error_set(error, "%s: a dry run measures no time; try hardware.profile = given", run->config);
}

static bool foretell_states(const RunOptions *run, int ranks, double *gb, Error *error)
{
    Seen seen;
    if (!see(run, ranks, &seen, error)) return false;
    *gb = seen.states / 1e9;
    return true;
}

/* Embedding and head are in both, and so are left out. */
static bool foretell_layer(const RunOptions *run, int ranks, double *bytes, Error *error)
{
    const char **sets = allocate((size_t)(run->set_count + 1) * sizeof *sets);
    RunOptions layers = *run;
    Seen one, two;
    for (int i = 0; i < run->set_count; i++) sets[i] = run->sets[i];
    layers.sets = sets;
    layers.set_count++;
    sets[run->set_count] = "model.layers=1";
    bool good = see(&layers, ranks, &one, error);
    sets[run->set_count] = "model.layers=2";
    good = good && see(&layers, ranks, &two, error);
    if (good) *bytes = two.activations - one.activations;
    free((void *)sets);
    return good;
}

/* ---- of a part of one ---- */

/* A batch that the ranks divide, which a collective or a product does not ask for, and a config does; the case's own
 * comes after. */
static bool is_possible(Alike *alike, const RunOptions *run, int ranks, Error *error)
{
    enum { OWN = 2 };
    char batch[64];
    const char **sets = allocate((size_t)(run->set_count + OWN) * sizeof *sets);
    RunOptions whole = *run;
    snprintf(batch, sizeof batch, "train.global_batch=%d", ranks);
    sets[0] = batch;
    sets[1] = "train.microbatch=0";
    for (int i = 0; i < run->set_count; i++) sets[OWN + i] = run->sets[i];
    whole.sets = sets;
    whole.set_count = OWN + run->set_count;
    bool possible = alike_is_possible(alike, &whole, ranks, error);
    free((void *)sets);
    return possible;
}

/* ---- of a model ---- */

static bool foretell_parameters(const RunOptions *run, int ranks, int64_t (*count)(const GptShape *shape),
                                double *billions, Error *error)
{
    Alike *alike = alike_new();
    bool good = is_possible(alike, run, ranks, error);
    if (good) *billions = (double)count(&alike->config.model.shape) / 1e9;
    alike_free(alike);
    return good;
}

/* ---- of a collective ---- */

typedef struct Ring {
    const Network *network;
    int64_t bytes;
    double seconds;
} Ring;

static void reduce(Comm *comm, void *context)
{
    Ring *ring = context;
    Device device = {.dry = true};
    Collective c;
    comm->network = *ring->network;
    comm->lanes = &device.lanes;
    Group *group = group_world(comm, CHANNEL_DATA);
    Tensor t = tensor_new(&device, MEM_GRADIENTS, BF16, ring->bytes / (int64_t)dtype_bytes(BF16));
    comm_begin_step(comm);
    lanes_resume(&device.lanes);
    ring_all_reduce_begin(&c, group, DP_ALL_REDUCE, &t, 1);
    ring_end(&c);
    ring->seconds = fmax(ring->seconds, device.lanes.now);
    comm->lanes = NULL;
    tensor_free(&t);
    group_free(group);
}

static bool foretell_all_reduce(const RunOptions *run, int ranks, int64_t bytes, double *us, Error *error)
{
    Alike *alike = alike_new();
    bool good = is_possible(alike, run, ranks, error);
    Network network = good ? config_network(&alike->config, ranks) : (Network){.cards = 0};
    Ring ring = {.network = &network, .bytes = bytes};
    good = good && virtual_run(ranks, reduce, &ring, error) &&
           step_time_check(&alike->config, ring.seconds, error);
    *us = 1e6 * ring.seconds;
    alike_free(alike);
    return good;
}

/* ---- of a product ---- */

/* Asks the kernel of a step, which tells a dry device what it would do. */
static double product_seconds(const Machine *machine, DType type, const int64_t size[MEASURE_SIZES])
{
    const int64_t m = size[0], n = size[1], k = size[2];
    Device device = {.dry = true, .time_of = machine_time, .machine = machine};
    Tensor A = tensor_new(&device, MEM_ACTIVATIONS, type, m * k),
           B = tensor_new(&device, MEM_PARAMETERS, type, k * n),
           C = tensor_new(&device, MEM_ACTIVATIONS, type, m * n);
    matmul(matrix(A, m, k), matrix(B, k, n), 0, C);
    tensor_free(&A);
    tensor_free(&B);
    tensor_free(&C);
    return device.done[WORK_MATMUL].seconds;
}

static bool foretell_product(const RunOptions *run, const int64_t size[MEASURE_SIZES], double *us,
                             Error *error)
{
    Alike *alike = alike_new();
    const Config *config = &alike->config;
    double seconds = 0;
    bool good = is_possible(alike, run, 1, error) && foretell_has_machine(config, error);
    if (good) seconds = product_seconds(&config->machine, config_dtype(config), size);
    good = good && step_time_check(config, seconds, error);
    *us = 1e6 * seconds;
    alike_free(alike);
    return good;
}

/* ---- which ---- */

bool measure_check(const Measured *m, Error *error)
{
    switch (m->measure) {
    case MEASURE_ALL_REDUCE:
        return (m->ranks > 1 && m->size[0] >= (int64_t)dtype_bytes(BF16)) ||
               error_set(error,
                         "ranks = %d, all_reduce_bytes = %lld: nothing is sent; try 2 ranks or more, and 2 "
                         "bytes, a bf16, or more",
                         m->ranks, (long long)m->size[0]);
    case MEASURE_PRODUCT:
        return m->ranks == 1 ||
               error_set(error, "ranks = %d: a product is of one; try 1, and the sides that a rank has",
                         m->ranks);
    default: return true;
    }
}

bool measure_foretell(const Measured *m, const RunOptions *run, double *foretold, Error *error)
{
    switch (m->measure) {
    case MEASURE_SECONDS: return foretell_step(run, m->ranks, foretold, error);
    case MEASURE_ALL_REDUCE: return foretell_all_reduce(run, m->ranks, m->size[0], foretold, error);
    case MEASURE_PRODUCT: return foretell_product(run, m->size, foretold, error);
    case MEASURE_BUBBLE: return foretell_bubble(run, m->ranks, foretold, error);
    case MEASURE_STATES: return foretell_states(run, m->ranks, foretold, error);
    case MEASURE_PARAMETERS: return foretell_parameters(run, m->ranks, gpt_parameter_count, foretold, error);
    case MEASURE_MET: return foretell_parameters(run, m->ranks, gpt_active_parameter_count, foretold, error);
    case MEASURE_LAYER: return foretell_layer(run, m->ranks, foretold, error);
    case MEASURES: break;
    }
    return false;
}
