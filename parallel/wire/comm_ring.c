/* comm_ring.c - rings of sizes: what they count, and which time they take of a rank's ports. */
#include "parallel/wire/comm.h"

void comm_ring_leg(RingShape *shape, NetworkTime time)
{
    shape->leg[shape->legs++] = time;
    shape->alone += network_alone(&time);
}

/* ---- begun ---- */

double comm_ring_open(Comm *comm)
{
    const double now = comm_now(comm);
    if (comm->under_way++ == 0) comm->opened = now;
    return now;
}

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

/* ---- ended ---- */

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

static inline void end(Comm *comm, const RingShape *shape, double start)
{
    double arrives = start;
    for (const NetworkTime *leg = shape->leg; leg < shape->leg + shape->legs; leg++)
        arrives = later(occupy(comm, arrives, leg->busy), arrives + leg->fullest) + leg->latency;
    const Arrival arrival = {.sent = start,
                             .arrives = arrives,
                             .alone = shape->alone,
                             .beside = comm_computed(comm, start, arrives),
                             .taken = comm->network.taken};
    comm_join(comm, shape->purpose, &arrival);
}

void comm_ring_end(Comm *comm, const RingShape *shape, double start)
{
    end(comm, shape, start);
    comm->under_way--;
}

void comm_ring_alone(Comm *comm, const RingShape *shape)
{
    end(comm, shape, comm_now(comm));
}
