/* faults.c - what holds in a step. */
#include "sim/config/faults.h"

static bool within(FaultSteps steps, int64_t step)
{
    return steps.first <= step + 1 && step + 1 <= steps.last;
}

bool faults_any(const Faults *f)
{
    return f->slows > 0 || f->lates > 0 || f->die_step > 0 || f->full_step > 0;
}

double faults_slower(const Faults *f, int rank, int64_t step)
{
    double factor = 1;
    for (int i = 0; i < f->slows; i++)
        if (f->slow[i].rank == rank && within(f->slow[i].steps, step)) factor *= f->slow[i].factor;
    return factor - 1;
}

bool faults_late(const Faults *f, int link, int64_t step)
{
    return within(f->late_steps[link], step);
}

bool faults_hold(const Faults *f, int64_t step)
{
    bool any = false;
    for (int i = 0; i < f->slows; i++) any |= within(f->slow[i].steps, step);
    for (int i = 0; i < f->lates; i++) any |= faults_late(f, i, step);
    return any;
}

bool faults_kill(const Faults *f, int rank, int64_t step)
{
    return f->die_step == step + 1 && f->die_rank == rank;
}

bool faults_fill_disk(const Faults *f, int64_t step)
{
    return f->full_step == step + 1;
}

int64_t faults_finished(const Faults *f, int64_t steps)
{
    return f->die_step > 0 && f->die_step <= steps ? f->die_step - 1 : steps;
}
