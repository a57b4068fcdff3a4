/* classic.c - dp: the single-process DataParallel of PyTorch, on ranks.
 *
 * The main rank (0) owns the batch and the optimizer. Each step: parameters are
 * broadcast, inputs scattered, every rank computes, losses are gathered and
 * gradients summed back on the main rank, which alone takes the step. */
#include <stdlib.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/data/data_parallel.h"

/* Parameters and gradients are whole all the time. */
static Tensor weights(void *context, int microbatch, int unit)
{
    (void)microbatch;
    return ((DataParallel *)context)->unit[unit].weights;
}

static Tensor gradients(void *context, int microbatch, int unit)
{
    (void)microbatch;
    return data_parallel_whole_gradient(context, unit);
}

static void nothing(void *context, int microbatch, int unit)
{
    (void)context, (void)microbatch, (void)unit;
}

static void tokens(DataParallel *d, int microbatch, Tensor mine)
{
    Tensor all = {0};
    if (d->group->rank == 0) {
        all = tensor_new(d->device, MEM_COMMUNICATION, INT32, mine.count * d->group->size);
        for (int r = 0; r < d->group->size && all.data; r++)
            d->batch(d->batch_context, r, microbatch, ints(all) + r * mine.count);
    }
    scatter(d->group, DP_SCATTER, all.data, tensor_bytes(mine), mine.data, 0);
    tensor_free(&all);
}

static void unshard(DataParallel *d)
{
    for (int i = 0; i < d->domains; i++) {
        const Domain *domain = &d->domain[i];
        tree_broadcast(domain->groups.group, DP_BROADCAST, domain->parameters.data,
                       tensor_bytes(domain->parameters), 0);
    }
}

static void reduce(DataParallel *d, double *losses, int count)
{
    int n = d->group->size;
    double *all = d->group->rank == 0 ? allocate((size_t)(n * count) * sizeof *all) : NULL;
    gather(d->group, DP_GATHER, losses, (size_t)count * sizeof *losses, all, 0);
    for (int i = 0; i < count; i++) { /* the main rank has them all now, the others none */
        losses[i] = 0;
        for (int r = 0; all && r < n; r++) losses[i] += all[r * count + i];
    }
    free(all);
    for (int u = d->gpt->units - 1; u >= 0; u--)
        if (d->gpt->unit[u].held) d->complete(d->gpt, u, d->unit[u].gradients);
    for (int u = d->gpt->units - 1; u >= 0; u--) {
        const Domain *domain = d->unit[u].domain;
        Tensor gradient = domain_whole(&d->unit[u], domain->gradients), sum = gradient;
        if (data_parallel_widens(d)) {
            sum = tensor_new(d->device, MEM_COMMUNICATION, REAL, gradient.count);
            tensor_convert(sum, gradient);
        }
        tree_reduce(domain->groups.group, DP_REDUCE, sum, 0);
        if (!data_parallel_widens(d)) continue;
        tensor_convert(gradient, sum);
        tensor_free(&sum);
    }
}

static double sum_of_squares(const DataParallel *d, const Domain *domain)
{
    return domain->updates ? data_parallel_whole_squares(d, domain) : 0;
}

const DataParallelOps classic_ops = {
    .hooks = {.need = weights,
              .prefetch = nothing,
              .done = nothing,
              .gradient_begin = gradients,
              .gradient_ready = nothing},
    .tokens = tokens,
    .unshard = unshard,
    .reduce = reduce,
    .sum_of_squares = sum_of_squares,
};
