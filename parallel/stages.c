/* stages.c - messages between stages, and the embedding that two of them share. */
#include "parallel/stages.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"

_Static_assert(2 * (int)SCHEDULE_MOST < (int)COMM_TAGS, "each message between stages has its own tag");

Stages *stages_new(Group *group, Group *slices, const Plan *plan, const Gpt *gpt)
{
    Stages *p = allocate_zeroed(1, sizeof *p);
    *p = (Stages){
        .group = group, .slices = slices, .shape = plan->shape, .rank_of = plan->rank_of, .gpt = gpt};
    int first = plan->rank_of[0], last = plan->rank_of[plan->stages - 1];
    if (first != last && (group->rank == first || group->rank == last)) {
        int members[] = {group->members[first], group->members[last]};
        p->embedding = group_new(group->comm, CHANNEL_EMBEDDING, members, 2);
    }
    return p;
}

void stages_free(Stages *p)
{
    if (!p) return;
    stages_flush(p);
    for (Outgoing *o = p->spare, *next; o; o = next) {
        next = o->next;
        free(o);
    }
    group_free(p->embedding);
    free(p);
}

/* ---- a step's plan ---- */

void stages_lower(Plan *plan, const DataParallelConfig *data)
{
    /* dp: the main rank's parameters are the only ones that were stepped; zero1 and zero2: each rank stepped its own
     * block, which the others need by their next forward; zero3 gathers units as they are needed */
    const ActionKind none[] = {ACTION_KINDS}, whole[] = {ACTION_UNSHARD, ACTION_KINDS};
    const ActionKind update[] = {ACTION_REDUCE, ACTION_STEP, ACTION_KINDS},
                     update_and_gather[] = {ACTION_REDUCE, ACTION_STEP, ACTION_UNSHARD, ACTION_KINDS};
    bool gathers = data_parallel_gathers_updates(data), next = data->gather == GATHER_FORWARD;
    plan_lower_messages(plan);
    plan_surround(plan, data->kind == DATA_DP || (gathers && next) ? whole : none,
                  gathers && !next ? update_and_gather : update);
}

/* ---- between stages ---- */

static int tag_of(const Stages *p, Purpose direction, int stage, int microbatch)
{
    int stages = p->shape.v * p->shape.p, back = direction == PP_SEND_BACKWARD;
    return (back * stages + stage) * p->shape.m + microbatch;
}

/* Gives back what has left. */
static void sweep(Stages *p, bool wait)
{
    Outgoing **at = &p->outgoing;
    while (*at) {
        Outgoing *o = *at;
        if (wait) comm_wait(&o->request);
        if (!comm_test(&o->request)) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        free(o->data);
        o->next = p->spare;
        p->spare = o;
    }
}

/* What of a message this rank sends and receives: all of `t`, or `slice`. */
static const Tensor *slice_of(const Stages *p, const Tensor *t, Tensor *slice)
{
    const Group *g = p->slices;
    if (!g) return t;
    *slice =
        tensor_view(*t, block_offset(t->count, g->size, g->rank), block_count(t->count, g->size, g->rank));
    return slice;
}

void stages_send(Stages *p, Purpose direction, int stage, int microbatch, Tensor *t)
{
    int to = p->rank_of[direction == PP_SEND_FORWARD ? stage + 1 : stage - 1];
    sweep(p, false);
    Outgoing *o = p->spare;
    if (o)
        p->spare = o->next;
    else
        o = allocate(sizeof *o);
    o->data = t->data;
    o->next = p->outgoing;
    p->outgoing = o;
    device_release(t->device, t->category, tensor_bytes(*t));
    Tensor part;
    const Tensor *slice = slice_of(p, t, &part);
    comm_send(p->group, to, tag_of(p, direction, stage, microbatch), direction, slice->data,
              tensor_bytes(*slice), &o->request);
    *t = (Tensor){0};
}

void stages_receive(Stages *p, Purpose direction, int from, int microbatch, const Tensor *t)
{
    Request request;
    Tensor part;
    const Tensor *slice = slice_of(p, t, &part);
    comm_receive(p->group, p->rank_of[from], tag_of(p, direction, from, microbatch), direction, slice->data,
                 tensor_bytes(*slice), &request);
    comm_wait(&request);
    if (!p->slices) return;
    Collective ring;
    ring_all_gather_begin(&ring, p->slices, TP_ALL_GATHER, t, 1);
    ring_end(&ring);
}

void stages_flush(Stages *p)
{
    sweep(p, true);
}

/* ---- the tied embedding ---- */

void stages_sum_embedding(Stages *p, DataParallel *d)
{
    int copy = p->gpt->head_embedding;
    if (copy <= UNIT_WTE) return; /* untied, or one and the same */
    Tensor first = data_parallel_reduced(d, UNIT_WTE), last = data_parallel_reduced(d, copy);
    if (p->embedding) {
        Tensor mine = p->gpt->unit[copy].held ? last : first;
        Collective ring;
        ring_all_reduce_begin(&ring, p->embedding, PP_EMBEDDING, &mine, 1);
        ring_end(&ring);
    } else if (p->gpt->unit[copy].held) { /* both stages are here */
        tensor_add(first, last, WORK_ACCUMULATE);
        tensor_copy(last, first);
    }
}

/* ---- to the first rank ---- */

void stages_collect(Stages *p, int stage, int index, Tensor t)
{
    int messages = 2 * p->shape.v * p->shape.p * p->shape.m, most = COMM_TAGS - messages;
    int from = p->rank_of[stage], tag = messages + index % most;
    Request request;
    if (from == 0) return;
    if (p->group->rank == from)
        comm_send(p->group, 0, tag, OUTPUT_GATHER, t.data, tensor_bytes(t), &request);
    else if (p->group->rank == 0)
        comm_receive(p->group, from, tag, OUTPUT_GATHER, t.data, tensor_bytes(t), &request);
    else
        return;
    comm_wait(&request);
}
