/* foretell.c - a dry run's one step, for its end alone. */
#include "sim/run/foretell.h"
#include <math.h>
#include <stdlib.h>
#include "parallel/wire/comm_virtual.h"
#include "sim/config/refuse.h"
#include "sim/run/step.h"

/* Of a rank that is walked. */
typedef struct Walked {
    double end, idle, memory, products;
} Walked;

typedef struct Walk {
    const Alike *alike;
    Walked *rank; /* (walked.count) */
    int done;
} Walk;

/* Virtual ranks end in any order. */
static int place_of(const WalkedRanks *walked, int rank)
{
    int place = 0;
    while (walked->rank && walked->rank[place] != rank) place++;
    return walked->rank ? place : rank;
}

static void walk_rank(Comm *comm, void *context)
{
    Walk *walk = context;
    Error error;
    Trainer *t = trainer_new(&walk->alike->config, &walk->alike->plan, comm, NULL, true, &error);
    if (!t) fail("%s", error.text);
    data_parallel_initialise(t->data_parallel, walk->alike->config.train.seed);
    trainer_step(t, 0, NULL, NULL);
    const Device *d = &t->device;
    Walked *mine = &walk->rank[place_of(&walk->alike->walked, comm->rank)];
    *mine =
        (Walked){.end = d->lanes.now, .idle = d->lanes.spent[PART_PP_IDLE], .memory = (double)d->peak_total};
    for (int k = 0; k < WORK_KINDS; k++) mine->products += d->done[k].products;
    trainer_free(t);
}

/* Seconds of a machine; and no file but the config is read. */
static bool can_foretell(const Config *c, Error *error)
{
    if (c->hardware.profile != PROFILE_MACHINE)
        return config_refuse(c, "hardware.profile", error,
                             "its seconds are no machine's; try --set hardware.profile=a100-80gb-dgx");
    return data_is_markov(&c->data) ||
           config_refuse(c, "data.source", error, "what is foretold reads no text; try markov");
}

/* A rank stands for those after it, up to the next; of a pipeline it waits for the last to end its step. */
static Foretold add_up(const Alike *alike, const Walked *rank)
{
    const WalkedRanks *walked = &alike->walked;
    bool pipeline = config_mesh(&alike->config, walked->ranks).pp > 1;
    Foretold f = {.seconds = 0};
    for (int i = 0; i < walked->count; i++) f.seconds = fmax(f.seconds, rank[i].end);
    for (int i = 0; i < walked->count; i++) {
        int first = walked->rank ? walked->rank[i] : i, next = first + 1;
        if (walked->rank) next = i + 1 < walked->count ? walked->rank[i + 1] : walked->ranks;
        double idle = rank[i].idle + (pipeline ? f.seconds - rank[i].end : 0);
        f.bubble += idle / f.seconds * (next - first) / walked->ranks;
        f.memory = fmax(f.memory, rank[i].memory);
        f.products += rank[i].products * (next - first);
    }
    return f;
}

bool foretell(const Alike *alike, Foretold *foretold, Error *error)
{
    if (!can_foretell(&alike->config, error)) return false;
    Walk walk = {.alike = alike, .rank = allocate_zeroed((size_t)alike->walked.count, sizeof *walk.rank)};
    bool good = virtual_run_some(&alike->walked, walk_rank, &walk, error);
    if (good) *foretold = add_up(alike, walk.rank);
    free(walk.rank);
    return good;
}

bool foretell_step(const RunOptions *options, int ranks, double *seconds, Error *error)
{
    Alike *alike = alike_new();
    Foretold foretold = {.seconds = 0};
    bool good = alike_foresee(alike, options, ranks, error) && foretell(alike, &foretold, error);
    *seconds = foretold.seconds;
    alike_free(alike);
    return good;
}
