/* all_to_all.c - an all-to-all is begun, progressed and ended. */
#include "parallel/collectives/all_to_all.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "parallel/collectives/all_to_all_shape.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/tape.h"

static Tensor segment(const AllToAll *a, Tensor of, int64_t first, int64_t rows)
{
    return tensor_view(of, first * a->width, rows * a->width);
}

/* Of `out` what rank `to` gets, and of `in` what rank `from` sent. */
static Tensor segment_to(const AllToAll *a, int to)
{
    const int n = a->group->size, r = a->group->rank;
    return segment(a, a->out, rows_before_to(&a->counts, n, r, to), rows_between(&a->counts, n, r, to));
}

static Tensor segment_from(const AllToAll *a, int from)
{
    const int n = a->group->size, r = a->group->rank;
    return segment(a, a->in, rows_before_from(&a->counts, n, from, r), rows_between(&a->counts, n, from, r));
}

static void copy_own(const AllToAll *a)
{
    Tensor own = segment_to(a, a->group->rank);
    if (own.count > 0) tensor_copy(segment_from(a, a->group->rank), own);
}

static void send(AllToAll *a, int to, Tensor t)
{
    comm_send_stamped(a->group, to, a->tag, a->purpose, (Payload){t.data, tensor_bytes(t), a->number},
                      a->start, &a->request[a->requests++]);
}

static void receive(AllToAll *a, int from, Tensor t)
{
    comm_receive(a->group, from, a->tag, a->purpose, t.data, tensor_bytes(t), &a->request[a->requests++]);
}

/* All messages at once, to the neighbours first. */
static void start(AllToAll *a)
{
    Group *group = a->group;
    const int n = group->size, r = group->rank;
    a->request = allocate(2 * (size_t)(n - 1) * sizeof *a->request);
    for (int s = 1; s < n; s++) {
        const int from = group_round(group, r - s);
        receive(a, from, segment_from(a, from));
    }
    for (int s = 1; s < n; s++) {
        const int to = group_round(group, r + s);
        send(a, to, segment_to(a, to));
    }
}

/* As far as messages have arrived, or to the end. */
static void move(AllToAll *a, bool to_the_end)
{
    for (; a->at < a->requests; a->at++) {
        Request *request = &a->request[a->at];
        if (to_the_end) comm_finish(request);
        if (!comm_test(request)) return;
        if (request->receives && request->stamp.sent > a->start) a->start = request->stamp.sent;
    }
    a->done = true;
}

/* Late messages hold it up, on all ranks, as if it had begun so much later. */
static double held_up(AllToAll *a)
{
    Group *group = a->group;
    const Comm *comm = group->comm;
    double seconds = 0;
    a->number = allocate_zeroed((size_t)comm->lates, sizeof *a->number);
    for (int to = 0; to < group->size; to++)
        if (comm_late_to(comm, group->members[to]))
            seconds += comm_reserve(group, a->purpose, to, segment_to(a, to).count > 0, a->number);
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
    a->start = comm_now(comm);
    bool all_know = all_to_all_shape(a);
    a->done = a->shape.legs == 0;
    copy_own(a);
    if (!a->done && comm->lates) a->start += held_up(a);
    if (!a->done && out.device->dry && comm->backend->come && all_know) {
        comm_ring_begin(group, a->tag, &a->shape, a->start);
        a->meets = a->done = true;
    } else if (!a->done)
        start(a);
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

void counts_rows(const int32_t *counts, int n, int per, int64_t *rows)
{
    for (int64_t pair = 0; pair < (int64_t)n * n; pair++) {
        rows[pair] = 0;
        for (int e = 0; e < per; e++) rows[pair] += counts[pair * per + e];
    }
}
