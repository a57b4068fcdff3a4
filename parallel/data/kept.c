/* kept.c - the owner's values, of either kind of flat. */
#include "parallel/data/kept.h"

Tensor kept_here(const DataParallel *d, int which, int unit, int64_t *first)
{
    bool rounded = d->state[which].device || which != OPTIMIZER_MASTER;
    int64_t count;
    data_parallel_owned(d, unit, first, &count);
    if (!d->shard_optimizer) *first = 0;
    return data_parallel_updated(d, rounded ? d->state[which] : d->parameters,
                                 rounded ? d->shard_optimizer : d->shard_parameters, unit);
}

Tensor kept_alone(const DataParallel *d, int which, int unit, int64_t *first)
{
    const Tensor nothing = {0};
    Tensor here = kept_here(d, which, unit, first);
    if (!here.device || d->shard_optimizer) return here;
    if (d->config.kind == DATA_DP) return d->group->rank == 0 ? here : nothing;
    int64_t count;
    data_parallel_owned(d, unit, first, &count);
    return tensor_view(here, *first, count);
}

void kept_settle(DataParallel *d)
{
    if (!d->shard_optimizer || d->shard_parameters) return;
    if (d->config.gather == GATHER_FORWARD)
        d->stale = true; /* the next step begins with it */
    else if (d->config.quantize & QUANTIZE_PARAMETERS)
        d->ops->unshard(d);
}
