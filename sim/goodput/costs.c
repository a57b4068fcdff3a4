/* costs.c - the step walked twice: for its seconds, and for what each rank has of a checkpoint. */
#include "sim/goodput/costs.h"
#include <math.h>
#include <stdlib.h>
#include "sim/file/checkpoint_layout.h"
#include "sim/run/checkpoint_traffic.h"
#include "sim/run/foretell.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

/* ---- of a checkpoint ---- */

typedef struct Seen {
    const WalkedRanks *walked;
    CheckpointTraffic *rank; /* (ranks) */
    double values;
} Seen;

static void look(const Trainer *t, void *context)
{
    Seen *seen = context;
    CheckpointTraffic traffic = checkpoint_traffic(t);
    int rank = t->comm->rank, ranks = walked_stands_for(seen->walked, walked_place(seen->walked, rank));
    for (int k = 0; k < ranks; k++) seen->rank[rank + k] = traffic;
    if (rank == 0) seen->values = (double)checkpoint_values(t->gpt, t->config);
}

static void add_nodes(Costs *c, const Config *config, const CheckpointTraffic *rank)
{
    Network network = config_network(config, c->ranks);
    CheckpointTraffic *node = allocate_zeroed((size_t)c->ranks, sizeof *node);
    for (int r = 0; r < c->ranks; r++) {
        int n = place_node(&network.placement, r);
        node[n].written += rank[r].written;
        node[n].read += rank[r].read;
        c->copied = fmax(c->copied, rank[r].written);
        if (n >= c->nodes) c->nodes = n + 1;
    }
    for (int n = 0; n < c->nodes; n++) {
        c->written = fmax(c->written, node[n].written);
        c->read = fmax(c->read, node[n].read);
    }
    free(node);
}

static bool weigh_checkpoint(Costs *c, Alike *alike, Error *error)
{
    Seen seen = {&alike->walked, allocate_zeroed((size_t)c->ranks, sizeof *seen.rank), 0};
    bool good = foretell_walk(alike, look, &seen, error);
    if (good) add_nodes(c, &alike->config, seen.rank);
    c->checkpoint = seen.values;
    free(seen.rank);
    return good;
}

/* ---- of all ---- */

static void fill(Costs *c, const Config *config, const Foretold *f, const GoodputRequest *r)
{
    c->memory = f->memory;
    c->capacity = 1e9 * config->machine.chip.memory_gb;
    c->storage = 1e9 * config->storage.gb;
    c->copy = 1e9 * config->storage.copy_gb;
    c->seed = config->train.seed;
    c->async = config->output.checkpoint_async;
    c->write_seconds = c->written / c->storage;
    c->read_seconds = c->read / c->storage;
    c->copy_seconds = c->copied / c->copy;
    c->job = (GoodputJob){.steps = r->steps,
                          .step = f->seconds,
                          .mtbf = r->mtbf_hours * HOUR / c->nodes,
                          .restart = r->restart_seconds + c->read_seconds,
                          .stall = c->async ? c->copy_seconds : c->write_seconds,
                          .write = c->async ? c->write_seconds : 0};
}

static bool count_steps(Costs *c, const GoodputRequest *r, Error *error)
{
    if (r->steps) return true;
    double steps = ceil(r->days * DAY / c->job.step);
    if (steps > GOODPUT_STEPS_MOST)
        return error_set(
            error, "--days %g: %.3g steps of %.3g s, more than the %.0e of a job; try --days %.3g", r->days,
            steps, c->job.step, GOODPUT_STEPS_MOST, 0.9 * GOODPUT_STEPS_MOST * c->job.step / DAY);
    c->job.steps = (int64_t)steps;
    return true;
}

/* The job writes checkpoints, also where its config, of which no run is made here, has none. */
enum { WRITES = 2 };
static const char *const writes[WRITES] = {"output.checkpoint=ck.h5", "output.checkpoint_every=1"};

bool costs_foretell(Costs *c, const GoodputRequest *r, const char *program_directory, Error *error)
{
    const char *set[GOODPUT_SETS + WRITES];
    for (int i = 0; i < WRITES; i++) set[i] = writes[i];
    for (int i = 0; i < r->sets; i++) set[WRITES + i] = r->set[i];
    const RunOptions options = {.config = r->config,
                                .sets = set,
                                .set_count = WRITES + r->sets,
                                .dry = true,
                                .force = r->force,
                                .program_directory = program_directory};
    Foretold foretold;
    *c = (Costs){.ranks = r->ranks};
    Alike *alike = alike_new();
    bool good = alike_foresee(alike, &options, r->ranks, error) && foretell(alike, &foretold, error) &&
                weigh_checkpoint(c, alike, error);
    if (good) fill(c, &alike->config, &foretold, r);
    alike_free(alike);
    return good && count_steps(c, r, error);
}
