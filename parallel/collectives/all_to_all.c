/* all_to_all.c - an all-to-all is begun, progressed and ended. */
#include "parallel/collectives/all_to_all.h"
#include <assert.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/collectives/all_to_all_hops.h"
#include "parallel/collectives/all_to_all_shape.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/tape.h"

/* As far as messages have arrived, or to the end. */
static void move(AllToAll *a, bool to_the_end)
{
    while (!a->done) {
        for (; a->at < a->requests; a->at++) {
            Request *request = &a->request[a->at];
            if (to_the_end) comm_finish(request);
            if (!comm_test(request)) return;
            if (request->receives && request->stamp.sent > a->start) a->start = request->stamp.sent;
        }
        a->busy = true;
        hop_end(a);
        a->done = a->hop == a->hops;
        if (!a->done) hop_begin(a);
        a->busy = false;
    }
}

/* Late messages hold it up, on all ranks, as if it had begun so much later. */
static double held_up(AllToAll *a)
{
    Group *group = a->group;
    const Comm *comm = group->comm;
    double seconds = 0;
    a->number = allocate_zeroed((size_t)comm->lates, sizeof *a->number);
    for (int to = 0; to < group->size; to++) {
        int64_t messages = 0;
        for (int hop = 0; hop < a->hops && to != group->rank; hop++)
            messages += hop_rows(a, hop, group->rank, to) > 0;
        if (comm_late_to(comm, group->members[to]))
            seconds += comm_reserve(group, a->purpose, to, messages, a->number);
    }
    return seconds;
}

void all_to_all_begin(AllToAll *a, Group *group, Purpose purpose, Tensor out, Tensor in, int64_t width,
                      RowCounts counts)
{
    Comm *comm = group->comm;
    const int n = group->size, r = group->rank;
    *a = (AllToAll){.group = group,
                    .purpose = purpose,
                    .tag = group_tag(group),
                    .out = out,
                    .in = in,
                    .width = width,
                    .counts = counts,
                    .busy = true};
    assert(rows_before_to(&counts, n, r, n) * width == out.count);
    assert(rows_before_from(&counts, n, n, r) * width == in.count && in.dtype == out.dtype);
    if (n > 1) lanes_launch(comm->lanes);
    lanes_pause(comm->lanes);
    a->start = comm_ring_open(comm);
    bool all_know = all_to_all_shape(a);
    a->hops = a->shape.legs;
    a->done = a->hops == 0;
    hops_prepare(a);
    if (!a->done && comm->lates) a->start += held_up(a);
    if (!a->done && out.device->dry && comm->backend->come && all_know) {
        comm_ring_begin(group, a->tag, &a->shape, a->start);
        while (a->hop < a->hops) hop_end(a);
        a->meets = a->done = true;
    } else if (!a->done)
        hop_begin(a);
    if (comm->tape) {
        a->tape = comm->tapes;
        a->on_tape = tape_ring_begin(comm->tape, group, &a->shape);
    }
    a->busy = false;
    lanes_resume(comm->lanes);
}

bool all_to_all_progress(AllToAll *a)
{
    if (a->busy) return false;
    if (!a->group || a->done) return true;
    lanes_pause(a->group->comm->lanes);
    move(a, false);
    lanes_resume(a->group->comm->lanes);
    return a->done;
}

void all_to_all_end(AllToAll *a)
{
    if (!a->group) return;
    Comm *comm = a->group->comm;
    if (comm->tape) tape_ring_end(comm->tape, a->tape == comm->tapes ? a->on_tape : -1);
    if (a->meets)
        a->start = comm_ring_meet(a->group, a->tag, a->start);
    else if (!a->done) {
        lanes_pause(comm->lanes);
        move(a, true);
        lanes_resume(comm->lanes);
    }
    comm_ring_end(comm, &a->shape, a->start);
    tensor_free(&a->outgoing);
    tensor_free(&a->incoming);
    tensor_free(&a->passed_on);
    free(a->request);
    free(a->number);
    *a = (AllToAll){0};
}

/* ---- counts ---- */

void counts_exchange(Group *group, Purpose purpose, Device *device, int per, int32_t *counts)
{
    const int64_t n = group->size;
    Collective ring;
    Tensor all = {.device = device, .data = counts, .count = n * n * per, .dtype = INT32};
    ring_all_gather_begin(&ring, group, purpose, &all, 1);
    ring_end(&ring);
}
