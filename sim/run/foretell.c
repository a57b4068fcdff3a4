/* foretell.c - a dry run's one step, for its end alone. */
#include "sim/run/foretell.h"
#include <math.h>
#include <stdlib.h>
#include "parallel/wire/comm_virtual.h"
#include "sim/config/refuse.h"
#include "sim/run/step_time.h"

/* ---- the walk ---- */

typedef struct Walk {
    const Alike *alike;
    ForetellLook *look;
    void *context;
} Walk;

static void walk_rank(Comm *comm, void *context)
{
    const Walk *walk = context;
    Error error;
    Trainer *t =
        trainer_new(&walk->alike->config, &walk->alike->plan, comm, NULL, true, walk->alike->like, &error);
    if (!t) fail("%s", error.text);
    t->assumed = &walk->alike->assumed;
    data_parallel_initialise(t->data_parallel, walk->alike->config.train.seed);
    trainer_step(t, 0, NULL, NULL);
    walk->look(t, walk->context);
    trainer_free(t);
}

/* No file but the config is read. */
bool foretell_walk(Alike *alike, ForetellLook *look, void *context, Error *error)
{
    Walk walk = {alike, look, context};
    const Config *config = &alike->config;
    if (faults_any(&config->fault))
        return config_refuse(config,
                             config->fault.slows       ? "faults.slow"
                             : config->fault.lates     ? "faults.late"
                             : config->fault.full_step ? "faults.disk_full"
                                                       : "faults.die",
                             error,
                             "what is foretold here is one step, and faults hold in some; try "
                             "sim --config F --dry-run, or leaving it out");
    if (!data_is_markov(&alike->config.data))
        return config_refuse(&alike->config, "data.source", error,
                             "what is foretold reads no text; try markov");
    alike_prepare_walk(alike);
    return virtual_run_some(&alike->walked, walk_rank, &walk, error);
}

/* ---- what is read off it ---- */

/* Of a rank that is walked. */
typedef struct Walked {
    double end, idle, memory, products;
} Walked;

typedef struct Seen {
    const WalkedRanks *walked;
    Walked *rank; /* (walked->count) */
} Seen;

/* Virtual ranks end in any order. */
static void look(const Trainer *t, void *context)
{
    Seen *seen = context;
    const Device *d = &t->device;
    Walked *mine = &seen->rank[walked_place(seen->walked, t->comm->rank)];
    *mine =
        (Walked){.end = d->lanes.now, .idle = d->lanes.spent[PART_PP_IDLE], .memory = (double)d->peak_total};
    for (int k = 0; k < WORK_KINDS; k++) mine->products += d->done[k].products;
}

/* A rank stands for those after it, up to the next; of a pipeline it waits for the last to end its step. */
static Foretold add_up(const Alike *alike, const Walked *rank)
{
    const WalkedRanks *walked = &alike->walked;
    bool pipeline = config_mesh(&alike->config, walked->ranks).pp > 1;
    Foretold f = {.seconds = 0};
    for (int i = 0; i < walked->count; i++) f.seconds = fmax(f.seconds, rank[i].end);
    for (int i = 0; i < walked->count; i++) {
        int ranks = walked_stands_for(walked, i);
        double idle = rank[i].idle + (pipeline ? f.seconds - rank[i].end : 0);
        f.bubble += idle / f.seconds * ranks / walked->ranks;
        f.memory = fmax(f.memory, rank[i].memory);
        f.products += rank[i].products * ranks;
    }
    return f;
}

bool foretell_has_machine(const Config *config, Error *error)
{
    return config->hardware.profile == PROFILE_MACHINE ||
           config_refuse(config, "hardware.profile", error,
                         "its seconds are no machine's; try --set hardware.profile=a100-80gb-dgx");
}

bool foretell(Alike *alike, Foretold *foretold, Error *error)
{
    if (!foretell_has_machine(&alike->config, error)) return false;
    Seen seen = {&alike->walked, allocate_zeroed((size_t)alike->walked.count, sizeof *seen.rank)};
    bool good = foretell_walk(alike, look, &seen, error);
    if (good) *foretold = add_up(alike, seen.rank);
    free(seen.rank);
    return good && step_time_check(&alike->config, foretold->seconds, error);
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
