/* alike.h - what is the same on every rank, so made once a process: by the first of virtual ranks for all. */
#ifndef SIM_RUN_ALIKE_H
#define SIM_RUN_ALIKE_H
#include "parallel/schedule/plan.h"
#include "parallel/wire/comm_virtual.h"
#include "sim/config/parse.h"
#include "sim/run/assumed_load.h"
#include "sim/run/options.h"
#include "sim/run/share_text.h"
#include "sim/run/watch.h"

typedef struct Alike {
    Config config;
    Plan plan;
    bool resolved, planned; /* or refused, for `why` */
    bool config_ok, plan_ok;
    Error why;
    SharedText text;
    WalkedRanks walked; /* a dry run's, like all that follows */
    AssumedLoad assumed;
    /* what their models are like, from when they are walked on; NULL where one is, or all are real */
    Gpt *like;
    Estimate estimate;
    Watch watch;
} Alike;

Alike *alike_new(void);
void alike_free(Alike *alike);

/* Of a process by itself, before there are ranks: whether the config would be taken, by so many ranks where they are
 * known (above 0). */
bool alike_is_possible(Alike *alike, const RunOptions *options, int ranks, Error *error);
/* And all there is to know of a dry run before it: whether this machine has room for its ranks. */
bool alike_foresee(Alike *alike, const RunOptions *options, int ranks, Error *error);
/* The same of texts that were read before; `force`: whatever it is estimated to take. */
bool alike_foresee_texts(Alike *alike, const ConfigSource *source, int ranks, bool force, Error *error);

/* Of what was foreseen, before virtual_run_some() walks its ranks: makes what no two of them need to make. */
void alike_prepare_walk(Alike *alike);

/* Collective: rank 0 reads the file, all have what is in it. False on all ranks, where it is refused. */
bool alike_read_config(Alike *alike, Group *world, const RunOptions *options, Error *error);
bool alike_read_schedule(Alike *alike, Group *world, Error *error);
#endif
