/* zero.c - what each ZeRO stage shards, and when it moves; DDP is the stage
 * that shards nothing.
 *
 * A unit's gradient is complete when backward leaves the unit; when all units
 * of a bucket are, the bucket's ring begins:
 *
 *   ddp    in the last microbatch: all-reduce, in place
 *   zero1  in the last microbatch: reduce-scatter, in place; each rank goes on with its block,
 *          and blocks are gathered as the step ends, or as the next begins, beside its forward
 *   zero2  in every microbatch: reduce-scatter of a gradient that exists only from the unit's
 *          backward to its ring's end; each rank adds its block to its shard; or once, as zero1
 *   zero3  the same, unit by unit; and a unit's parameters exist only while in use
 */
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/data/data_parallel.h"

/* Called between kernels: moves every ring on that is under way. */
static void progress(void *context)
{
    DataParallel *d = context;
    if (d->progressing) return;
    d->progressing = true;
    for (int i = 0; i < d->transfers; i++) ring_progress(&d->moving[i]->ring);
    d->progressing = false;
}

/* One has begun. What is dry has nothing to hide its rings behind: they move when they are waited for, and neither bytes,
 * memory nor simulated time know when. */
static void under_way(DataParallel *d, Transfer *transfer)
{
    d->moving[d->transfers++] = transfer;
    if (d->device->dry || d->transfers > 1) return;
    d->between.call = progress;
    d->between.context = d;
    device_between(d->device, &d->between);
}

static void end(DataParallel *d, Transfer *transfer)
{
    if (!transfer->ring.group) return;
    transfer_end(transfer);
    Transfer **at = d->moving, **after = d->moving + d->transfers--;
    while (*at != transfer) at++;
    memmove(at, at + 1, (size_t)(after - at - 1) * sizeof(Transfer *));
    if (!d->device->dry && d->transfers == 0) device_between_end(d->device, &d->between);
}

/* ---- parameters ---- */

static void gather_parts(DataParallel *d, Transfer *transfer, int last, const Tensor *part, int parts)
{
    transfer_begin(transfer, &(TransferOptions){.group = d->group,
                                                .purpose = ZERO_ALL_GATHER,
                                                .movement = ALL_GATHER,
                                                .quantized = d->config.quantize & QUANTIZE_PARAMETERS,
                                                .gpt = d->gpt,
                                                .last = last,
                                                .parts = parts,
                                                .part = part});
}

/* Begins to gather a unit's parameters: a whole buffer with this rank's shard in its place. */
static void gather_begin(DataParallel *d, int unit)
{
    Tensor *weights = &d->unit_weights[unit];
    int64_t offset, count;
    data_parallel_owned(d, unit, &offset, &count);
    *weights = tensor_new(d->device, MEM_COMMUNICATION, d->gpt->dtype, d->padded[unit]);
    tensor_copy(tensor_view(*weights, offset, count), data_parallel_shard(d, d->parameters, unit));
    gather_parts(d, &d->gathering[unit], unit, weights, 1);
    under_way(d, &d->gathering[unit]);
}

static Tensor need(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    (void)microbatch;
    if (d->shard_parameters && !d->unit_weights[unit].device) gather_begin(d, unit);
    end(d, &d->gathering[d->shard_parameters ? unit : d->bucket[d->bucket_of[unit]].last]);
    return d->unit_weights[unit];
}

static void prefetch(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    (void)microbatch;
    if (d->shard_parameters && d->config.overlap && !d->unit_weights[unit].device) gather_begin(d, unit);
}

static void done(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    (void)microbatch;
    if (d->shard_parameters) tensor_free(&d->unit_weights[unit]);
}

/* zero1 and zero2: the updated blocks go to everybody, first those that forward needs first. */
static void unshard(DataParallel *d)
{
    bool waits = d->config.gather == GATHER_STEP || !d->config.overlap;
    int units = d->gpt->units;
    Tensor *part = allocate((size_t)units * sizeof *part);
    for (int i = d->buckets - 1; i >= 0; i--) {
        Bucket *b = &d->bucket[i];
        int parts = 0;
        for (int u = b->last; u >= b->first; u--) part[parts++] = data_parallel_whole(d, d->parameters, u);
        gather_parts(d, &d->gathering[b->last], b->last, part, parts);
        under_way(d, &d->gathering[b->last]);
        if (waits) end(d, &d->gathering[b->last]);
    }
    free(part);
    d->stale = false;
}

/* ---- gradients ---- */

/* Where a bucket's ring finds and leaves a unit's gradient. */
static Tensor travelling(const DataParallel *d, const Bucket *b, int unit)
{
    if (!b->wide.device) return d->unit_gradients[unit];
    return tensor_view(b->wide, d->offset[unit] - d->offset[b->first], d->padded[unit]);
}

/* Ends a bucket's ring; with sharded gradients this rank's blocks join its shards. */
static void bucket_end(DataParallel *d, Bucket *b)
{
    if (!b->transfer.ring.group) return;
    end(d, &b->transfer);
    for (int u = b->first; u <= b->last; u++) {
        Tensor *gradients = &d->unit_gradients[u], sum = travelling(d, b, u);
        int64_t offset, count;
        data_parallel_owned(d, u, &offset, &count);
        if (d->shard_gradients) {
            tensor_add(data_parallel_shard(d, d->gradients, u), tensor_view(sum, offset, count),
                       WORK_ACCUMULATE);
            tensor_free(gradients);
        } else if (b->wide.device) {
            tensor_convert(*gradients, sum);
        }
    }
    tensor_free(&b->wide);
}

static Tensor gradient_begin(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    (void)microbatch;
    if (d->shard_gradients) {
        bucket_end(d, &d->bucket[d->bucket_of[unit]]); /* the microbatch before may still be on its way */
        d->unit_gradients[unit] =
            tensor_new(d->device, MEM_COMMUNICATION, d->gradient_dtype, d->padded[unit]);
        tensor_zero(d->unit_gradients[unit]);
    }
    return d->unit_gradients[unit];
}

static void bucket_begin(DataParallel *d, Bucket *b)
{
    int parts = 0;
    Tensor *part = allocate((size_t)(b->last - b->first + 1) * sizeof *part);
    if (data_parallel_widens(d))
        b->wide = tensor_new(d->device, MEM_COMMUNICATION, REAL,
                             d->offset[b->last] + d->padded[b->last] - d->offset[b->first]);
    for (int u = b->last; u >= b->first; u--) {
        part[parts] = travelling(d, b, u);
        if (b->wide.device) tensor_convert(part[parts], d->unit_gradients[u]);
        parts++;
    }
    bool all = !d->shard_optimizer;
    transfer_begin(&b->transfer, &(TransferOptions){.group = d->group,
                                                    .purpose = all ? DP_ALL_REDUCE : ZERO_REDUCE_SCATTER,
                                                    .movement = all ? ALL_REDUCE : REDUCE_SCATTER,
                                                    .quantized = d->config.quantize & QUANTIZE_GRADIENTS,
                                                    .gpt = d->gpt,
                                                    .last = b->last,
                                                    .parts = parts,
                                                    .part = part});
    free(part);
    under_way(d, &b->transfer);
    d->sent = b;
}

static void gradient_ready(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    Bucket *b = &d->bucket[d->bucket_of[unit]];
    bool reduces = d->shard_gradients || microbatch == d->microbatches - 1; /* else accumulate first */
    if (reduces) d->complete(d->gpt, unit, d->unit_gradients[unit]);
    if (++b->ready <= b->last - b->first) return;
    b->ready = 0;
    if (!reduces) return;
    /* sharded gradients: at most one bucket travels while the next one fills */
    if (d->shard_gradients && d->sent) bucket_end(d, d->sent);
    bucket_begin(d, b);
    if (!d->config.overlap) bucket_end(d, b);
}

static void reduce(DataParallel *d, double *losses, int count)
{
    (void)losses, (void)count;
    for (int i = 0; i < d->buckets; i++) bucket_end(d, &d->bucket[i]);
}

/* Each rank squares what it owns. */
static double sum_of_squares(DataParallel *d)
{
    if (!d->shard_optimizer) return data_parallel_whole_sum_of_squares(d);
    return sum_in_rank_order(d->group, ZERO_NORM, d->device, data_parallel_sum_of_squares(d, d->group->rank));
}

static void tokens(DataParallel *d, int microbatch, Tensor mine)
{
    if (mine.data) d->batch(d->batch_context, d->group->rank, microbatch, ints(mine));
}

const DataParallelOps zero_ops = {
    .hooks = {.need = need,
              .prefetch = prefetch,
              .done = done,
              .gradient_begin = gradient_begin,
              .gradient_ready = gradient_ready},
    .tokens = tokens,
    .unshard = unshard,
    .reduce = reduce,
    .sum_of_squares = sum_of_squares,
};
