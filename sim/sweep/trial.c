/* trial.c - from the number of a combination to a dry run. */
#include "sim/sweep/trial.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/base/words.h"
#include "sim/config/file.h"
#include "sim/config/ranks.h"
#include "sim/report/utilization.h"
#include "sim/run/foretell.h"

/* ---- what all share ---- */

/* What each trial sets: what all have alike, and a value of each key. */
typedef struct Sets {
    const char *set[SPACE_SETS + SPACE_KEYS];
    char *own[SPACE_KEYS];
    int count, owns;
} Sets;

static void add_key(Sets *sets, const Space *space, int key, const char *value)
{
    size_t room = sizeof space->key[key].name + 1 + CONFIG_VALUE;
    char *set = sets->own[sets->owns++] = allocate(room);
    snprintf(set, room, "%s=%s", space->key[key].name, value);
    sets->set[sets->count++] = set;
}

static void fill_sets(Sets *sets, const Space *space, int64_t index)
{
    *sets = (Sets){.count = 0};
    for (int i = 0; i < space->sets; i++) sets->set[sets->count++] = space->set[i];
    for (int k = 0; k < space->keys; k++)
        if (space->key[k].row >= 0) add_key(sets, space, k, space_value(space, index, k));
}

static void free_sets(Sets *sets)
{
    for (int i = 0; i < sets->owns; i++) free(sets->own[i]);
}

/* Of one machine: what a combination that has it would read. */
static char *read_profile(const Trials *t, int choice, const char *program_directory, Error *error)
{
    Sets sets = {.count = 0};
    const Space *space = t->space;
    ConfigSource source = t->source;
    for (int i = 0; i < space->sets; i++) sets.set[sets.count++] = space->set[i];
    if (t->profile_key >= 0) add_key(&sets, space, t->profile_key, space->key[t->profile_key].value[choice]);
    source.sets = sets.set;
    source.set_count = sets.count;
    char *text = config_profile_text(&source, program_directory, error);
    free_sets(&sets);
    return text;
}

bool trials_read(Trials *t, const Space *space, const char *config, const char *program_directory,
                 Error *error)
{
    *t = (Trials){.space = space, .profile_key = space_find(space, "hardware.profile")};
    t->text = config_read(config, program_directory, error);
    if (!t->text) return false;
    t->source = (ConfigSource){.name = config, .text = t->text};
    int profiles = t->profile_key < 0 ? 1 : space->key[t->profile_key].count;
    t->profile = allocate_zeroed((size_t)profiles, sizeof *t->profile);
    for (; t->profiles < profiles; t->profiles++)
        if (!(t->profile[t->profiles] = read_profile(t, t->profiles, program_directory, error))) return false;
    return true;
}

void trials_free(Trials *t)
{
    for (int i = 0; i < t->profiles; i++) free(t->profile[i]);
    free(t->profile);
    free(t->text);
    *t = (Trials){.space = NULL};
}

/* ---- one of them ---- */

static ConfigSource source_of(const Trials *t, const Sets *sets, int64_t index)
{
    ConfigSource source = t->source;
    source.profile = t->profile[t->profile_key < 0 ? 0 : space_choice(t->space, index, t->profile_key)];
    source.sets = sets->set;
    source.set_count = sets->count;
    return source;
}

static SweepRow row_of(const Config *config, int ranks, const Foretold *f)
{
    double tokens = (double)config->train.global_batch * (double)config->model.shape.sequence;
    Utilization u = utilization_of(config, ranks, f->seconds, f->products);
    SweepRow row = {.step_time = f->seconds,
                    .tokens_per_second = tokens / f->seconds,
                    .mfu = (isnan(u.model) ? u.parameters : u.model) / u.peak,
                    .hfu = u.counted / u.peak,
                    .bubble = f->bubble,
                    .memory = f->memory,
                    .capacity = 1e9 * config->machine.chip.memory_gb,
                    .ranks = ranks,
                    .replicas = config_mesh(config, ranks).dp,
                    .microbatches = config_microbatches(config, ranks),
                    .reason = -1};
    row.a_device = row.tokens_per_second / ranks;
    row.state = row.memory > row.capacity ? SWEEP_TOO_LARGE : SWEEP_FITS;
    return row;
}

SweepRow trial_run(const Trials *t, int64_t index, Error *why)
{
    Sets sets;
    Foretold foretold;
    int ranks = space_ranks(t->space, index);
    fill_sets(&sets, t->space, index);
    Alike *alike = alike_new();
    ConfigSource source = source_of(t, &sets, index);
    SweepRow row = sweep_refused(ranks);
    if (alike_foresee_texts(alike, &source, ranks, t->force, why) && foretell(alike, &foretold, why))
        row = row_of(&alike->config, ranks, &foretold);
    alike_free(alike);
    free_sets(&sets);
    return row;
}

double trial_estimate(const Trials *t, int64_t index)
{
    Sets sets;
    Error ignored;
    fill_sets(&sets, t->space, index);
    Alike *alike = alike_new();
    ConfigSource source = source_of(t, &sets, index);
    bool walks = alike_foresee_texts(alike, &source, space_ranks(t->space, index), t->force, &ignored);
    double seconds = walks ? estimate_total(alike->estimate.seconds) : 0;
    alike_free(alike);
    free_sets(&sets);
    return seconds;
}

bool trial_config(const Trials *t, int64_t index, Config *config, Error *error)
{
    Sets sets;
    fill_sets(&sets, t->space, index);
    ConfigSource source = source_of(t, &sets, index);
    bool taken = config_parse(config, &source, error) &&
                 config_check_ranks(config, space_ranks(t->space, index), error);
    free_sets(&sets);
    return taken;
}
