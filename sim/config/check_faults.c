/* check_faults.c - faults that would have no effect are refused. */
#include "sim/config/check_faults.h"
#include "sim/config/faults_read.h"
#include "sim/config/refuse.h"

bool config_read_faults(Config *config, Error *error)
{
    char why[512];
    const char *key;
    if (faults_read(&config->faults, &config->fault, &key, why, sizeof why)) return true;
    return config_refuse(config, key, error, "%s", why);
}

static bool check_step(const Config *config, const char *key, int64_t step, Error *error)
{
    int64_t steps = config->train.steps;
    if (step <= steps) return true;
    return config_refuse(
        config, key, error,
        "train.steps = %lld, so there is no step %lld, and it has no effect; try a step up to "
        "%lld, or train.steps = %lld",
        (long long)steps, (long long)step, (long long)steps, (long long)step);
}

bool config_check_faults(const Config *config, Error *error)
{
    const Faults *f = &config->fault;
    bool fine = true;
    for (int i = 0; i < f->slows && fine; i++)
        fine = check_step(config, "faults.slow", f->slow[i].steps.first, error);
    return fine && (f->die_step == 0 || check_step(config, "faults.die", f->die_step, error));
}

static bool check_rank(const Config *config, const char *key, int rank, int ranks, Error *error)
{
    if (rank < ranks) return true;
    return config_refuse(config, key, error, "there is no rank %d among %d, which count from 0; try 0 to %d",
                         rank, ranks, ranks - 1);
}

bool config_check_fault_ranks(const Config *config, int ranks, Error *error)
{
    const Faults *f = &config->fault;
    bool fine = true;
    for (int i = 0; i < f->slows && fine; i++)
        fine = check_rank(config, "faults.slow", f->slow[i].rank, ranks, error);
    return fine && (f->die_step == 0 || check_rank(config, "faults.die", f->die_rank, ranks, error));
}
