/* own_schedule.c - a schedule of the user's own beside the config that names it: what to change so that they fit. */
#include "sim/config/own_schedule.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/checks.h"
#include "sim/config/ranks.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"

static int ranks_of(const Config *config, int ranks)
{
    return ranks ? ranks : (int)config_replica_ranks(config);
}

static bool gives_stages(const Config *config)
{
    return config->origin[config_row_named("parallel.virtual_stages")] != ORIGIN_DEFAULT;
}

/* ---- what would fit ---- */

/* A copy of the config with what has been changed in it so far, in words: "model.layers = 4 and ...". */
typedef struct Fit {
    Config *config;
    bool possible;
    char text[512];
} Fit;

static void change(Fit *fit, const char *key, const char *value)
{
    char why[256];
    const ConfigRow *row = config_row_at(config_row_named(key));
    fit->possible = fit->possible && config_row_parse(row, value, fit->config, why, sizeof why);
    words_append(fit->text, sizeof fit->text, "%s%s = %s", fit->text[0] ? " and " : "", key, value);
}

static void change_number(Fit *fit, const char *key, int64_t is, int64_t wanted)
{
    char value[32];
    snprintf(value, sizeof value, "%lld", (long long)wanted);
    if (is != wanted) change(fit, key, value);
}

/* As even as can be, where layers are given that do not fit. */
static void change_layers_per_stage(Fit *fit, int stages)
{
    const NumberList *given = &fit->config->pipeline.layers;
    char even[256];
    int64_t layers = fit->config->model.shape.layers, sum = 0;
    for (int i = 0; i < given->count; i++) sum += given->number[i];
    if (given->count == 0 || (given->count == stages && sum == layers)) return;
    config_even_layers(layers, stages, even, sizeof even);
    fit->possible = fit->possible && *even;
    change(fit, "parallel.layers_per_stage", even);
}

/* So many microbatches on each replica: of another size, or in a larger or smaller batch. */
static void change_batch(Fit *fit, int64_t replicas, int microbatches, bool size)
{
    Config *c = fit->config;
    bool whole = c->train.whole_share;
    int64_t batch = c->train.global_batch, all = replicas * microbatches;
    int64_t is = whole ? 0 : c->train.microbatch, wanted = is;
    if (size) fit->possible = fit->possible && batch % all == 0;
    if (size || whole) wanted = (batch + all - 1) / all;
    if (!size) change_number(fit, "train.global_batch", batch, all * wanted);
    if (whole && microbatches == 1) wanted = 0; /* it is one already */
    change_number(fit, "train.microbatch", is, wanted);
    c->train.whole_share = wanted == 0;
}

static bool fits(Config *config, Shape shape, int ranks)
{
    return config_check(config, NULL) && config_check_ranks(config, ranks, NULL) &&
           config_check_own_schedule(config, shape, ranks, NULL);
}

/* On as many ranks where they are whole replicas then, else on as many replicas. `size`: see change_batch(). */
static bool make_fit(Fit *fit, const Config *config, Shape shape, int ranks, bool size)
{
    Config *c = fit->config;
    int64_t stages = (int64_t)shape.v * shape.p, group = shape.p * config->tensor.size;
    int64_t replicas = config_mesh(config, ranks_of(config, ranks)).dp;
    int64_t on = ranks == 0 ? group : ranks % group ? replicas * group : ranks;
    *c = *config;
    *fit = (Fit){.config = c, .possible = true};
    change_number(fit, "parallel.pp", c->pipeline.size, shape.p);
    if (gives_stages(config))
        change_number(fit, "parallel.virtual_stages", c->pipeline.virtual_stages, shape.v);
    if (c->model.shape.layers < stages) change_number(fit, "model.layers", c->model.shape.layers, stages);
    change_layers_per_stage(fit, (int)stages);
    change_batch(fit, on / group, shape.m, size);
    if (ranks && on != ranks) words_append(fit->text, sizeof fit->text, " on %lld ranks", (long long)on);
    return fit->possible && on <= INT_MAX && fits(c, shape, (int)on);
}

/* Where nothing does, something else is wrong too, and what is named is right for the schedule. */
static void list_fits(const Config *config, Shape shape, int ranks, char *text, size_t size)
{
    Fit by_size = {.config = allocate(sizeof *by_size.config)}, by_batch = by_size;
    bool sized = make_fit(&by_size, config, shape, ranks, true);
    bool batched = make_fit(&by_batch, config, shape, ranks, false);
    bool both = sized && batched && strcmp(by_size.text, by_batch.text) != 0;
    snprintf(text, size, "%s%s%s", sized ? by_size.text : by_batch.text, both ? ", or " : "",
             both ? by_batch.text : "");
    free(by_size.config);
}

/* ---- the check ---- */

bool config_check_own_schedule(const Config *config, Shape shape, int ranks, Error *error)
{
    int on = ranks_of(config, ranks), m = config_microbatches(config, on), stages = shape.p * shape.v;
    int64_t pp = config->pipeline.size, layers = config->model.shape.layers;
    const char *key = "parallel.schedule";
    char why[512], what[96], list[1200];
    if (shape.p != pp) {
        snprintf(why, sizeof why, "it has %d line%s, one a rank of the pipeline, and parallel.pp = %lld",
                 shape.p, words_s(shape.p), (long long)pp);
    } else if (gives_stages(config) && shape.v != config->pipeline.virtual_stages) {
        key = "parallel.virtual_stages";
        snprintf(why, sizeof why, "%.80s has %d stage%s a rank", config->pipeline.schedule, shape.v,
                 words_s(shape.v));
    } else if (layers < stages) {
        snprintf(why, sizeof why, "its %d stages are more than model.layers = %lld can fill", stages,
                 (long long)layers);
    } else if (shape.m != m) {
        snprintf(why, sizeof why,
                 "it is a schedule of %d microbatch%s, and a step has train.global_batch / (replicas x "
                 "train.microbatch) = %lld / (%d x %lld) = %d",
                 shape.m, shape.m == 1 ? "" : "es", (long long)config->train.global_batch,
                 config_mesh(config, on).dp, (long long)config->train.microbatch, m);
    } else {
        snprintf(what, sizeof what, "%d lines x %d stages a rank = %d stages of the schedule", shape.p,
                 shape.v, stages);
        return config_check_layers(config, stages, what, error);
    }
    if (!error) return false;
    list_fits(config, shape, ranks, list, sizeof list);
    return config_refuse(config, key, error, "%s; try %s", why, list);
}
