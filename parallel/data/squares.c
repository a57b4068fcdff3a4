/* squares.c - the squared length of a gradient that lies in blocks on many ranks, each of its values counted once. */
#include "models/machine/tensor_values.h"
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

double data_parallel_sum_of_squares(DataParallel *d, int rank)
{
    Squares squares = {.region = &d->gpt->region};
    for (int u = 0; u < d->gpt->units; u++) {
        int64_t count = d->padded[u] / d->group->size, offset = rank * count;
        if (count == 0) continue; /* another stage's */
        squares.range = d->shard_gradients
                            ? data_parallel_shard(d, d->gradients, u)
                            : tensor_view(data_parallel_whole(d, d->gradients, u), offset, count);
        device_begin_one(d->device, tensor_squares_work(squares.range));
        gpt_each_parameter(d->gpt, u, offset, count, square, &squares);
        device_end_one(d->device);
    }
    return squares.sum;
}

double data_parallel_whole_sum_of_squares(DataParallel *d)
{
    double sum = 0;
    for (int r = 0; r < d->group->size; r++) sum += data_parallel_sum_of_squares(d, r);
    return sum;
}
