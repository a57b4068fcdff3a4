/* tensor_parallel.c - the conjugate pairs of models/layers/region.h as ring collectives. */
#include "parallel/tensor_parallel.h"
#include <stdlib.h>
#include "models/kernels/kernels.h"
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/beside.h"
#include "parallel/collectives/collectives.h"

/* A ring under way. */
typedef struct Moving {
    Collective ring;
    Beside beside;
} Moving;

static void progress(void *moving)
{
    ring_progress(&((Moving *)moving)->ring);
}

static Moving *moving_new(void)
{
    return allocate_zeroed(1, sizeof(Moving));
}

static void moving_end(void *moving)
{
    Moving *m = moving;
    ring_end(&m->ring);
    beside_end(&m->beside);
    free(m);
}

static void *sum(void *group, Tensor t)
{
    Moving *m = moving_new();
    ring_all_reduce_begin(&m->ring, group, TP_ALL_REDUCE, &t, 1);
    return beside_begin(&m->beside, t.device, progress, m);
}

/* A ring over the samples of whole (B, T, C): of each, a block are these values of a rank's rows. */
static void *over_rows(Group *group, bool reduces, Tensor whole, int64_t B, Values values)
{
    int64_t count = whole.count / B;
    Tensor *sample = allocate((size_t)B * sizeof *sample);
    for (int64_t b = 0; b < B; b++)
        sample[b] = tensor_view(whole, b * count + values.first, values.count * group->size);
    Moving *m = moving_new();
    ring_apart_begin(&m->ring, group, reduces ? TP_REDUCE_SCATTER : TP_ALL_GATHER, sample, (int)B,
                     count / group->size, reduces);
    free(sample);
    return beside_begin(&m->beside, whole.device, progress, m);
}

static void *gather_rows(void *group, Tensor whole, int64_t B, Values values)
{
    return over_rows(group, false, whole, B, values);
}

static void *sum_to_rows(void *group, Tensor whole, int64_t B, Values values)
{
    return over_rows(group, true, whole, B, values);
}

static void *gather_all(void *group, Tensor all)
{
    Moving *m = moving_new();
    ring_all_gather_begin(&m->ring, group, TP_CROSS_ENTROPY, &all, 1);
    return beside_begin(&m->beside, all.device, progress, m);
}

static const RegionOps RINGS = {.sum = sum,
                                .gather_rows = gather_rows,
                                .sum_to_rows = sum_to_rows,
                                .gather_all = gather_all,
                                .end = moving_end};

Region tensor_parallel_region(const TensorParallelConfig *config, Group *group, Group *sharing)
{
    return (Region){.size = group->size,
                    .rank = group->rank,
                    .sequence = config->sequence_parallel,
                    .overlap = (RegionOverlap)config->overlap,
                    .pieces = (int)config->pieces,
                    .ops = &RINGS,
                    .context = group,
                    .sharing = sharing};
}

static void sum_parts(Group *group, const Tensor *part, int parts)
{
    Collective ring;
    if (parts == 0) return;
    ring_all_reduce_begin(&ring, group, TP_GRADIENTS, part, parts);
    ring_end(&ring);
}

/* Of what each rank has a part: all that is not cut, or what is partial even so. */
static void sum_uncut(const Gpt *gpt, const Unit *u, Tensor gradients)
{
    Tensor *part = allocate((size_t)u->parameters * sizeof *part);
    int parts = 0;
    for (int i = u->first; i < u->first + u->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        if (p->cut == CUT_NONE && (gpt->region.sequence || p->partial))
            part[parts++] = tensor_view(gradients, p->offset, parameter_count(p));
    }
    sum_parts(gpt->region.context, part, parts);
    free(part);
}

/* They lie in the last columns of each row, and go packed. */
static void sum_shared(const Gpt *gpt, const Unit *u, Tensor gradients)
{
    for (int i = u->first; i < u->first + u->parameters; i++) {
        const Parameter *p = &gpt->parameter[i];
        int64_t first = parameter_first_shared(p, gpt->region.size), columns = p->columns - first;
        if (columns == 0) continue;
        Tensor gradient = tensor_view(gradients, p->offset, parameter_count(p));
        int64_t count = gradient.count / p->columns * columns;
        Tensor packed = tensor_new(gradient.device, MEM_COMMUNICATION, gradient.dtype, count);
        columns_copy(packed, columns, 0, gradient, p->columns, first, columns);
        sum_parts(gpt->region.sharing, &packed, 1);
        columns_copy(gradient, p->columns, first, packed, columns, 0, columns);
        tensor_free(&packed);
    }
}

void tensor_parallel_sum_gradients(const Gpt *gpt, int unit, Tensor gradients)
{
    const Unit *u = &gpt->unit[unit];
    if (gpt->region.size > 1) sum_uncut(gpt, u, gradients);
    if (gpt->region.sharing) sum_shared(gpt, u, gradients);
}

void tensor_parallel_collect(const Parameter *p, Group *group, Tensor mine, Tensor whole)
{
    Tensor slices = {0};
    int ranks = p->cut == CUT_NONE ? 1 : group->size; /* what is not cut is whole on rank 0 */
    if (ranks == 1) {
        if (group->rank == 0) tensor_copy(whole, mine);
        return;
    }
    /* where the whole is: aside, as files are no part of a step's memory */
    if (group->rank == 0) slices = tensor_new(whole.device, MEM_WORKSPACE, REAL, mine.count * ranks);
    gather(group, OUTPUT_GATHER, mine.data, tensor_bytes(mine), slices.data, 0);
    for (int64_t i = 0; i < slices.count && slices.data; i++) {
        int64_t place = parameter_place(p, ranks, (int)(i / mine.count), i % mine.count);
        if (place >= 0) reals(whole)[place] = reals(slices)[i];
    }
    tensor_free(&slices);
}

void tensor_parallel_slice(const Gpt *gpt, const Parameter *p, Tensor whole, Tensor mine)
{
    for (int64_t i = 0; i < mine.count && mine.data; i++) {
        int64_t place = parameter_place(p, gpt->region.size, gpt->region.rank, i);
        reals(mine)[i] = place >= 0 ? reals(whole)[place] : 0;
    }
}
