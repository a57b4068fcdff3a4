/* foretell.c - a dry run's one step, for its end alone. */
#include "sim/run/foretell.h"
#include <math.h>
#include "parallel/wire/comm_virtual.h"
#include "sim/config/refuse.h"
#include "sim/run/alike.h"
#include "sim/run/step.h"

typedef struct Foretold {
    const Alike *alike;
    double seconds;
} Foretold;

static void walk_rank(Comm *comm, void *context)
{
    Foretold *f = context;
    Error error;
    Trainer *t = trainer_new(&f->alike->config, &f->alike->plan, comm, NULL, true, &error);
    if (!t) fail("%s", error.text);
    data_parallel_initialise(t->data_parallel, f->alike->config.train.seed);
    trainer_step(t, 0, NULL, NULL);
    f->seconds = fmax(f->seconds, t->device.lanes.now);
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

bool foretell_step(const RunOptions *options, int ranks, double *seconds, Error *error)
{
    Alike *alike = alike_new();
    Foretold foretold = {.alike = alike};
    bool good = alike_foresee(alike, options, ranks, error) && can_foretell(&alike->config, error) &&
                virtual_run_some(&alike->walked, walk_rank, &foretold, error);
    *seconds = foretold.seconds;
    alike_free(alike);
    return good;
}
