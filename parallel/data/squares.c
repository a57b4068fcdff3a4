/* squares.c - the squared length of a gradient that lies in blocks on many ranks, each of its values counted once. */
#include "models/machine/tensor_values.h"
#include "parallel/collectives/collectives.h"
#include "parallel/data/data_parallel.h"

typedef struct Squares {
    Tensor range;
    const Region *region;
    double sum;
} Squares;

/* What several ranks hold counts on the first of them. */
static void square(const Parameter *p, int64_t in_parameter, int64_t in_range, int64_t count, void *context)
{
    Squares *s = context;
    if ((p->cut == CUT_NONE && s->region->rank > 0) || p->copy_of) return;
    int64_t shared = parameter_first_shared(p, s->region->size);
    if (shared == p->columns || s->region->rank % p->sharing == 0) {
        s->sum += tensor_sum_of_squares(tensor_view(s->range, in_range, count));
        return;
    }
    for (int64_t i = 0, left; i < count; i += left) { /* row by row */
        int64_t column = (in_parameter + i) % p->columns;
        left = p->columns - column < count - i ? p->columns - column : count - i;
        int64_t own = shared - column < left ? shared - column : left;
        if (own > 0) s->sum += tensor_sum_of_squares(tensor_view(s->range, in_range + i, own));
    }
}

double data_parallel_block_squares(const DataParallel *d, const Domain *domain, int rank)
{
    Squares squares = {.region = &d->gpt->region};
    for (int i = domain->units - 1; i >= 0; i--) {
        const DomainUnit *u = &d->unit[domain->unit[i]];
        int64_t count = u->padded / domain->groups.group->size, offset = rank * count;
        if (count == 0) continue;
        squares.range = d->shard_gradients ? domain_shard(u, domain->gradients)
                                           : tensor_view(domain_whole(u, domain->gradients), offset, count);
        device_begin_one(d->device, tensor_squares_work(squares.range));
        gpt_each_parameter(d->gpt, domain->unit[i], offset, count, square, &squares);
        device_end_one(d->device);
    }
    return squares.sum;
}

double data_parallel_whole_squares(const DataParallel *d, const Domain *domain)
{
    double sum = 0;
    for (int r = 0; r < domain->groups.group->size; r++) sum += data_parallel_block_squares(d, domain, r);
    return sum;
}

double data_parallel_sum_of_squares(const DataParallel *d, bool parts)
{
    double sum = 0;
    for (int i = 0; i < d->domains; i++) {
        const Domain *domain = &d->domain[i];
        if ((domain->groups.others != NULL) != parts) continue;
        double squares = d->ops->sum_of_squares(d, domain);
        if (domain->groups.others)
            squares = sum_in_rank_order(domain->groups.others, ZERO_NORM, d->device, squares);
        sum += squares;
    }
    return sum;
}
