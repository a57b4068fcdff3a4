/* remedy.c - values of keys, one after the other, under the formulas of memory. */
#include "sim/theory/remedy.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/base/words.h"
#include "sim/config/checks.h"
#include "sim/config/ranks.h"
#include "sim/theory/theory.h"

/* Every stage's, of its first slice and replica, which holds as much as any. */
double theory_most_held(const Config *config, int ranks)
{
    Plan plan;
    MeshShape mesh = config_mesh(config, ranks);
    Shape shape = {.v = (int)config->pipeline.virtual_stages,
                   .p = (int)config->pipeline.size,
                   .m = config_microbatches(config, ranks)};
    ScheduleKind kind = config_schedule(config);
    double most = (double)NAN;
    if (kind == SCHEDULE_KINDS || !plan_write(&plan, kind, shape, NULL)) return most;
    for (int pipe = 0; pipe < mesh.pp; pipe++) {
        double bytes[MEMORY_CATEGORIES];
        int rank = mesh_rank(mesh, (MeshPlace){.pipe = pipe});
        theory_memory(config, &plan, ranks, rank, bytes);
        double sum = theory_moment(config, &plan, ranks, rank);
        for (int c = 0; c < MEMORY_CATEGORIES; c++)
            if (!isnan(bytes[c])) sum += bytes[c];
        most = fmax(most, sum);
    }
    plan_free(&plan);
    return most;
}

/* Changes a config by one step more than the last; false, with the config as it was, when there is none. `set` says
 * what is set now. */
typedef bool Change(Config *config, char *set, size_t size);

static bool cut_microbatch(Config *c, char *set, size_t size)
{
    if (c->train.microbatch % 2) return false;
    c->train.microbatch /= 2;
    snprintf(set, size, "train.microbatch = %lld", (long long)c->train.microbatch);
    return true;
}

static bool recompute_more(Config *c, char *set, size_t size)
{
    if (c->train.recompute == RECOMPUTE_FULL) return false;
    bool selective = c->train.recompute == RECOMPUTE_NONE && c->model.shape.attention != ATTENTION_FLASH;
    c->train.recompute = selective ? RECOMPUTE_SELECTIVE : RECOMPUTE_FULL;
    snprintf(set, size, "train.recompute = %s", selective ? "selective" : "full");
    return true;
}

static bool shard_more(Config *c, char *set, size_t size)
{
    if (data_parallel_shards_parameters(&c->parallel)) return false;
    c->parallel.kind = data_parallel_shards_gradients(&c->parallel)   ? DATA_ZERO3
                       : data_parallel_shards_optimizer(&c->parallel) ? DATA_ZERO2
                                                                      : DATA_ZERO1;
    snprintf(set, size, "parallel.data = %s", config_data_names[c->parallel.kind]);
    return true;
}

static bool cut_sequence(Config *c, char *set, size_t size)
{
    if (c->tensor.sequence_parallel || c->tensor.size == 1) return false;
    c->tensor.sequence_parallel = true;
    snprintf(set, size, "parallel.sequence_parallel = yes");
    return true;
}

static bool cut_tensors(Config *c, char *set, size_t size)
{
    if (c->tensor.size > c->model.shape.heads / 2) return false;
    c->tensor.size *= 2;
    snprintf(set, size, "parallel.tp = %lld", (long long)c->tensor.size);
    return true;
}

static bool cut_layers(Config *c, char *set, size_t size)
{
    if (2 * c->pipeline.size * c->pipeline.virtual_stages > c->model.shape.layers || c->pipeline.layers.count)
        return false;
    c->pipeline.size *= 2;
    snprintf(set, size, "parallel.pp = %lld", (long long)c->pipeline.size);
    return true;
}

static Change *const changes[] = {cut_microbatch, recompute_more, shard_more,
                                  cut_sequence,   cut_tensors,    cut_layers};
enum { CHANGES = sizeof changes / sizeof *changes };

static bool is_taken(Config *config, int ranks)
{
    return config_check(config, NULL) && config_check_ranks(config, ranks, NULL);
}

/* What the change makes of it as soon as `fits` bytes hold it; else, as far as it goes, in `config`. */
static bool try_change(Config *config, Change *change, int ranks, double fits, Remedy *remedy)
{
    Config *trial = allocate(sizeof *trial), *last = allocate(sizeof *last);
    bool fit = false;
    *trial = *last = *config;
    while (!fit && change(trial, remedy->set, sizeof remedy->set)) {
        if (!is_taken(trial, ranks)) continue; /* a size that divides may come after one that does not */
        *last = *trial;
        remedy->bytes = theory_most_held(trial, ranks);
        fit = remedy->bytes <= fits;
    }
    *config = *last;
    free(trial);
    free(last);
    return fit;
}

/* The first two that do together what none does alone: one as far as it goes. */
static bool try_two(const Config *config, int ranks, double fits, Remedy *remedy)
{
    Config *trial = allocate(sizeof *trial);
    bool fit = false;
    for (int a = 0; a < CHANGES && !fit; a++)
        for (int b = 0; b < CHANGES && !fit; b++) {
            Remedy one = {.bytes = 0}, other = {.bytes = 0};
            if (a == b) continue;
            *trial = *config;
            try_change(trial, changes[a], ranks, 0, &one);
            if (!one.bytes) continue; /* nothing left to set */
            fit = try_change(trial, changes[b], ranks, fits, &other);
            if (!fit) continue;
            remedy->bytes = other.bytes;
            remedy->set[0] = '\0';
            words_append(remedy->set, sizeof remedy->set, "%s and %s", one.set, other.set);
        }
    free(trial);
    return fit;
}

int theory_remedies(const Config *config, int ranks, double beside, double capacity, Remedy remedy[REMEDIES])
{
    int count = 0;
    Config *trial = allocate(sizeof *trial);
    if (isnan(theory_most_held(config, ranks))) count = -1;
    for (int i = 0; i < CHANGES && count >= 0; i++) {
        *trial = *config;
        remedy[count] = (Remedy){.bytes = 0};
        if (try_change(trial, changes[i], ranks, capacity - beside, &remedy[count])) count++;
    }
    if (count == 0) count = try_two(config, ranks, capacity - beside, &remedy[0]);
    free(trial);
    if (count < 0) return 0;
    for (int i = 0; i < count; i++) remedy[i].bytes += beside;
    return count;
}
