/* stages.c - messages between stages, and the embedding that two of them share. */
#include "parallel/stages.h"
#include <stdlib.h>
#include "models/machine/error.h"

_Static_assert(2 * (int)SCHEDULE_MOST < (int)COMM_TAGS, "each message between stages has its own tag");

Pipeline *pipeline_new(Group *group, const Plan *plan, Gpt *gpt)
{
    Pipeline *p = allocate_zeroed(1, sizeof *p);
    *p = (Pipeline){.group = group, .shape = plan->shape, .rank_of = plan->rank_of, .gpt = gpt};
    int first = plan->rank_of[0], last = plan->rank_of[plan->stages - 1];
    if (first != last && (group->rank == first || group->rank == last)) {
        int members[] = {group->members[first], group->members[last]};
        p->embedding = group_new(group->comm, CHANNEL_EMBEDDING, members, 2);
    }
    return p;
}

void pipeline_free(Pipeline *p)
{
    if (!p) return;
    pipeline_flush(p);
    group_free(p->embedding);
    free(p);
}

/* ---- between stages ---- */

static int tag_of(const Pipeline *p, Purpose direction, int stage, int microbatch)
{
    int stages = p->shape.v * p->shape.p, back = direction == PP_SEND_BACKWARD;
    return (back * stages + stage) * p->shape.m + microbatch;
}

/* Gives back what has left. */
static void sweep(Pipeline *p, bool wait)
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
        free(o);
    }
}

void pipeline_send(Pipeline *p, Purpose direction, int stage, int microbatch, Tensor t)
{
    int to = p->rank_of[direction == PP_SEND_FORWARD ? stage + 1 : stage - 1];
    Outgoing *o = allocate_zeroed(1, sizeof *o);
    sweep(p, false);
    *o = (Outgoing){.data = t.data, .next = p->outgoing};
    p->outgoing = o;
    device_release(t.device, t.category, tensor_bytes(t));
    comm_send(p->group, to, tag_of(p, direction, stage, microbatch), direction, t.data, tensor_bytes(t),
              &o->request);
}

void pipeline_receive(Pipeline *p, Purpose direction, int from, int microbatch, Tensor t)
{
    Request request;
    comm_receive(p->group, p->rank_of[from], tag_of(p, direction, from, microbatch), direction, t.data,
                 tensor_bytes(t), &request);
    comm_wait(&request);
}

void pipeline_flush(Pipeline *p)
{
    sweep(p, true);
}

/* ---- the tied embedding ---- */

void pipeline_sum_embedding(Pipeline *p, DataParallel *d)
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
        tensor_add(first, last);
        tensor_copy(last, first);
    }
}

/* ---- to the first rank ---- */

void pipeline_collect(Pipeline *p, int stage, int index, Tensor t)
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
