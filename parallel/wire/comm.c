/* comm.c - counting, simulated time, and the way to whichever backend is behind. */
#include "parallel/wire/comm.h"
#include <assert.h>
#include <stdlib.h>
#include "models/machine/error.h"

Group *group_new(Comm *comm, int channel, const int *members, int size)
{
    Group *group = allocate_zeroed(1, sizeof *group);
    int *copy = allocate((size_t)size * sizeof *copy);
    *group = (Group){.comm = comm, .rank = -1, .size = size, .members = copy, .channel = channel};
    for (int i = 0; i < size; i++) {
        copy[i] = members[i];
        if (members[i] == comm->rank) group->rank = i;
    }
    if (comm->backend->group_begin) comm->backend->group_begin(group);
    return group;
}

Group *group_world(Comm *comm, int channel)
{
    int *members = allocate((size_t)comm->size * sizeof *members);
    for (int i = 0; i < comm->size; i++) members[i] = i;
    Group *group = group_new(comm, channel, members, comm->size);
    free(members);
    return group;
}

void group_free(Group *group)
{
    if (!group) return;
    if (group->comm->backend->group_end) group->comm->backend->group_end(group);
    free((void *)group->members);
    free(group->walked);
    free(group);
}

int group_walks(const Group *group)
{
    return group->walked ? group->walks : group->size;
}

int group_walked(const Group *group, int i)
{
    return group->walked ? group->walked[i] : i;
}

int group_round(const Group *group, int rank)
{
    int n = group->size;
    return (rank % n + n) % n;
}

int group_tag(Group *group)
{
    return group->sequence++ & (COMM_TAGS - 1);
}

/* ---- simulated time ---- */

double link_busy(const Link *link, size_t bytes)
{
    return (double)bytes * link->seconds_per_byte;
}

double link_seconds(const Link *link, size_t bytes)
{
    return bytes ? link->latency + link_busy(link, bytes) : 0;
}

void comm_begin_step(Comm *comm)
{
    lanes_begin_step(comm->lanes);
    port_clear(&comm->out);
    port_clear(&comm->in);
}

/* Whether a message of this purpose is one of the simulated machine's. */
static bool is_simulated(const Comm *comm, Purpose purpose)
{
    return comm->lanes && purpose_row[purpose].axis != AXIS_NONE;
}

Link comm_link(const Comm *comm, Purpose purpose)
{
    bool stages = purpose == PP_SEND_FORWARD || purpose == PP_SEND_BACKWARD;
    Link none = {0};
    return comm->between_stages && !stages ? none : comm->link;
}

double comm_now(const Comm *comm)
{
    return comm->lanes ? comm->lanes->now : 0;
}

void comm_join(Comm *comm, Purpose purpose, double sent, double arrives)
{
    const PurposeRow *row = &purpose_row[purpose];
    if (is_simulated(comm, purpose)) lanes_wait(comm->lanes, sent, arrives, row->idle, row->wire);
}

/* ---- rings of sizes ---- */

void comm_ring_begin(Group *group, int tag, RingShape shape, double start)
{
    comm_count(group->comm, shape.purpose, shape.messages, shape.bytes);
    if (group_walks(group) > 1) group->comm->backend->come(group, tag, start);
}

double comm_ring_meet(Group *group, int tag, double start)
{
    return group_walks(group) > 1 ? group->comm->backend->meet(group, tag) : start;
}

void comm_ring_end(Comm *comm, RingShape shape, double start)
{
    Link link = comm_link(comm, shape.purpose);
    double seconds = shape.steps * link_busy(&link, shape.step_bytes);
    double out = port_take(&comm->out, start, seconds), in = port_take(&comm->in, start, seconds);
    double done = out > in ? out : in;
    comm_join(comm, shape.purpose, start, done + (shape.step_bytes ? shape.steps * link.latency : 0));
}

/* ---- messages ---- */

/* Whether there is anything to send or receive. */
static bool begin(Request *request, Group *group, int tag, Purpose purpose, size_t bytes)
{
    assert(tag >= 0 && tag < COMM_TAGS);
    *request = (Request){0};
    group->comm->singles++;
    if (bytes == 0) return false;
    *request = (Request){.comm = group->comm, .purpose = purpose, .bytes = bytes};
    return true;
}

/* Here and nowhere else. */
void comm_count(Comm *comm, Purpose purpose, uint64_t messages, uint64_t bytes)
{
    comm->messages[purpose] += messages;
    comm->bytes[purpose] += bytes;
}

/* Of what `request` holds. */
static void send(Group *group, int to, int tag, const void *data, Request *request)
{
    Comm *comm = request->comm;
    comm_count(comm, request->purpose, 1, request->bytes);
    comm->backend->send(group, to, tag, data, request);
}

void comm_tell(Group *group, int to, int tag, const void *data, size_t bytes)
{
    Request request;
    if (!begin(&request, group, tag, CONTROL, bytes)) return;
    group->comm->backend->send(group, to, tag, data, &request);
    comm_finish(&request);
}

void comm_send_stamped(Group *group, int to, int tag, Purpose purpose, Payload payload, double sent,
                       Request *request)
{
    if (!begin(request, group, tag, purpose, payload.bytes)) return;
    request->stamp = (Stamp){.sent = sent, .left = sent};
    send(group, to, tag, payload.data, request);
}

void comm_send(Group *group, int to, int tag, Purpose purpose, const void *data, size_t bytes,
               Request *request)
{
    Comm *comm = group->comm;
    if (!begin(request, group, tag, purpose, bytes)) return;
    lanes_pause(comm->lanes); /* which brings it up to date */
    double now = comm_now(comm);
    request->stamp = (Stamp){.sent = now, .left = now};
    Link link = comm_link(comm, purpose);
    if (is_simulated(comm, purpose))
        request->stamp.left = port_take(&comm->out, now, link_busy(&link, bytes));
    send(group, to, tag, data, request);
    lanes_resume(comm->lanes);
}

void comm_receive(Group *group, int from, int tag, Purpose purpose, void *data, size_t bytes,
                  Request *request)
{
    if (!begin(request, group, tag, purpose, bytes)) return;
    request->receives = true;
    lanes_pause(request->comm->lanes);
    request->comm->backend->receive(group, from, tag, data, request);
    lanes_resume(request->comm->lanes);
}

bool comm_test(Request *request)
{
    if (!request->comm || request->done) return true;
    request->done = request->comm->backend->test(request);
    return request->done;
}

void comm_finish(Request *request)
{
    if (!request->comm || request->done) return;
    request->comm->backend->wait(request);
    request->done = true;
}

void comm_wait(Request *request)
{
    Comm *comm = request->comm;
    if (!comm) return;
    lanes_pause(comm->lanes);
    comm_finish(request);
    if (request->receives && is_simulated(comm, request->purpose)) {
        /* the first byte comes in latency after it went out */
        Link link = comm_link(comm, request->purpose);
        double busy = link_busy(&link, request->bytes);
        double from = request->stamp.left - busy + link.latency;
        comm_join(comm, request->purpose, request->stamp.sent, port_take(&comm->in, from, busy));
    }
    request->comm = NULL;
    lanes_resume(comm->lanes);
}
