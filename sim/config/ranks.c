/* ranks.c - whether a config fits the number of ranks, and what would. */
#include "sim/config/ranks.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/check_model.h"
#include "sim/config/checks.h"
#include "sim/config/check_faults.h"
#include "sim/config/hops.h"
#include "sim/config/refuse.h"
#include "sim/config/suggest.h"

/* Samples of a microbatch; of a whole share, which is not known yet, one at least. */
static int64_t at_once_a_rank(const Config *config)
{
    return config->train.microbatch > 0 ? config->train.microbatch : 1;
}

/* What would fit instead: other batches, microbatches and rank counts, in words. */
static void list_fits(const Config *config, int ranks, char *text, size_t size)
{
    int64_t batch = config->train.global_batch, micro = at_once_a_rank(config);
    int64_t at_once = ranks * micro, below = batch / at_once * at_once;
    char list[256];
    text[0] = '\0';
    words_append(text, size, "train.global_batch = ");
    if (below > 0) words_append(text, size, "%lld or ", (long long)below);
    words_append(text, size, "%lld", (long long)(below + at_once));
    if (!config->train.whole_share && batch % ranks == 0) {
        words_divisors(batch / ranks, micro, list, sizeof list);
        words_append(text, size, ", train.microbatch = %s", list);
    }
    if (batch % micro == 0) {
        words_divisors(batch / micro, ranks, list, sizeof list);
        const char *who = config_replica_ranks(config) > 1 ? "replica" : "rank";
        words_append(text, size, ", or %s %s%s", list, who, batch == micro ? "" : "s");
    }
}

static bool taken(Config *trial, int ranks)
{
    return config_check(trial, NULL) && config_check_ranks(trial, ranks, NULL);
}

static bool cut_evenly(Config *trial, int ranks)
{
    (void)ranks;
    int64_t size;
    return !config_uncut(trial, &size);
}

static bool check_tensor(const Config *config, int ranks, Error *error)
{
    const size_t offset = offsetof(Config, tensor.size);
    int64_t t = config->tensor.size, heads = config->model.shape.heads, size;
    const char *key = config_uncut(config, &size);
    char list[256];
    if (!key || !error) return !key;
    if (!config_suggest_divisors(config, offset, heads, taken, ranks, list, sizeof list))
        config_suggest_divisors(config, offset, heads, cut_evenly, ranks, list, sizeof list);
    return config_refuse(config, config_blame(config, "parallel.tp", key), error,
                         "tp = %lld does not divide %s = %lld%s; try parallel.tp = %s", (long long)t, key,
                         (long long)size,
                         strcmp(key, "model.kv_heads") == 0 ? ", nor the other way round" : "", list);
}

static bool check_groups(const Config *config, int ranks, Error *error)
{
    int64_t group = config_replica_ranks(config);
    char product[96] = "", fits[64], sizes[256];
    if (ranks % group == 0 || !error) return ranks % group == 0;
    config_suggest_ranks(config, group, ranks, taken, fits, sizeof fits);
    if (config->pipeline.size > 1 && config->tensor.size > 1)
        snprintf(product, sizeof product, " (pp x tp = %lld x %lld)", (long long)config->pipeline.size,
                 (long long)config->tensor.size);
    bool staged = config->pipeline.size > 1;
    const char *key = staged ? "parallel.pp" : "parallel.tp";
    const size_t offset = staged ? offsetof(Config, pipeline.size) : offsetof(Config, tensor.size);
    bool any = config_suggest_divisors(config, offset, ranks, taken, ranks, sizes, sizeof sizes);
    char how[192] = ""; /* one rank is what there is without being asked for */
    if (ranks == 1) snprintf(how, sizeof how, " (mpirun -n %s, or --ranks %s of a dry run)", fits, fits);
    return config_refuse(config, key, error,
                         "%d rank%s not divide into groups of %lld%s; try %s ranks%s, or %s%s%s%s", ranks,
                         ranks == 1 ? " does" : "s do", (long long)group, product, fits, how,
                         any ? "" : "another ", key, any ? " = " : "", any ? sizes : "");
}

static bool both_shared(Config *trial, int ranks)
{
    return config_mesh(trial, ranks).dp % trial->expert.size == 0 &&
           trial->model.shape.experts.count % trial->expert.size == 0;
}

/* That replicas share experts in whole groups. */
static bool check_experts(const Config *config, int ranks, Error *error)
{
    int replicas = config_mesh(config, ranks).dp, ep = (int)config->expert.size;
    char list[256];
    if (replicas % ep == 0 || !error) return replicas % ep == 0;
    const size_t offset = offsetof(Config, expert.size);
    if (!config_suggest_divisors(config, offset, replicas, taken, ranks, list, sizeof list))
        config_suggest_divisors(config, offset, replicas, both_shared, ranks, list, sizeof list);
    return config_refuse(
        config, "parallel.ep", error,
        "ep must divide the %d replica%s of %d ranks, and %d / %d = %.2f; try parallel.ep = %s, or "
        "%d ranks",
        replicas, replicas == 1 ? "" : "s", ranks, replicas, ep, (double)replicas / ep, list,
        (replicas + ep - 1) / ep * ep * (int)config_replica_ranks(config));
}

/* That the batch divides; sets the microbatch where it is a whole share. */
static bool check_batch(Config *config, int ranks, Error *error)
{
    int replicas = config_mesh(config, ranks).dp;
    if (config->train.whole_share) config->train.microbatch = 0;
    int64_t batch = config->train.global_batch, micro = config->train.microbatch;
    int64_t at_once = replicas * at_once_a_rank(config);
    if (batch % at_once == 0) {
        if (config->train.whole_share) config->train.microbatch = batch / replicas;
        return true;
    }
    char fits[768], who[128], pp[48] = "", tp[48] = "";
    double microbatches = (double)batch / (double)at_once;
    list_fits(config, replicas, fits, sizeof fits);
    if (config->pipeline.size > 1)
        snprintf(pp, sizeof pp, ", parallel.pp = %lld", (long long)config->pipeline.size);
    if (config->tensor.size > 1)
        snprintf(tp, sizeof tp, ", parallel.tp = %lld", (long long)config->tensor.size);
    const char *s = replicas == 1 ? "" : "s";
    if (*pp || *tp)
        snprintf(who, sizeof who, "%d replica%s (%d ranks%s%s)", replicas, s, ranks, pp, tp);
    else
        snprintf(who, sizeof who, "%d rank%s", ranks, s);
    if (config->train.whole_share)
        return config_refuse(config, "train.global_batch", error,
                             "%lld samples do not divide over %s, %lld / %d = %.4g; try %s", (long long)batch,
                             who, (long long)batch, replicas, microbatches, fits);
    return config_refuse(config, config_blame(config, "train.global_batch", "train.microbatch"), error,
                         "%s with a microbatch of %lld take%s %lld samples at a time, and a step would need "
                         "%lld / (%d x %lld) = %.4g microbatches; try %s",
                         who, (long long)micro, replicas == 1 ? "s" : "", (long long)at_once,
                         (long long)batch, replicas, (long long)micro, microbatches, fits);
}

/* What makes as many microbatches as a schedule takes: whole groups of the pipeline's ranks. */
static void list_groups(const Config *config, ScheduleKind kind, Shape shape, int replicas, char *text,
                        size_t size)
{
    int64_t batch = config->train.global_batch, p = shape.p;
    text[0] = '\0';
    if (config->train.whole_share) { /* there is one, however large the batch */
        int64_t share = batch / replicas, fits = (share + p - 1) / p * p;
        if (fits > share)
            words_append(text, size, "train.global_batch = %lld and ", (long long)(fits * replicas));
        words_append(text, size, "train.microbatch = %lld", (long long)(fits / p));
        return;
    }
    int below = shape.m - shape.m % shape.p;
    for (int m = below; m <= below + shape.p; m += shape.p) {
        Shape fits = {.v = shape.v, .p = shape.p, .m = m};
        if (schedule_possible(kind, fits, NULL))
            words_append(text, size, "%s%lld",
                         text[0] ? " or " : "train.global_batch = ", (long long)(batch / shape.m * m));
    }
    if (!text[0]) words_append(text, size, "a larger train.microbatch");
}

/* A file is checked when it is read: plan_from_config. */
bool config_refuse_late_load(const Config *config, int m, Error *error)
{
    return config_refuse(
        config, config_blame(config, "moe.balance_scope", "parallel.schedule"), error,
        "%.80s has backwards before the last forward of its %d microbatches, and they need the "
        "load of the whole global batch; try parallel.schedule = gpipe%s, train.microbatch = 0 "
        "(one a replica), or moe.balance_scope = microbatch",
        config->pipeline.schedule, m,
        config->pipeline.virtual_stages > 1 ? " with parallel.virtual_stages = 1" : "");
}

/* Of the schedules of schedules.c; what one of a file does its plan says (plan_from_config.h). */
static bool check_batch_load(const Config *config, int ranks, Error *error)
{
    const ScheduleKind kind = config_schedule(config);
    const int m = config_microbatches(config, ranks);
    if (!has_batch_load(&config->model.shape) || kind == SCHEDULE_KINDS || kind == SCHEDULE_GPIPE || m == 1)
        return true;
    return config_refuse_late_load(config, m, error);
}

static bool check_schedule(const Config *config, int ranks, Error *error)
{
    ScheduleKind kind = config_schedule(config);
    int replicas = config_mesh(config, ranks).dp, m = config_microbatches(config, ranks);
    Shape shape = {.v = (int)config->pipeline.virtual_stages, .p = (int)config->pipeline.size, .m = m};
    Error why;
    if (kind == SCHEDULE_KINDS || schedule_possible(kind, shape, &why)) return true;
    char fits[320];
    list_groups(config, kind, shape, replicas, fits, sizeof fits);
    if (kind == SCHEDULE_INTERLEAVED)
        words_append(
            fits, sizeof fits,
            ", or parallel.schedule = 1f1b and parallel.virtual_stages = 1, or a schedule of your own, "
            "which `sim schedule --csv` writes to begin with: parallel.schedule = my.csv");
    return config_refuse(
        config, "parallel.schedule", error,
        "train.global_batch / (replicas x train.microbatch) = %lld / (%d x %lld) = %d: %s; try %s",
        (long long)config->train.global_batch, replicas, (long long)config->train.microbatch, m, why.text,
        fits);
}

static bool check_node(const Config *config, int ranks, Error *error)
{
    const NetworkNode *node = &config->node;
    if (config->hardware.profile != PROFILE_MACHINE || node->cards > 0 || ranks <= node->devices) return true;
    return config_refuse(
        config, "node.cards", error,
        "%d ranks do not fit one node of node.devices = %lld, and nothing leads to another; try %lld "
        "ranks, or node.cards = %lld",
        ranks, (long long)node->devices, (long long)node->devices, (long long)node->devices);
}

/* That a way in two hops has the nodes for them. */
static bool check_hops(const Config *config, int ranks, Error *error)
{
    const int64_t ep = config->expert.size, devices = config->node.devices;
    if (config->hardware.profile != PROFILE_MACHINE ||
        config->hardware.all_to_all != ALL_TO_ALL_HIERARCHICAL || config_any_hops(config, ranks))
        return true;
    return config_refuse(
        config, "hardware.all_to_all", error,
        "on %d ranks, %lld a node, no %lld that share experts are as many, two or more, in each "
        "of several nodes, so that all rows go straight; try hardware.all_to_all = straight, or auto",
        ranks, (long long)devices, (long long)ep);
}

bool config_check_ranks(Config *config, int ranks, Error *error)
{
    if (ranks < 1) return error_set(error, "%s: %d ranks; try 1 or more", config->name, ranks);
    return check_tensor(config, ranks, error) && check_groups(config, ranks, error) &&
           check_experts(config, ranks, error) && check_node(config, ranks, error) &&
           check_batch(config, ranks, error) && config_check_matrices(config, error) &&
           check_schedule(config, ranks, error) && check_batch_load(config, ranks, error) &&
           check_hops(config, ranks, error) && config_check_fault_ranks(config, ranks, error);
}
