/* kept.c - the owner's values, of either kind of flat. */
#include "parallel/data/kept.h"

Tensor kept_here(const DataParallel *d, int which, int unit, int64_t *first)
{
    const Domain *domain = d->unit[unit].domain;
    bool rounded = domain->state[which].device || which != OPTIMIZER_MASTER;
    int64_t count;
    domain_owned(&d->unit[unit], first, &count);
    if (!d->shard_optimizer) *first = 0;
    return data_parallel_updated(d, rounded ? domain->state[which] : domain->parameters,
                                 rounded ? d->shard_optimizer : d->shard_parameters, unit);
}

Tensor kept_alone(const DataParallel *d, int which, int unit, int64_t *first)
{
    const Tensor nothing = {0};
    Tensor here = kept_here(d, which, unit, first);
    if (!here.device || d->shard_optimizer) return here;
    if (d->config.kind == DATA_DP) return d->unit[unit].domain->updates ? here : nothing;
    int64_t count;
    domain_owned(&d->unit[unit], first, &count);
    return tensor_view(here, *first, count);
}

void kept_settle(DataParallel *d)
{
    if (!data_parallel_gathers_updates(&d->config)) return;
    if (d->config.gather == GATHER_FORWARD)
        d->stale = true; /* the next step begins with it */
    else if (d->config.quantize & QUANTIZE_PARAMETERS)
        d->ops->unshard(d);
}
