/* comm.c - counting, simulated time, and the way to whichever backend is behind. */
#include "parallel/wire/comm.h"
#include <assert.h>

/* ---- simulated time ---- */

void comm_begin_step(Comm *comm)
{
    lanes_begin_step(comm->lanes);
    for (Route r = 0; r < ROUTES; r++) {
        port_clear(&comm->out[r]);
        port_clear(&comm->in[r]);
        comm->apart[r] = false;
        comm->settled[r] = 0;
    }
    port_clear(&comm->waited);
    comm->steps++;
}

void comm_free_ports(Comm *comm)
{
    for (Route r = 0; r < ROUTES; r++) {
        port_free(&comm->out[r]);
        port_free(&comm->in[r]);
    }
    port_free(&comm->waited);
}

double comm_busy(const Comm *comm, Route route)
{
    return port_taken_in_all(&comm->out[route], comm->settled[route]);
}

double comm_earliest(const Comm *comm)
{
    return comm->under_way ? comm->opened : comm_now(comm);
}

void comm_settle(Comm *comm, double before)
{
    for (Route r = 0; r < ROUTES; r++) {
        port_settle(&comm->out[r], before, &comm->settled[r]);
        port_settle(&comm->in[r], before, NULL);
    }
    port_settle(&comm->waited, before, NULL);
}

/* ---- messages ---- */

void comm_say_last(Comm *comm, int64_t steps)
{
    if (comm->last == 0 || steps < comm->last) comm->last = steps;
}

/* What came with a message. */
static void hear(const Request *request)
{
    if (request->receives && request->stamp.last > 0)
        comm_say_last(request->comm, (int64_t)request->stamp.last);
}

/* Neighbours on a ring are two apart, which the second bit tells: so both have a place, but at some rings' ends. */
static Route route_to(Group *group, int peer)
{
    const Comm *comm = group->comm;
    Neighbour *n = &group->neighbour[peer >> 1 & 1];
    if (n->number != peer + 1)
        *n = (Neighbour){peer + 1, network_route(&comm->network, comm->rank, group->members[peer])};
    return n->route;
}

/* Of a message, on one of a route's ports. */
static double take_alone(Comm *comm, Route route, Port *port, double from, double seconds)
{
    if (seconds > 0 && !comm->apart[route]) {
        port_copy(&comm->in[route], &comm->out[route]);
        comm->apart[route] = true;
    }
    return port_take(port, from, seconds);
}

/* Whether there is anything to send or receive. */
static bool begin(Request *request, Group *group, int peer, int tag, Purpose purpose, size_t bytes)
{
    assert(tag >= 0 && tag < COMM_TAGS);
    group->comm->singles++;
    if (bytes == 0) {
        *request = (Request){0};
        return false;
    }
    *request = (Request){.comm = group->comm,
                         .purpose = purpose,
                         .route = comm_simulates(group->comm, purpose) ? route_to(group, peer) : ROUTE_INSIDE,
                         .peer = group->members[peer],
                         .channel = group->channel,
                         .tag = tag,
                         .bytes = bytes};
    return true;
}

static bool is_between_stages(Purpose purpose)
{
    return purpose == PP_SEND_FORWARD || purpose == PP_SEND_BACKWARD;
}

/* What a request goes over. */
static const Link *link_of(const Request *request)
{
    static const Link free_link = {0};
    if (request->comm->between_stages && !is_between_stages(request->purpose)) return &free_link;
    return &request->comm->network.message[request->route];
}

/* Here and nowhere else. */
void comm_count(Comm *comm, Purpose purpose, uint64_t messages, uint64_t bytes)
{
    comm->messages[purpose] += messages;
    comm->bytes[purpose] += bytes;
}

/* Whether messages to group rank `to` may be late over this link. */
static bool is_over(const Group *group, int to, Purpose purpose, const Late *late)
{
    const Comm *comm = group->comm;
    return late->link.from == comm->rank && late->link.to == group->members[to] &&
           comm_simulates(comm, purpose);
}

bool comm_late_to(const Comm *comm, int rank)
{
    bool any = false;
    for (int i = 0; i < comm->lates; i++)
        any |= comm->late[i].link.from == comm->rank && comm->late[i].link.to == rank;
    return any;
}

double comm_reserve(Group *group, Purpose purpose, int to, int64_t messages, int64_t *number)
{
    Comm *comm = group->comm;
    double seconds = 0;
    for (int i = 0; i < comm->lates; i++)
        if (is_over(group, to, purpose, &comm->late[i]))
            seconds += late_reserve(&comm->late[i], messages, &number[i]);
    return seconds;
}

/* Seconds that the message which is about to be sent is held back; `number`: one of those that were reserved. */
static double held_back(const Group *group, int to, Purpose purpose, int64_t *number)
{
    Comm *comm = group->comm;
    double seconds = 0;
    for (int i = 0; i < comm->lates; i++) {
        Late *late = &comm->late[i];
        if (is_over(group, to, purpose, late))
            seconds += number ? late_reserved(late, &number[i]) : late_next(late);
    }
    return seconds;
}

/* Of what `request` holds. */
static void send(Group *group, int to, int tag, const void *data, Request *request)
{
    Comm *comm = request->comm;
    comm_count(comm, request->purpose, 1, request->bytes);
    if (comm_simulates(comm, request->purpose) && request->route == ROUTE_ACROSS)
        comm->across[request->purpose] += request->bytes * group_stands_for(group);
    comm->backend->send(group, to, tag, data, request);
}

void comm_tell(Group *group, int to, int tag, const void *data, size_t bytes)
{
    Request request;
    if (!begin(&request, group, to, tag, CONTROL, bytes)) return;
    group->comm->backend->send(group, to, tag, data, &request);
    comm_finish(&request);
}

void comm_send_stamped(Group *group, int to, int tag, Purpose purpose, Payload payload, double sent,
                       Request *request)
{
    if (!begin(request, group, to, tag, purpose, payload.bytes)) return;
    const double held = payload.number ? held_back(group, to, purpose, payload.number) : 0;
    request->stamp = (Stamp){.sent = sent, .left = sent, .last = (double)group->comm->last, .held = held};
    send(group, to, tag, payload.data, request);
}

void comm_send(Group *group, int to, int tag, Purpose purpose, const void *data, size_t bytes,
               Request *request)
{
    Comm *comm = group->comm;
    if (!begin(request, group, to, tag, purpose, bytes)) return;
    lanes_pause(comm->lanes); /* which brings it up to date */
    const double now = comm_now(comm), held = held_back(group, to, purpose, NULL);
    double left = now;
    if (comm_simulates(comm, purpose)) {
        const Link *link = link_of(request);
        left =
            take_alone(comm, request->route, &comm->out[request->route], now, link_busy(link, bytes)) + held;
        if (comm->network.sender_waits)
            comm_join(comm, purpose, &(Arrival){.sent = now, .arrives = left + link->latency});
    }
    request->stamp = (Stamp){.sent = now, .left = left, .last = (double)comm->last, .held = held};
    send(group, to, tag, data, request);
    lanes_resume(comm->lanes);
}

void comm_receive(Group *group, int from, int tag, Purpose purpose, void *data, size_t bytes,
                  Request *request)
{
    if (!begin(request, group, from, tag, purpose, bytes)) return;
    request->receives = true;
    lanes_pause(request->comm->lanes);
    request->comm->backend->receive(group, from, tag, data, request);
    lanes_resume(request->comm->lanes);
}

bool comm_test(Request *request)
{
    if (!request->comm || request->done) return true;
    request->done = request->comm->backend->test(request);
    if (request->done) hear(request);
    return request->done;
}

void comm_finish(Request *request)
{
    if (!request->comm || request->done) return;
    request->comm->backend->wait(request);
    request->done = true;
    hear(request);
}

void comm_wait(Request *request)
{
    Comm *comm = request->comm;
    if (!comm) return;
    lanes_pause(comm->lanes);
    comm_finish(request);
    if (request->receives && comm_simulates(comm, request->purpose)) {
        /* the first byte comes in latency after it went out */
        const Link *link = link_of(request);
        const double busy = link_busy(link, request->bytes),
                     from = request->stamp.left - busy + link->latency;
        Arrival arrival = {.sent = request->stamp.sent};
        arrival.arrives = take_alone(comm, request->route, &comm->in[request->route], from, busy);
        if (is_between_stages(request->purpose)) { /* others are waited for as they are sent */
            arrival.alone = link_seconds(link, request->bytes);
            arrival.beside = comm_computed(comm, arrival.sent, arrival.arrives);
        }
        comm_join(comm, request->purpose, &arrival);
    }
    request->comm = NULL;
    lanes_resume(comm->lanes);
}
