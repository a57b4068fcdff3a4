/* measure.c - a dry run for each measure, and what is read off it. */
#include "sim/validate/measure.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/run/foretell.h"
#include "sim/run/step_time.h"

const MeasureColumn measure_column[MEASURES] = {
    [MEASURE_SECONDS] = {"seconds", "s", "12.5", 1e9, false},
    [MEASURE_ALL_REDUCE] = {"all_reduce_us", "us", "43.83", 1e15, false},
    [MEASURE_BUBBLE] = {"bubble", "", "0.2431", 1, true},
    [MEASURE_STATES] = {"model_states_gb", "GB", "31.4", 1e9, true},
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
    for (int i = 0; i < t->rows; i++) {
        const TimelineRow *row = &t->timeline[i];
        if (row->microbatch < 0 || !(row->simulated_end > row->simulated_start)) continue;
        if (strcmp(row->lane, "compute") != 0) continue;
        first = fmin(first, row->simulated_start);
        last = fmax(last, row->simulated_end);
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

/* A batch that the ranks divide, which a collective does not ask for, and a config does; the case's own comes after. */
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

bool measure_foretell(Measure measure, const RunOptions *run, int ranks, int64_t bytes, double *foretold,
                      Error *error)
{
    switch (measure) {
    case MEASURE_SECONDS: return foretell_step(run, ranks, foretold, error);
    case MEASURE_ALL_REDUCE: return foretell_all_reduce(run, ranks, bytes, foretold, error);
    case MEASURE_BUBBLE: return foretell_bubble(run, ranks, foretold, error);
    case MEASURE_STATES: return foretell_states(run, ranks, foretold, error);
    case MEASURE_LAYER: return foretell_layer(run, ranks, foretold, error);
    case MEASURES: break;
    }
    return false;
}
