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
#include "parallel/collectives/shared_tensor.h"
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

/* A unit that is here whole for a moment, and travels in it. */
static Tensor moment_new(const DataParallel *d, const DomainUnit *u, DType dtype)
{
    return shared_tensor_new(u->domain->groups.group, d->device, MEM_COMMUNICATION, dtype, u->padded);
}

static void moment_free(const DomainUnit *u, Tensor *t)
{
    shared_tensor_free(u->domain->groups.group, t);
}

/* The one that forward comes to first. */
static int bucket_first(const Bucket *b)
{
    return b->unit[b->units - 1];
}

/* ---- parameters ---- */

/* Of the bucket's units each is there whole, with this rank's block in its place. */
static void gather_begin(DataParallel *d, Bucket *b)
{
    Tensor *part = allocate((size_t)b->units * sizeof *part);
    for (int i = 0; i < b->units; i++) part[i] = d->unit[b->unit[i]].weights;
    transfer_begin(&b->gathering, &(TransferOptions){.group = b->domain->groups.group,
                                                     .purpose = ZERO_ALL_GATHER,
                                                     .movement = ALL_GATHER,
                                                     .quantized = d->config.quantize & QUANTIZE_PARAMETERS,
                                                     .gpt = d->gpt,
                                                     .unit = b->unit,
                                                     .parts = b->units,
                                                     .part = part});
    free(part);
    under_way(d, &b->gathering);
}

/* zero3: a unit, which is a bucket of its own, in a buffer for as long as it is used. */
static void fetch(DataParallel *d, int unit)
{
    DomainUnit *u = &d->unit[unit];
    int64_t offset, count;
    if (!d->shard_parameters || u->weights.device) return;
    domain_owned(u, &offset, &count);
    u->weights = moment_new(d, u, d->gpt->dtype);
    tensor_copy(tensor_view(u->weights, offset, count), domain_shard(u, u->domain->parameters));
    gather_begin(d, u->bucket);
}

static Tensor need(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    (void)microbatch;
    fetch(d, unit);
    end(d, &d->unit[unit].bucket->gathering);
    return d->unit[unit].weights;
}

static void prefetch(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    (void)microbatch;
    if (d->config.overlap) fetch(d, unit);
}

static void done(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    (void)microbatch;
    if (d->shard_parameters) moment_free(&d->unit[unit], &d->unit[unit].weights);
}

/* zero1 and zero2: the updated blocks go to everybody, first those that forward needs first. */
static void unshard(DataParallel *d)
{
    bool waits = d->config.gather == GATHER_STEP || !d->config.overlap;
    for (int u = 0; u < d->gpt->units; u++) {
        Bucket *b = d->unit[u].bucket;
        if (!b || u != bucket_first(b)) continue;
        gather_begin(d, b);
        if (waits) end(d, &b->gathering);
    }
    d->stale = false;
}

/* ---- gradients ---- */

/* Where a bucket's ring finds and leaves a unit's gradient. */
static Tensor travelling(const DataParallel *d, const Bucket *b, const DomainUnit *u)
{
    if (!b->wide.device) return u->gradients;
    return tensor_view(b->wide, u->offset - d->unit[bucket_first(b)].offset, u->padded);
}

/* Ends a bucket's ring; with sharded gradients this rank's blocks join its shards. */
static void bucket_end(DataParallel *d, Bucket *b)
{
    if (!b->reducing.ring.group) return;
    end(d, &b->reducing);
    for (int i = b->units - 1; i >= 0; i--) {
        DomainUnit *u = &d->unit[b->unit[i]];
        Tensor sum = travelling(d, b, u);
        int64_t offset, count;
        domain_owned(u, &offset, &count);
        if (d->shard_gradients) {
            Tensor shard = domain_shard(u, b->domain->gradients);
            shard.blank = u->blank;
            tensor_add(shard, tensor_view(sum, offset, count), WORK_ACCUMULATE);
            u->blank = false;
            moment_free(u, &u->gradients);
        } else if (b->wide.device) {
            tensor_convert(u->gradients, sum);
        }
    }
    shared_tensor_free(b->domain->groups.group, &b->wide);
}

static Tensor gradient_begin(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    DomainUnit *u = &d->unit[unit];
    (void)microbatch;
    if (!d->shard_gradients) return data_parallel_whole_gradient(d, unit);
    bucket_end(d, u->bucket); /* the microbatch before may still be on its way */
    u->gradients = moment_new(d, u, d->gradient_dtype);
    return domain_blank(tensor_blank(u->gradients), d->gpt->unit[unit].count);
}

static void bucket_begin(DataParallel *d, Bucket *b)
{
    const DomainUnit *first = &d->unit[bucket_first(b)], *last = &d->unit[b->unit[0]];
    Tensor *part = allocate((size_t)b->units * sizeof *part);
    if (data_parallel_widens(d))
        b->wide = shared_tensor_new(b->domain->groups.group, d->device, MEM_COMMUNICATION, REAL,
                                    last->offset + last->padded - first->offset);
    for (int i = 0; i < b->units; i++) {
        const DomainUnit *u = &d->unit[b->unit[i]];
        part[i] = travelling(d, b, u);
        if (b->wide.device) tensor_convert(part[i], u->gradients);
    }
    bool all = !d->shard_optimizer;
    transfer_begin(&b->reducing, &(TransferOptions){.group = b->domain->groups.group,
                                                    .purpose = all ? DP_ALL_REDUCE : ZERO_REDUCE_SCATTER,
                                                    .movement = all ? ALL_REDUCE : REDUCE_SCATTER,
                                                    .quantized = d->config.quantize & QUANTIZE_GRADIENTS,
                                                    .gpt = d->gpt,
                                                    .unit = b->unit,
                                                    .parts = b->units,
                                                    .part = part});
    free(part);
    under_way(d, &b->reducing);
    b->domain->sent = b;
}

static void gradient_ready(void *context, int microbatch, int unit)
{
    DataParallel *d = context;
    Bucket *b = d->unit[unit].bucket;
    bool reduces = d->shard_gradients || microbatch == d->microbatches - 1; /* else accumulate first */
    if (reduces) d->complete(d->gpt, unit, d->unit[unit].gradients);
    if (++b->ready < b->units) return;
    b->ready = 0;
    if (!reduces) return;
    /* sharded gradients: of a domain at most one bucket travels while the next one fills */
    if (d->shard_gradients && b->domain->sent) bucket_end(d, b->domain->sent);
    bucket_begin(d, b);
    if (!d->config.overlap) bucket_end(d, b);
}

static void reduce(DataParallel *d, double *losses, int count)
{
    (void)losses, (void)count;
    for (int u = d->gpt->units - 1; u >= 0; u--) {
        Bucket *b = d->unit[u].bucket;
        if (b && u == bucket_first(b)) bucket_end(d, b); /* in the order they began */
    }
}

/* Each rank squares what it owns. */
static double sum_of_squares(const DataParallel *d, const Domain *domain)
{
    Group *group = domain->groups.group;
    if (!d->shard_optimizer) return data_parallel_whole_squares(d, domain);
    return sum_in_rank_order(group, ZERO_NORM, d->device,
                             data_parallel_block_squares(d, domain, group->rank));
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
