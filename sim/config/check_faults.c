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
    for (int i = 0; i < f->lates && fine; i++)
        fine = check_step(config, "faults.late", f->late_steps[i].first, error);
    return fine && check_step(config, "faults.disk_full", f->full_step, error) &&
           check_step(config, "faults.die", f->die_step, error);
}

static bool check_rank(const Config *config, const char *key, int rank, int ranks, Error *error)
{
    if (rank < ranks) return true;
    return config_refuse(config, key, error, "there is no rank %d among %d, which count from 0; try 0 to %d",
                         rank, ranks, ranks - 1);
}

/* Only ranks of a group talk. */
static bool check_link(const Config *config, const LateLink *link, int ranks, Error *error)
{
    if (!check_rank(config, "faults.late", link->from, ranks, error) ||
        !check_rank(config, "faults.late", link->to, ranks, error))
        return false;
    MeshShape shape = config_mesh(config, ranks);
    MeshPlace a = mesh_place(shape, link->from), b = mesh_place(shape, link->to), next = a;
    if ((a.pipe != b.pipe) + (a.data != b.data) + (a.tensor != b.tensor) == 1) return true;
    if (shape.pp > 1)
        next.pipe = (a.pipe + 1) % shape.pp;
    else
        next.data = (a.data + 1) % shape.dp;
    return config_refuse(config, "faults.late", error,
                         "ranks %d and %d differ along more than one of pp, dp and tp, so that no message "
                         "goes from one to the other; try %d->%d",
                         link->from, link->to, link->from, mesh_rank(shape, next));
}

bool config_check_fault_ranks(const Config *config, int ranks, Error *error)
{
    const Faults *f = &config->fault;
    bool fine = true;
    for (int i = 0; i < f->slows && fine; i++)
        fine = check_rank(config, "faults.slow", f->slow[i].rank, ranks, error);
    for (int i = 0; i < f->lates && fine; i++) fine = check_link(config, &f->late[i], ranks, error);
    return fine && (f->die_step == 0 || check_rank(config, "faults.die", f->die_rank, ranks, error));
}
