/* expert_rows.c - where rows lie, and their four ways. */
#include "models/layers/expert_rows.h"
#include <stdlib.h>
#include <string.h>
#include "models/layers/experts_kept.h"
#include "models/layers/routing.h"
#include "models/layers/rows_gathered.h"
#include "models/machine/error.h"

/* ---- which there are ---- */

static Permutation sent_of(const BlockRun *run, BranchSaved *s, const int64_t *counts)
{
    Permutation p = {
        .tokens = block_rows(run), .choices = run->shape->experts.top_k, .row = s->kept[EXPERTS_ROW]};
    for (int64_t e = 0; e < run->shape->experts.count; e++) p.rows += counts[e];
    return p;
}

/* Of each rank for each other; where all have the same each row is as the first. */
static void count_between(const Dispatch *d, int64_t E, const RoutingCounts *all, ExpertRows *r)
{
    r->between = allocate_zeroed((size_t)d->size * (size_t)d->size, sizeof *r->between);
    for (int i = 0; i < d->size; i++) {
        int64_t *row = r->between + (size_t)i * (size_t)d->size;
        const int64_t *counts = routing_counts_of(all, i);
        if (i > 0 && all->apart == 0)
            memcpy(row, r->between, (size_t)d->size * sizeof *row);
        else
            for (int64_t e = 0; e < E; e++) row[e / r->experts] += counts[e];
    }
}

/* The places of what arrives aside. */
static ExpertRows rows_of(const BlockRun *run, BranchSaved *s)
{
    const Dispatch *d = run->dispatch;
    int64_t E = run->shape->experts.count;
    RoutingCounts all = routing_counts(run, s->kept[EXPERTS_COUNTS]);
    ExpertRows r = {.experts = dispatch_held(d, E), .home = routing_room(run->shape, run->B)};
    r.sent = sent_of(run, s, routing_counts_of(&all, d->rank));
    r.counts = allocate_zeroed((size_t)r.experts, sizeof *r.counts);
    for (int i = 0; i < d->size; i++) {
        const int64_t *counts = routing_counts_of(&all, i) + dispatch_first(d, E);
        for (int64_t e = 0; e < r.experts; e++) r.counts[e] += counts[e];
    }
    for (int64_t e = 0; e < r.experts; e++) r.rows += r.counts[e];
    r.room = routing_room_here(run, r.rows);
    if (d->size > 1) count_between(d, E, &all, &r);
    free(all.rows);
    return r;
}

static bool gathers(const BlockRun *run)
{
    return run->dispatch->size > 1 && run->dispatch->way == DISPATCH_ALL_GATHER;
}

bool expert_rows_return(const BlockRun *run, const ExpertRows *r)
{
    return r->between && !gathers(run);
}

/* Rows of one expert are in order as they arrive. */
static bool is_sorted(const ExpertRows *r)
{
    return !r->between || r->experts == 1;
}

/* Of each rank for each expert here. */
static int64_t *arriving(const BlockRun *run, const ExpertRows *r, BranchSaved *s)
{
    const Dispatch *d = run->dispatch;
    RoutingCounts all = routing_counts(run, s->kept[EXPERTS_COUNTS]);
    const size_t each = (size_t)r->experts;
    int64_t *here = allocate((size_t)d->size * each * sizeof *here);
    for (int i = 0; i < d->size; i++)
        memcpy(here + (size_t)i * each,
               routing_counts_of(&all, i) + dispatch_first(d, run->shape->experts.count),
               each * sizeof *here);
    free(all.rows);
    return here;
}

static void tell(const Dispatch *d, const ExpertRows *r, double *to)
{
    for (int j = 0; j < d->size && to; j++) {
        if (j == d->rank) continue;
        to[ROUTING_SENT] += (double)r->between[d->rank * d->size + j];
        to[ROUTING_RECEIVED] += (double)r->between[j * d->size + d->rank];
    }
}

ExpertRows expert_rows_new(const BlockRun *run, MemoryCategory kept, BranchSaved *s)
{
    const Dispatch *d = run->dispatch;
    Tensor counts = s->kept[EXPERTS_COUNTS];
    if (d->size > 1) {
        d->ops->counts(d->context, counts.device, dispatch_held(d, run->shape->experts.count), ints(counts));
        lanes_meet(&counts.device->lanes); /* as where sizes are first known (routing.c) */
    }
    ExpertRows r = rows_of(run, s);
    if (r.between) tell(d, &r, routing_row(run, counts));
    if (gathers(run)) gathered_places(run, &r, kept, s);
    if (gathers(run) || is_sorted(&r)) return r;
    int64_t *each = arriving(run, &r, s);
    r.come = permutation_of_received(counts.device, d->size, r.experts, each, r.room, kept);
    s->kept[EXPERTS_PLACES] = r.come.row;
    r.come.row = tensor_view(r.come.row, 0, r.rows);
    free(each);
    return r;
}

ExpertRows expert_rows_again(const BlockRun *run, BranchSaved *s)
{
    ExpertRows r = rows_of(run, s);
    Tensor places = s->kept[EXPERTS_PLACES]; /* for which there is room as for rows */
    if (gathers(run)) {
        gathered_places_again(run, &r, s);
        return r;
    }
    if (!is_sorted(&r)) places = tensor_view(places, 0, r.rows);
    r.come = (Permutation){.tokens = r.rows, .choices = 1, .rows = r.rows, .row = places};
    return r;
}

void expert_rows_free(ExpertRows *r)
{
    free(r->counts);
    free(r->between);
}

/* ---- their tensors ---- */

static Tensor home_room(const BlockRun *run, const ExpertRows *r, Tensor like, MemoryCategory category)
{
    return tensor_new(like.device, category, like.dtype, r->home * run->shape->hidden);
}

/* Rows of whole tokens, of those here. */
static Tensor home_used(const BlockRun *run, const ExpertRows *r, Tensor rows)
{
    return tensor_view(rows, 0, r->sent.rows * run->shape->hidden);
}

/* A new tensor with the tokens' rows, by expert. */
static Tensor packed(const BlockRun *run, const ExpertRows *r, Tensor whole)
{
    Tensor rows = home_room(run, r, whole, MEM_WORKSPACE);
    permute_forward(&r->sent, whole, home_used(run, r, rows), run->shape->hidden);
    return rows;
}

/* Takes over rows as they arrived; a new tensor of `category`, by expert. */
static Tensor sorted(const BlockRun *run, const ExpertRows *r, MemoryCategory category, Tensor arrived)
{
    if (is_sorted(r)) return arrived;
    int64_t C = run->shape->hidden;
    Tensor rows = expert_rows_room(r, arrived, category, C);
    permute_forward(&r->come, expert_rows_used(r, arrived), expert_rows_used(r, rows), C);
    tensor_free(&arrived);
    return rows;
}

/* And back. */
static Tensor unsorted(const BlockRun *run, const ExpertRows *r, Tensor rows)
{
    if (is_sorted(r)) return rows;
    int64_t C = run->shape->hidden;
    Tensor leaving = expert_rows_room(r, rows, MEM_WORKSPACE, C);
    permute_backward(&r->come, expert_rows_used(r, rows), expert_rows_used(r, leaving), C);
    tensor_free(&rows);
    return leaving;
}

/* ---- between ranks ---- */

/* What went is free. */
static void arrive(const BlockRun *run, RowsMoving *m)
{
    if (m->moving) run->dispatch->ops->end(m->moving);
    m->moving = NULL;
    tensor_free(&m->out);
}

/* Takes over what leaves; `category`: of what arrives. */
static RowsMoving leave(const BlockRun *run, const ExpertRows *r, Passage passage, MemoryCategory category,
                        Tensor out)
{
    const Dispatch *d = run->dispatch;
    bool back = passage == TO_TOKENS;
    RowsMoving m = {.out = out};
    m.in = back ? home_room(run, r, out, category) : expert_rows_room(r, out, category, run->shape->hidden);
    Tensor here = expert_rows_used(r, back ? out : m.in), home = home_used(run, r, back ? m.in : out);
    m.moving = d->ops->exchange(d->context, passage, back ? here : home, back ? home : here,
                                run->shape->hidden, r->between);
    if (!d->overlap) arrive(run, &m);
    return m;
}

/* ---- forward ---- */

RowsMoving dispatch_begin(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, Tensor whole)
{
    if (!r->between) return (RowsMoving){.moving = NULL};
    if (gathers(run)) return gathered_begin(run, whole);
    return leave(run, r, TO_EXPERTS, is_sorted(r) ? kept : MEM_WORKSPACE, packed(run, r, whole));
}

Tensor dispatch_end(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, Tensor whole,
                    RowsMoving *m)
{
    if (gathers(run)) return gathered_dispatch_end(run, r, kept, m);
    if (!r->between) return packed(run, r, whole);
    arrive(run, m);
    return sorted(run, r, kept, m->in);
}

Tensor combine(const BlockRun *run, const ExpertRows *r, MemoryCategory kept, Tensor results, Tensor gates,
               real beta, Tensor part)
{
    if (gathers(run)) return gathered_combine(run, r, results, beta, part);
    if (r->between) {
        RowsMoving m = leave(run, r, TO_TOKENS, kept, unsorted(run, r, results));
        arrive(run, &m);
        results = m.in;
    }
    combine_forward(&r->sent, home_used(run, r, results), gates, beta, part, run->shape->hidden);
    return results;
}

/* ---- backward ---- */

RowsMoving combine_backward_begin(const BlockRun *run, const ExpertRows *r, Tensor dy, Tensor results,
                                  Tensor gates, Tensor dgates)
{
    if (gathers(run)) {
        RowsMoving m = gathered_begin(run, dy);
        m.results = results, m.dgates = dgates;
        return m;
    }
    Tensor home = home_used(run, r, results);
    combine_backward(&r->sent, dy, home, gates, home, dgates, run->shape->hidden);
    return r->between ? leave(run, r, TO_EXPERTS, MEM_WORKSPACE, results) : (RowsMoving){.in = results};
}

Tensor combine_backward_end(const BlockRun *run, const ExpertRows *r, RowsMoving *m)
{
    if (gathers(run)) return gathered_combine_backward_end(run, r, m);
    arrive(run, m);
    return sorted(run, r, MEM_WORKSPACE, m->in);
}

RowsMoving dispatch_backward_begin(const BlockRun *run, const ExpertRows *r, Tensor drows)
{
    if (gathers(run)) return gathered_dispatch_backward_begin(run, r, drows);
    return r->between ? leave(run, r, TO_TOKENS, MEM_WORKSPACE, unsorted(run, r, drows))
                      : (RowsMoving){.in = drows};
}

void dispatch_backward_end(const BlockRun *run, const ExpertRows *r, RowsMoving *m, Tensor dwhole)
{
    if (gathers(run)) {
        gathered_dispatch_backward_end(run, m, dwhole);
        return;
    }
    arrive(run, m);
    permute_backward(&r->sent, home_used(run, r, m->in), dwhole, run->shape->hidden);
    tensor_free(&m->in);
}
