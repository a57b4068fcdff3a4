/* comm.c - counting, simulated time, and the way to whichever backend is behind. */
#include "parallel/wire/comm.h"
#include <assert.h>
#include <math.h>

/* ---- simulated time ---- */

void comm_begin_step(Comm *comm)
{
    lanes_begin_step(comm->lanes);
    for (Route r = 0; r < ROUTES; r++) {
        port_clear(&comm->out[r]);
        port_clear(&comm->in[r]);
        comm->apart[r] = false;
    }
    port_clear(&comm->waited);
}

void comm_free_ports(Comm *comm)
{
    for (Route r = 0; r < ROUTES; r++) {
        port_free(&comm->out[r]);
        port_free(&comm->in[r]);
    }
    port_free(&comm->waited);
}

/* Whether a message of this purpose is one of the simulated machine's. */
static bool is_simulated(const Comm *comm, Purpose purpose)
{
    return comm->lanes && purpose_row[purpose].axis != AXIS_NONE;
}

double comm_busy(const Comm *comm, Route route)
{
    return port_taken(&comm->out[route], 0, INFINITY);
}

double comm_now(const Comm *comm)
{
    return comm->lanes ? comm->lanes->now : 0;
}

void comm_join(Comm *comm, Purpose purpose, Arrival arrival)
{
    const PurposeRow *row = &purpose_row[purpose];
    Lanes *lanes = comm->lanes;
    if (!is_simulated(comm, purpose)) return;
    double from = lanes->now, before = lanes->waited;
    lanes_wait(lanes, &arrival, row->idle, row->wire);
    port_take(&comm->waited, from, lanes->waited - before);
}

/* Seconds that the compute lane has not waited between two moments; until now at most. */
static double computed(const Comm *comm, double from, double until)
{
    const double now = comm_now(comm), last = until < now ? until : now;
    return last > from ? last - from - port_taken(&comm->waited, from, last) : 0;
}

/* ---- rings of sizes ---- */

static void count_ring(Group *group, const RingShape *shape)
{
    comm_count(group->comm, shape->purpose, shape->messages, shape->bytes);
    group->comm->across[shape->purpose] += shape->across;
}

void comm_ring_beside(Group *group, const RingShape *shape)
{
    count_ring(group, shape);
    group->comm->backend->beside(shape->messages, shape->bytes);
}

void comm_ring_begin(Group *group, int tag, const RingShape *shape, double start)
{
    count_ring(group, shape);
    comm_ring_come(group, tag, start);
}

void comm_ring_come(Group *group, int tag, double start)
{
    if (group_walks(group) > 1) group->comm->backend->come(group, tag, start);
}

double comm_ring_meet(Group *group, int tag, double start)
{
    return group_walks(group) > 1 ? group->comm->backend->meet(group, tag) : start;
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

static double later(double a, double b)
{
    return a > b ? a : b;
}

/* In the time that is free from `from` on; until the last is. */
static double occupy(Comm *comm, double from, const double busy[ROUTES])
{
    double done = from;
    for (Route r = 0; r < ROUTES; r++) {
        if (!(busy[r] > 0)) continue;
        done = later(done, port_take(&comm->out[r], from, busy[r]));
        if (comm->apart[r]) done = later(done, port_take(&comm->in[r], from, busy[r]));
    }
    return done;
}

void comm_ring_end(Comm *comm, const RingShape *shape, double start)
{
    Arrival arrival = {.sent = start, .arrives = start, .taken = comm->network.taken};
    for (int i = 0; i < shape->legs; i++) {
        const NetworkTime *time = &shape->leg[i];
        arrival.arrives =
            later(occupy(comm, arrival.arrives, time->busy), arrival.arrives + time->fullest) + time->latency;
        arrival.alone += network_alone(time);
    }
    arrival.beside = computed(comm, start, arrival.arrives);
    comm_join(comm, shape->purpose, arrival);
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
                         .route = is_simulated(group->comm, purpose) ? route_to(group, peer) : ROUTE_INSIDE,
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
static Link link_of(const Request *request)
{
    if (request->comm->between_stages && !is_between_stages(request->purpose)) return (Link){0};
    return request->comm->network.message[request->route];
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
           is_simulated(comm, purpose);
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
    request->stamp.last = (double)comm->last;
    if (is_simulated(comm, request->purpose) && request->route == ROUTE_ACROSS)
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
    request->stamp = (Stamp){.sent = sent, .left = sent};
    if (payload.number) request->stamp.held = held_back(group, to, purpose, payload.number);
    send(group, to, tag, payload.data, request);
}

void comm_send(Group *group, int to, int tag, Purpose purpose, const void *data, size_t bytes,
               Request *request)
{
    Comm *comm = group->comm;
    if (!begin(request, group, to, tag, purpose, bytes)) return;
    lanes_pause(comm->lanes); /* which brings it up to date */
    double now = comm_now(comm), held = held_back(group, to, purpose, NULL);
    request->stamp = (Stamp){.sent = now, .left = now, .held = held};
    if (is_simulated(comm, purpose)) {
        Link link = link_of(request);
        Port *out = &comm->out[request->route];
        request->stamp.left = take_alone(comm, request->route, out, now, link_busy(&link, bytes)) + held;
        if (comm->network.sender_waits)
            comm_join(comm, purpose, (Arrival){.sent = now, .arrives = request->stamp.left + link.latency});
    }
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
    if (request->receives && is_simulated(comm, request->purpose)) {
        /* the first byte comes in latency after it went out */
        Link link = link_of(request);
        double busy = link_busy(&link, request->bytes), from = request->stamp.left - busy + link.latency;
        Arrival arrival = {.sent = request->stamp.sent};
        arrival.arrives = take_alone(comm, request->route, &comm->in[request->route], from, busy);
        if (is_between_stages(request->purpose)) { /* others are waited for as they are sent */
            arrival.alone = link_seconds(&link, request->bytes);
            arrival.beside = computed(comm, arrival.sent, arrival.arrives);
        }
        comm_join(comm, request->purpose, arrival);
    }
    request->comm = NULL;
    lanes_resume(comm->lanes);
}
