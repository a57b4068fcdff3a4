/* alike.c - reading the config and the schedule, on rank 0 and for all. */
#include "sim/run/alike.h"
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/config/file.h"
#include "sim/config/ranks.h"
#include "sim/config/refuse.h"
#include "sim/run/admit.h"
#include "sim/run/assumed_load.h"
#include "sim/run/plan_from_config.h"
#include "sim/run/representatives.h"
#include "sim/run/same_request.h"
#include "sim/run/step.h"

Alike *alike_new(void)
{
    return allocate_zeroed(1, sizeof(Alike));
}

void alike_free(Alike *alike)
{
    share_text_end(&alike->text);
    plan_free(&alike->plan);
    config_free(&alike->config);
    free((void *)alike->walked.rank);
    assumed_load_free(&alike->assumed);
    gpt_free(alike->like);
    free(alike);
}

/* ---- once ---- */

/* Of a command line; its files are not read yet. */
static ConfigSource source_of(const RunOptions *o)
{
    return (ConfigSource){.name = o->config, .sets = o->sets, .set_count = o->set_count, .output = o->output};
}

/* The same texts, so the same answer on every rank. */
static bool resolve(Alike *a, const ConfigSource *source, int ranks, Error *error)
{
    if (!a->resolved)
        a->config_ok = config_parse(&a->config, source, &a->why) &&
                       (ranks == 0 || config_check_ranks(&a->config, ranks, &a->why));
    a->resolved = true;
    if (!a->config_ok) *error = a->why;
    return a->config_ok;
}

/* The plan is the same on every rank, so all refuse it together. */
static bool plan(Alike *a, int ranks, const char *text, int64_t bytes, Error *error)
{
    if (!a->planned) {
        a->plan_ok = plan_from_config(&a->config, ranks, text, bytes, &a->plan, &a->why);
        if (a->plan_ok)
            a->config.pipeline.virtual_stages = a->plan.shape.v; /* a file brings its own number */
    }
    a->planned = true;
    if (!a->plan_ok) *error = a->why;
    return a->plan_ok;
}

/* ---- without ranks ---- */

bool alike_is_possible(Alike *alike, const RunOptions *options, int ranks, Error *error)
{
    ConfigSource source = source_of(options);
    char *text = config_read(options->config, options->program_directory, error), *profile = NULL;
    source.text = text;
    if (text) profile = config_profile_text(&source, options->program_directory, error);
    source.profile = profile;
    bool possible = profile && resolve(alike, &source, ranks, error);
    free(text);
    free(profile);
    return possible;
}

/* Of a config that is resolved. */
static bool foresee(Alike *alike, int ranks, bool all_ranks, bool force, Error *error)
{
    if (config_steps(&alike->config, true) == 0)
        return config_refuse(&alike->config, "faults.die", error,
                             "no step is finished before, so there is nothing to walk; try %d at 2",
                             alike->config.fault.die_rank);
    char *text = NULL; /* of a schedule's file; one with a name has none */
    int64_t bytes = 0;
    bool named = !config_schedule_is_file(&alike->config);
    if (!named) text = plan_text(&alike->config, &bytes, error);
    bool ok = (named || text) && plan(alike, ranks, text, bytes, error);
    free(text);
    if (!ok || !assumed_load(&alike->config, ranks, &alike->assumed, error)) return false;
    const bool given = alike->assumed.rows != NULL;
    alike->walked = all_ranks ? (WalkedRanks){.ranks = ranks, .count = ranks, .rank = NULL}
                              : representatives_of(&alike->config, ranks, given);
    alike->estimate = estimate_dry(&alike->config, &alike->plan, &alike->walked, !given);
    watch_walk(&alike->watch, &alike->estimate, &alike->plan, alike->walked.count,
               config_steps(&alike->config, true));
    return force || admit_dry(&alike->config, &alike->estimate, ranks, error);
}

bool alike_foresee(Alike *alike, const RunOptions *options, int ranks, Error *error)
{
    return alike_is_possible(alike, options, ranks, error) &&
           foresee(alike, ranks, options->all_ranks, options->force, error);
}

bool alike_foresee_texts(Alike *alike, const ConfigSource *source, int ranks, bool force, Error *error)
{
    return resolve(alike, source, ranks, error) && foresee(alike, ranks, false, force, error);
}

void alike_prepare_walk(Alike *alike)
{
    if (alike->walked.count > 1 && !alike->like) alike->like = trainer_like(&alike->config, &alike->plan);
}

/* ---- on all ranks ---- */

/* Rank 0's file reaches every rank: its length first, -1 when there is none. */
static bool share(Group *world, char **text, int64_t *bytes)
{
    bool main = world->rank == 0;
    if (main && !*text) *bytes = -1;
    tree_broadcast(world, INIT_BROADCAST, bytes, sizeof *bytes, 0);
    if (*bytes < 0) return false;
    if (!main) *text = allocate_zeroed((size_t)*bytes + 1, 1);
    tree_broadcast(world, INIT_BROADCAST, *text, (size_t)*bytes, 0);
    return true;
}

bool alike_read_config(Alike *alike, Group *world, const RunOptions *options, Error *error)
{
    ConfigSource source = source_of(options);
    char *text = NULL, *profile = NULL;
    if (!same_request(world, options, error)) return false;
    if (world->rank == 0) text = config_read(options->config, options->program_directory, error);
    int64_t bytes = text ? (int64_t)strlen(text) : 0;
    if (!share(world, &text, &bytes)) return false;
    source.text = text;
    if (world->rank == 0) profile = config_profile_text(&source, options->program_directory, error);
    bytes = profile ? (int64_t)strlen(profile) : 0;
    bool ok = share(world, &profile, &bytes);
    source.profile = profile;
    ok = ok && resolve(alike, &source, world->size, error);
    free(text);
    free(profile);
    return ok;
}

bool alike_read_schedule(Alike *alike, Group *world, Error *error)
{
    bool named = !config_schedule_is_file(&alike->config);
    char *text = NULL;
    int64_t bytes = 0;
    if (world->rank == 0 && !named) text = plan_text(&alike->config, &bytes, error);
    bool ok = (named || share(world, &text, &bytes)) && plan(alike, world->size, text, bytes, error);
    free(text);
    return ok;
}
