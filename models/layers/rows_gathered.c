/* rows_gathered.c - all tokens to all ranks, and sums of their parts back. */
#include "models/layers/rows_gathered.h"
#include "models/layers/experts_kept.h"
#include "models/machine/tensor_values.h"

/* ---- all ranks' ---- */

/* Room for a tensor's of each rank. */
static Tensor all_new(const BlockRun *run, Tensor mine, MemoryCategory category)
{
    return tensor_new(mine.device, category, mine.dtype, run->dispatch->size * mine.count);
}

/* This rank's of all. */
static Tensor own(const BlockRun *run, Tensor all)
{
    int64_t count = all.count / run->dispatch->size;
    return tensor_view(all, run->dispatch->rank * count, count);
}

static void end(const BlockRun *run, RowsMoving *m)
{
    if (m->moving) run->dispatch->ops->end(m->moving);
    m->moving = NULL;
}

/* Begins; and, where nothing is beside it, has ended. */
static void move(const BlockRun *run, RowsMoving *m, void *(*begin)(void *context, Tensor all))
{
    m->moving = begin(run->dispatch->context, m->in);
    if (!run->dispatch->overlap) end(run, m);
}

static void gather_now(const BlockRun *run, Tensor all)
{
    const Dispatch *d = run->dispatch;
    d->ops->end(d->ops->gather(d->context, all));
}

static void scatter_now(const BlockRun *run, Tensor all)
{
    const Dispatch *d = run->dispatch;
    d->ops->end(d->ops->scatter(d->context, all));
}

/* ---- where rows are ---- */

static Permutation places_of(const BlockRun *run, const ExpertRows *r, Tensor told, MemoryCategory kept)
{
    const Dispatch *d = run->dispatch;
    Tensor here = tensor_new(told.device, MEM_WORKSPACE, INT32, told.count),
           taken = tensor_new(told.device, MEM_WORKSPACE, UINT8, told.count);
    choices_here(told, dispatch_first(d, run->shape->experts.count), r->experts, here, taken);
    Permutation p =
        permutation_of_choices(here, taken, run->shape->experts.top_k, r->experts, r->counts, kept);
    tensor_free(&here);
    tensor_free(&taken);
    return p;
}

void gathered_places(const BlockRun *run, ExpertRows *r, MemoryCategory kept, BranchSaved *s)
{
    Tensor told = all_new(run, s->kept[EXPERTS_CHOSEN], MEM_WORKSPACE);
    r->all_gates = s->kept[EXPERTS_ALL_GATES] = all_new(run, s->kept[EXPERTS_GATES], kept);
    choices_told(&r->sent, s->kept[EXPERTS_CHOSEN], own(run, told));
    tensor_copy(own(run, r->all_gates), s->kept[EXPERTS_GATES]);
    gather_now(run, told);
    gather_now(run, r->all_gates);
    r->come = places_of(run, r, told, kept);
    s->kept[EXPERTS_PLACES] = r->come.row;
    tensor_free(&told);
}

void gathered_places_again(const BlockRun *run, ExpertRows *r, BranchSaved *s)
{
    r->come = (Permutation){.tokens = run->dispatch->size * r->sent.tokens,
                            .choices = r->sent.choices,
                            .rows = r->rows,
                            .row = s->kept[EXPERTS_PLACES]};
    r->all_gates = s->kept[EXPERTS_ALL_GATES];
}

/* ---- forward ---- */

RowsMoving gathered_begin(const BlockRun *run, Tensor whole)
{
    RowsMoving m = {.in = all_new(run, whole, MEM_WORKSPACE)};
    tensor_copy(own(run, m.in), whole);
    move(run, &m, run->dispatch->ops->gather);
    return m;
}

Tensor gathered_dispatch_end(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, RowsMoving *m)
{
    int64_t C = run->shape->hidden;
    end(run, m);
    Tensor rows = expert_rows_room(r, m->in, kept, C);
    permute_forward(&r->come, m->in, expert_rows_used(r, rows), C);
    tensor_free(&m->in);
    return rows;
}

Tensor gathered_combine(const BlockRun *run, const ExpertRows *r, Tensor results, real beta, Tensor part)
{
    Tensor sums = all_new(run, part, MEM_WORKSPACE);
    combine_forward(&r->come, expert_rows_used(r, results), r->all_gates, 0, sums, run->shape->hidden);
    scatter_now(run, sums);
    if (beta == 0)
        tensor_copy(part, own(run, sums));
    else
        tensor_add(part, own(run, sums), WORK_ACCUMULATE);
    tensor_free(&sums);
    return results;
}

/* ---- backward ---- */

Tensor gathered_combine_backward_end(const BlockRun *run, const ExpertRows *r, RowsMoving *m)
{
    Tensor used = expert_rows_used(r, m->results), dgates = all_new(run, m->dgates, MEM_WORKSPACE);
    end(run, m);
    combine_backward(&r->come, m->in, used, r->all_gates, used, dgates, run->shape->hidden);
    tensor_free(&m->in);
    scatter_now(run, dgates);
    tensor_copy(m->dgates, own(run, dgates));
    tensor_free(&dgates);
    return m->results;
}

RowsMoving gathered_dispatch_backward_begin(const BlockRun *run, const ExpertRows *r, Tensor drows)
{
    int64_t C = run->shape->hidden;
    RowsMoving m = {.in = tensor_new(drows.device, MEM_WORKSPACE, drows.dtype, r->come.tokens * C)};
    permute_backward(&r->come, expert_rows_used(r, drows), m.in, C);
    tensor_free(&drows);
    move(run, &m, run->dispatch->ops->scatter);
    return m;
}

void gathered_dispatch_backward_end(const BlockRun *run, RowsMoving *m, Tensor dwhole)
{
    end(run, m);
    tensor_copy(dwhole, own(run, m->in));
    tensor_free(&m->in);
}
