/* comm.h - how one rank talks to another: point-to-point, counted by purpose.
 *
 * Two backends stand behind it: comm_mpi (one process a rank) and comm_virtual
 * (all ranks in this process, as coroutines). Whatever leaves a rank leaves
 * through here, and is counted here. Data may be NULL on a dry device: then
 * only its size travels.
 *
 * Simulated time travels with the messages: each carries the moment it was sent,
 * and when the sender's port was done with it; latency later the receiver's port
 * has taken it in, if nothing else kept that busy. So a message alone arrives
 * latency + bytes / bandwidth after it was sent (Hockney 1994), and messages that
 * share a rank's port share its bandwidth (port.h). A receiver on its compute
 * lane waits until then. One that is late (late.h) left so much later, and a
 * backend of processes does hold it back. Which ports a message takes and what they can do is the
 * network's to say (parallel/network/network.h). */
#ifndef PARALLEL_WIRE_COMM_H
#define PARALLEL_WIRE_COMM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "parallel/network/network.h"
#include "parallel/wire/late.h"
#include "parallel/wire/port.h"
#include "parallel/wire/purpose.h"
#include "parallel/wire/window.h"

typedef struct Comm Comm;

/* Which way a message goes to or from another rank of a group. */
typedef struct Neighbour {
    int number; /* one more than its group rank; 0: of nobody */
    Route route;
} Neighbour;

/* Ranks that talk among themselves; `rank` is the caller's place among them.
 * Each group has a tag space of its own. */
typedef struct Group {
    Comm *comm;
    int rank, size;
    const int *members; /* world ranks, in group order; owned */
    int channel;        /* same number on all members, different between groups they share */
    int sequence;       /* collectives begun: members begin them in the same order, so it is their tag */
    /* Of virtual ranks some may stand for all (comm_virtual.h): the group ranks of those that are walked, ascending;
     * NULL: all are */
    int *walked, walks;
    size_t gathered; /* bytes that each of the others has sent to this one in gathers */
    int gathers;
    Spread spread;          /* over the nodes, once asked for: group_spread() */
    int *node_first;        /* and group_nodes() */
    Neighbour neighbour[2]; /* whom messages went to last, on the network of its comm as it was then */
    Window *window;         /* NULL: messages are all there is */
    void *handle;           /* the backend's */
} Group;

/* What goes with a message: simulated seconds, of when it was sent and when the last of it had left its sender's port;
 * and the sender's Comm.last, a whole number, or 0. */
typedef struct Stamp {
    double sent, left, last;
    double held, began; /* and, of this machine: seconds that it is held back, from when on its clock */
} Stamp;

/* Stays where it is until it is done: the backend writes to it. */
typedef struct Request {
    Comm *comm; /* NULL: nothing outstanding */
    Purpose purpose;
    Route route;            /* of the simulated machine's */
    int peer, channel, tag; /* the other rank, of the world, -1: all of them; what it is matched by */
    bool receives, done;
    size_t bytes;
    Stamp stamp; /* of a receive once it is done */
    double due;  /* the backend's, of a receive that is held back: when it may be done */
    _Alignas(16) unsigned char state[64];
} Request;

typedef struct CommBackend {
    void (*group_begin)(Group *group); /* NULL, like the next: there is nothing to do */
    void (*group_end)(Group *group);
    /* both find the size in request->bytes; request->stamp goes with the data */
    void (*send)(Group *group, int to, int tag, const void *data, Request *request);
    void (*receive)(Group *group, int from, int tag, void *data, Request *request);
    bool (*test)(Request *request); /* done? */
    void (*wait)(Request *request);
    /* For collectives of sizes alone; NULL: the backend has none but real ones. A rank comes to the meeting that its
     * group has under this tag, without waiting, and later waits there until all have come. Returns the latest moment
     * that any of them brought. */
    void (*come)(Group *group, int tag, double moment);
    double (*meet)(Group *group, int tag);
    /* NULL: ranks share no memory. Gives group->window its segments, where all members are on one node; and back */
    void (*window_begin)(Group *group);
    void (*window_end)(Group *group);
    /* returns once that group rank has counted so far (window.h); `what` tells of it */
    void (*beside)(uint64_t messages, uint64_t bytes); /* so much is counted that goes through one */
    void (*await)(Group *group, int rank, int which, uint32_t count, const Request *what);
} CommBackend;

/* What is told of a ring: its legs one after the other, of which each step takes as long as its longest block. */
typedef struct RingShape {
    Purpose purpose;
    NetworkTime leg[RING_LEGS]; /* what each takes */
    int legs;                   /* 0: there is nobody to send to */
    double alone;               /* seconds of them all, by themselves */
    uint64_t messages, bytes;   /* that a rank sends in all of them */
    uint64_t across;            /* of the bytes, what leaves their nodes, of all ranks that it stands for */
} RingShape;
typedef struct Tape Tape;

struct Comm {
    const CommBackend *backend;
    int rank, size;
    int stands_for; /* ranks: those of a dry run that do what it does, itself among them (comm_virtual.h) */
    int cores;      /* of its node, that it has for itself; 0: as one */
    bool bound;     /* by its launcher, to some of them */
    bool windows;   /* where the backend has them, groups of one node that ask for one get one */
    uint64_t bytes[PURPOSES], messages[PURPOSES]; /* handed to the network by this rank */
    uint64_t across[PURPOSES]; /* simulated: bytes that leave their nodes, of all ranks that it stands for */
    uint64_t singles;          /* messages that it began to send or to receive one by one */
    int64_t last;    /* steps after which all ranks stop, as far as it is known here; 0: nobody has said so */
    Network network; /* simulated, like all below */
    bool between_stages; /* its links are of messages between stages alone, and all others take no time */
    /* rings take both alike: `in` is as `out`, and left empty, until a message takes one of them alone */
    Port out[ROUTES], in[ROUTES];
    bool apart[ROUTES];     /* whether one has, in this step */
    double settled[ROUTES]; /* seconds of `out` that it no longer has */
    Port waited;            /* the compute lane, for any of them */
    int steps;              /* begun */
    int under_way;          /* collectives, */
    double opened;          /* and since when there always was one */
    Late *late;             /* (lates) links whose messages of the simulated machine may be, or NULL */
    int lates;
    Lanes *lanes;        /* this rank's time; NULL: all happens at 0 */
    Tape *tape;          /* which notes it (tape.h), or NULL */
    int tapes;           /* recorded so far */
    struct Shelf *shelf; /* of all ranks of this process, for tapes that are recorded; NULL: there is none */
    /* Writes where in its work the rank is, for who tells that it waits ("at REDUCE of step 5"); NULL: nobody knows */
    void (*at)(const void *whose, char *text, size_t size);
    const void *whose;
    double
        stall_timeout; /* seconds that a rank waits for a message (stall.h), where ranks are real; 0: for ever */
};

/* Of the groups there are. */
enum {
    CHANNEL_CONTROL, /* the world */
    CHANNEL_DATA,
    CHANNEL_TENSOR,
    CHANNEL_SHARING,     /* of a tensor group, who holds the same keys and values */
    CHANNEL_EXPERT,      /* of a data group, who shares a layer's experts */
    CHANNEL_EXPERT_DATA, /* and who holds the same ones */
    CHANNEL_PIPE,        /* messages between stages */
    CHANNEL_PIPE_NORM,
    CHANNEL_EMBEDDING, /* the first stage and the last */
    CHANNELS
};
/* Members call this together, each with the same list. */
Group *group_new(Comm *comm, int channel, const int *members, int size);
Group *group_world(Comm *comm, int channel);
void group_free(Group *group);
/* Members call this together, once: a window for their collectives, where they are to have one and can. */
void group_share(Group *group);
/* How many groups of this kind the ranks have that the caller stands for, as the only member that is walked or as one of
 * all. */
uint64_t group_stands_for(const Group *group);
/* How many of the members are walked, and the group rank of the i-th of them. */
int group_walks(const Group *group);
int group_walked(const Group *group, int i);
/* Ranks go round: -1 is the last, `size` the first. */
int group_round(const Group *group, int rank);
/* The tag of the next collective. */
int group_tag(Group *group);
/* On the network of its comm, which from then on stays as it is. */
Spread group_spread(Group *group);
/* Its members in the i-th of these nodes are those from [i] on, below [i + 1]. */
const int *group_nodes(Group *group);

enum { COMM_TAGS = 1 << 22 }; /* tags are below */

/* Begin a message of `bytes` from `data` to group rank `to`; an empty one is not sent.
 * data stays untouched until the request is done. It is stamped with the compute lane's now. */
void comm_send(Group *group, int to, int tag, Purpose purpose, const void *data, size_t bytes,
               Request *request);
void comm_receive(Group *group, int from, int tag, Purpose purpose, void *data, size_t bytes,
                  Request *request);
/* Until the request is done; the compute lane then waits for what it received. */
void comm_wait(Request *request);

/* For collectives, which keep a time of their own and pause the compute lane's: a send that tells when they began
 * and takes no port yet, and whether or until a request is done, nothing waiting in simulated time. */
typedef struct Payload {
    const void *data;
    size_t bytes;
    int64_t *number; /* (the comm's lates) of its messages before this one; NULL: none of them can be late */
} Payload;
void comm_send_stamped(Group *group, int to, int tag, Purpose purpose, Payload payload, double sent,
                       Request *request);
/* As a collective begins that sends so many messages to group rank `to`: by how much those that are late hold it up.
 * `number` (lates) is for its payloads. */
double comm_reserve(Group *group, Purpose purpose, int to, int64_t messages, int64_t *number);
/* Whether any message from this rank to that one may be. */
bool comm_late_to(const Comm *comm, int rank);
bool comm_test(Request *request);
/* Data from one walked rank to another that takes the place of messages which are counted with comm_count(). */
void comm_tell(Group *group, int to, int tag, const void *data, size_t bytes);
/* Messages that a rank would hand to the network, were they sent one by one. */
void comm_count(Comm *comm, Purpose purpose, uint64_t messages, uint64_t bytes);
void comm_finish(Request *request);
/* The compute lane's now. */
static inline double comm_now(const Comm *comm)
{
    return comm->lanes ? comm->lanes->now : 0;
}
/* Whether a message of this purpose is one of the simulated machine's. */
static inline bool comm_simulates(const Comm *comm, Purpose purpose)
{
    return comm->lanes && purpose_row[purpose].axis != AXIS_NONE;
}
/* The compute lane waits for it, unless the purpose is of no axis. */
static inline void comm_join(Comm *comm, Purpose purpose, const Arrival *arrival)
{
    Lanes *lanes = comm->lanes;
    if (!comm_simulates(comm, purpose)) return;
    const double from = lanes->now, before = lanes->waited;
    lanes_wait(lanes, arrival, purpose_row[purpose].idle, purpose_row[purpose].wire);
    port_take(&comm->waited, from, lanes->waited - before);
}
/* Seconds that the compute lane has not waited between two moments; until now at most. */
static inline double comm_computed(const Comm *comm, double from, double until)
{
    const double now = comm_now(comm), last = until < now ? until : now;
    return last > from ? last - from - port_taken(&comm->waited, from, last) : 0;
}
/* One leg more. */
void comm_ring_leg(RingShape *shape, NetworkTime time);
/* A collective begins, now, which is returned. */
double comm_ring_open(Comm *comm);
/* A ring of sizes alone, where the backend has meetings: its members count what they send and come, meet to learn when
 * the last of them began, and end it. Any ring ends so: it keeps the ports of its routes busy leg by leg, in the time
 * that is free from its start on, and the compute lane waits until all are done. */
void comm_ring_begin(Group *group, int tag, const RingShape *shape, double start);
void comm_ring_come(Group *group, int tag, double start); /* without counting */
double comm_ring_meet(Group *group, int tag, double start);
/* A real one that goes through a window: counts what its members would send, and tells who watches messages from outside
 * that they will not see them. */
void comm_ring_beside(Group *group, const RingShape *shape);
void comm_ring_end(Comm *comm, const RingShape *shape, double start);
/* One that begins now and ends at once, with nobody else to begin it. */
void comm_ring_alone(Comm *comm, const RingShape *shape);
/* All ranks are to stop after so many steps. The word goes with every message from here on, and whoever receives one says
 * so in turn: it is where any value has come that was worked out from one of this rank's since. */
void comm_say_last(Comm *comm, int64_t steps);
/* Simulated time begins anew, with nothing on its way. */
void comm_begin_step(Comm *comm);
void comm_free_ports(Comm *comm);
/* No message that this rank still sends in its step, and no collective that it still ends, began before. */
double comm_earliest(const Comm *comm);
/* Nor did any that it still receives: its ports can forget what was before. */
void comm_settle(Comm *comm, double before);
/* Seconds of the step in which its link sends. */
double comm_busy(const Comm *comm, Route route);
#endif
