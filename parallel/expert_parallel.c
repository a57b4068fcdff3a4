/* expert_parallel.c - the dispatch as all-to-alls, or as rings. */
#include "parallel/expert_parallel.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/collectives/all_to_all.h"
#include "parallel/collectives/beside.h"
#include "parallel/collectives/collectives.h"

static Purpose purpose_of(Passage passage)
{
    return passage == TO_EXPERTS ? MOE_DISPATCH : MOE_COMBINE;
}

static void counts(void *group, Device *device, int64_t each, int32_t *counts)
{
    counts_exchange(group, MOE_COUNTS, device, (int)each, counts);
}

/* ---- under way ---- */

typedef struct Moving {
    AllToAll rows;
    Collective ring; /* one of both */
    bool rings;
    Beside beside;
} Moving;

static void progress(void *moving)
{
    Moving *m = moving;
    if (m->rings)
        ring_progress(&m->ring);
    else
        all_to_all_progress(&m->rows);
}

static void moving_end(void *moving)
{
    Moving *m = moving;
    if (m->rings)
        ring_end(&m->ring);
    else
        all_to_all_end(&m->rows);
    beside_end(&m->beside);
    free(m);
}

/* ---- rows ---- */

/* Under an even load, which a dry run has, each may have as many for each: then its ranks do the same. */
static RowCounts counts_of(int n, const int64_t *rows, Passage passage)
{
    for (int i = 1; i < n * n; i++)
        if (rows[i] != rows[0]) return (RowCounts){.rows = rows, .turned = passage == TO_TOKENS};
    return (RowCounts){.each = rows[0]};
}

static void *exchange(void *context, Passage passage, Tensor out, Tensor in, int64_t width,
                      const int64_t *rows)
{
    Group *group = context;
    Moving *m = allocate_zeroed(1, sizeof *m);
    all_to_all_begin(&m->rows, group, purpose_of(passage), out, in, width,
                     counts_of(group->size, rows, passage));
    return beside_begin(&m->beside, out.device, progress, m);
}

/* ---- all tokens ---- */

static void *gather_all(void *group, Tensor all)
{
    Moving *m = allocate_zeroed(1, sizeof *m);
    m->rings = true;
    ring_all_gather_begin(&m->ring, group, MOE_DISPATCH, &all, 1);
    return beside_begin(&m->beside, all.device, progress, m);
}

static void *scatter_all(void *group, Tensor all)
{
    Moving *m = allocate_zeroed(1, sizeof *m);
    m->rings = true;
    ring_reduce_scatter_begin(&m->ring, group, MOE_COMBINE, &all, 1);
    return beside_begin(&m->beside, all.device, progress, m);
}

static const DispatchOps COLLECTIVES = {
    .counts = counts, .exchange = exchange, .gather = gather_all, .scatter = scatter_all, .end = moving_end};

Dispatch expert_parallel_dispatch(const ExpertParallelConfig *config, Group *group)
{
    if (!group) return (Dispatch){.size = 1};
    return (Dispatch){.size = group->size,
                      .rank = group->rank,
                      .way = (DispatchWay)config->way,
                      .overlap = config->overlap,
                      .ops = &COLLECTIVES,
                      .context = group};
}
