/* check_moe.c - experts that there are none of, groups that do not divide, capacities of nothing. */
#include "sim/config/check_moe.h"
#include "models/kernels/kinds.h"
#include "sim/base/words.h"
#include "sim/config/refuse.h"

static bool check_choice(const Config *config, const ExpertsShape *e, Error *error)
{
    if (e->top_k > e->count)
        return config_refuse(config, config_blame(config, "moe.top_k", "moe.experts"), error,
                             "a token goes to top_k = %lld of experts = %lld; try moe.top_k = %lld",
                             (long long)e->top_k, (long long)e->count,
                             (long long)(e->count > 1 ? e->count / 2 : 1));
    if (e->top_k == 1 && e->normalise)
        return config_refuse(
            config, config_blame(config, "moe.normalise_top_k", "moe.top_k"), error,
            "over their sum the gates of one expert are 1 whatever its score, and the router "
            "would learn nothing; try moe.normalise_top_k = no, or moe.top_k = 2");
    return true;
}

static bool check_groups(const Config *config, const ExpertsShape *e, Error *error)
{
    char divisors[256];
    if (e->groups == 1) return true;
    if (e->count % e->groups) {
        words_divisors(e->count, e->groups, divisors, sizeof divisors);
        return config_refuse(config, config_blame(config, "moe.groups", "moe.experts"), error,
                             "groups must divide experts, and %lld / %lld = %.2f; try moe.groups = %s",
                             (long long)e->count, (long long)e->groups, (double)e->count / (double)e->groups,
                             divisors);
    }
    if (e->groups_limited >= e->groups)
        return config_refuse(config, config_blame(config, "moe.groups_limited", "moe.groups"), error,
                             "a token that may go to %lld of %lld groups is limited to none; try "
                             "moe.groups_limited = %lld, or moe.groups = 1",
                             (long long)e->groups_limited, (long long)e->groups, (long long)(e->groups / 2));
    int64_t each = e->count / e->groups;
    if (e->top_k > e->groups_limited * each)
        return config_refuse(
            config, config_blame(config, "moe.groups_limited", "moe.top_k"), error,
            "%lld of groups of %lld / %lld = %lld experts hold %lld, and a token goes to top_k = "
            "%lld; try moe.top_k = %lld, or fewer moe.groups",
            (long long)e->groups_limited, (long long)e->count, (long long)e->groups, (long long)each,
            (long long)(e->groups_limited * each), (long long)e->top_k,
            (long long)(e->groups_limited * each));
    return true;
}

static bool check_layers(const Config *config, const ExpertsShape *e, Error *error)
{
    int64_t layers = config->model.shape.layers;
    if (e->first_dense < layers) return true;
    return config_refuse(
        config, config_blame(config, "moe.first_dense", "model.layers"), error,
        "of %lld layers none has experts behind the first %lld; try moe.first_dense = %lld, or "
        "moe.experts = 0",
        (long long)layers, (long long)e->first_dense, (long long)(layers - 1));
}

/* Loads are added up in whole numbers of 32 bits. */
static bool check_balance(const Config *config, const ExpertsShape *e, Error *error)
{
    double choices =
        (double)config->train.global_batch * (double)config->model.shape.sequence * (double)e->top_k;
    if (e->balance == BALANCE_AUXILIARY && e->auxiliary == 0)
        return config_refuse(config, "moe.balance_coefficient", error,
                             "the auxiliary loss would be 0 whatever the load; try "
                             "moe.balance_coefficient = 0.01, or moe.balance = none");
    bool batch = has_batch_load(&config->model.shape);
    if ((e->balance != BALANCE_BIAS && !batch) || choices <= INT32_MAX) return true;
    return config_refuse(config, batch ? "moe.balance_scope" : "moe.balance", error,
                         "a step's %.4g choices of experts (train.global_batch x model.sequence x top_k) are "
                         "more than the %d that loads count up to; try a smaller train.global_batch",
                         choices, INT32_MAX);
}

/* An expert takes one token at least, as what it takes is rounded up; of less than one most would be dropped by that
 * alone. */
static bool check_capacity(const Config *config, const ExpertsShape *e, Error *error)
{
    int64_t b = config->train.microbatch, samples = e->scope == SCOPE_SEQUENCE || b == 0 ? 1 : b;
    double even = (double)(samples * config->model.shape.sequence * e->top_k) / (double)e->count;
    if (e->capacity > 0 && e->scope == SCOPE_BATCH)
        return config_refuse(
            config, config_blame(config, "moe.capacity_factor", "moe.balance_scope"), error,
            "of a global batch, %lld samples, whom an expert has room for is known when all replicas have "
            "chosen, and forward drops before; try moe.capacity_factor = 0, or moe.balance_scope = sequence",
            (long long)config->train.global_batch);
    if (e->capacity == 0 || e->capacity * even >= 1) return true;
    return config_refuse(
        config, "moe.capacity_factor", error,
        "experts would take less than a token each: %g x %.4g choices of %lld tokens under an "
        "even load are %.2g; try moe.capacity_factor = %.3g, or 0",
        e->capacity, even, (long long)(samples * config->model.shape.sequence), e->capacity * even,
        even < 1 ? 1 / even : 1.25);
}

static bool check_shares(const Config *config, const ExpertsShape *e, Error *error)
{
    char divisors[256];
    if (e->count % config->expert.size == 0) return true;
    words_divisors(e->count, config->expert.size, divisors, sizeof divisors);
    return config_refuse(config, config_blame(config, "parallel.ep", "moe.experts"), error,
                         "ep must divide experts, and %lld / %lld = %.2f; try parallel.ep = %s",
                         (long long)e->count, (long long)config->expert.size,
                         (double)e->count / (double)config->expert.size, divisors);
}

bool config_check_moe(const Config *config, Error *error)
{
    const ExpertsShape *e = &config->model.shape.experts;
    if (e->count == 0) return true;
    return check_layers(config, e, error) && check_choice(config, e, error) &&
           check_groups(config, e, error) && check_balance(config, e, error) &&
           check_shares(config, e, error) && check_capacity(config, e, error);
}
