/* comm_virtual.c - the backend without MPI.
 *
 * Every rank has a mailbox; a send puts a letter there (with a copy of the
 * data, if there is any) and is done; a receive takes the first letter that
 * matches (channel, sender, tag), as MPI does. A rank that waits for a letter
 * not yet sent yields, and is resumed when one arrives for it. */
#include "parallel/wire/comm_virtual.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/coroutine.h"

typedef struct Letter {
    int channel, from, tag; /* from: world rank */
    bool taken;
    size_t bytes;
    double sent; /* the stamp */
    void *data;  /* NULL: only the size travels */
} Letter;

typedef struct World World;
typedef struct VirtualRank {
    Comm comm; /* first: a Comm * is a VirtualRank * */
    World *world;
    Coroutine *coroutine;
    Letter *mailbox; /* letters [head, tail) */
    size_t head, tail, capacity;
    bool runnable, ended;
    const struct Pending *waiting; /* what it waits for, while not runnable */
} VirtualRank;

struct World {
    VirtualRank *rank;
    int ranks;
    int *queue; /* runnable ranks, a ring of `ranks` */
    int queue_head, queue_length;
    void (*body)(Comm *comm, void *context);
    void *context;
};

/* What a receive's Request holds; a send is done at once. */
typedef struct Pending {
    int channel, from, tag;
    void *data;
    size_t bytes;
} Pending;
_Static_assert(sizeof(Pending) <= sizeof(((Request *)0)->state), "Request.state must hold a Pending");

static void make_runnable(World *world, int rank)
{
    VirtualRank *r = &world->rank[rank];
    if (r->runnable || r->ended) return;
    r->runnable = true;
    world->queue[(world->queue_head + world->queue_length++) % world->ranks] = rank;
}

static void post(VirtualRank *to, Letter letter)
{
    if (to->tail == to->capacity) {
        size_t waiting = to->tail - to->head;
        if (to->head > to->capacity / 2) { /* room at the front */
            memmove(to->mailbox, to->mailbox + to->head, waiting * sizeof *to->mailbox);
        } else {
            to->capacity = to->capacity ? 2 * to->capacity : 16;
            Letter *larger = allocate(to->capacity * sizeof *larger);
            if (waiting) memcpy(larger, to->mailbox + to->head, waiting * sizeof *larger);
            free(to->mailbox);
            to->mailbox = larger;
        }
        to->head = 0;
        to->tail = waiting;
    }
    to->mailbox[to->tail++] = letter;
    const Pending *w = to->waiting;
    if (w && w->channel == letter.channel && w->from == letter.from && w->tag == letter.tag)
        make_runnable(to->world, to->comm.rank);
}

static void send(Group *group, int to, int tag, const void *data, Request *request)
{
    size_t bytes = request->bytes;
    VirtualRank *me = (VirtualRank *)group->comm;
    Letter letter = {
        .channel = group->channel, .from = me->comm.rank, .tag = tag, .bytes = bytes, .sent = request->sent};
    if (data) letter.data = memcpy(allocate(bytes), data, bytes);
    post(&me->world->rank[group->members[to]], letter);
}

static void receive(Group *group, int from, int tag, void *data, Request *request)
{
    Pending pending = {group->channel, group->members[from], tag, data, request->bytes};
    memcpy(request->state, &pending, sizeof pending);
}

static bool test(Request *request)
{
    VirtualRank *me = (VirtualRank *)request->comm;
    Pending p;
    if (!request->receives) return true;
    memcpy(&p, request->state, sizeof p);
    for (size_t i = me->head; i < me->tail; i++) {
        Letter *letter = &me->mailbox[i];
        if (letter->taken || letter->channel != p.channel || letter->from != p.from || letter->tag != p.tag)
            continue;
        if (letter->bytes != p.bytes)
            fail("rank %d expects %zu bytes from rank %d (channel %d, tag %d) and is sent %zu", me->comm.rank,
                 p.bytes, p.from, p.channel, p.tag, letter->bytes);
        if (letter->data && p.data) memcpy(p.data, letter->data, p.bytes);
        free(letter->data);
        letter->data = NULL;
        letter->taken = true;
        request->sent = letter->sent;
        while (me->head < me->tail && me->mailbox[me->head].taken) me->head++;
        return true;
    }
    return false;
}

static void wait(Request *request)
{
    VirtualRank *me = (VirtualRank *)request->comm;
    while (!test(request)) {
        Pending pending;
        memcpy(&pending, request->state, sizeof pending);
        me->waiting = &pending;
        coroutine_yield(me->coroutine);
        me->waiting = NULL;
    }
}

static const CommBackend VIRTUAL_BACKEND = {.send = send, .receive = receive, .test = test, .wait = wait};

static void live(void *context)
{
    VirtualRank *me = context;
    me->world->body(&me->comm, me->world->context);
    me->ended = true;
}

static bool report_deadlock(const World *world, Error *error)
{
    char text[512] = "";
    size_t used = 0;
    int waiting = 0;
    for (int i = 0; i < world->ranks; i++) {
        const Pending *w = world->rank[i].waiting;
        if (!w || world->rank[i].ended || waiting++ >= 4) continue;
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%s rank %d for %zu bytes from rank %d (channel %d, tag %d)",
                                 used ? ";" : "", i, w->bytes, w->from, w->channel, w->tag);
    }
    return error_set(error, "deadlock: %d of %d ranks wait for messages nobody sends:%s%s", waiting,
                     world->ranks, text, waiting > 4 ? "; ..." : "");
}

bool virtual_run(int ranks, void (*body)(Comm *comm, void *context), void *context, Error *error)
{
    enum { STACK = 1 << 20 };
    World world = {.ranks = ranks, .body = body, .context = context};
    world.rank = allocate_zeroed((size_t)ranks, sizeof *world.rank);
    world.queue = allocate((size_t)ranks * sizeof *world.queue);
    for (int i = 0; i < ranks; i++) {
        VirtualRank *r = &world.rank[i];
        *r = (VirtualRank){.comm = {.backend = &VIRTUAL_BACKEND, .rank = i, .size = ranks}, .world = &world};
        r->coroutine = coroutine_new(live, r, STACK);
        make_runnable(&world, i);
    }
    while (world.queue_length > 0) {
        VirtualRank *r = &world.rank[world.queue[world.queue_head]];
        world.queue_head = (world.queue_head + 1) % ranks;
        world.queue_length--;
        r->runnable = false;
        coroutine_resume(r->coroutine);
    }
    bool all = true, unread = false;
    for (int i = 0; i < ranks; i++) {
        all &= world.rank[i].ended;
        unread |= world.rank[i].head < world.rank[i].tail;
    }
    if (!all) report_deadlock(&world, error);
    if (all && unread)
        all = error_set(error, "all ranks have ended, and messages are left that nobody received");
    for (int i = 0; i < ranks; i++) {
        VirtualRank *r = &world.rank[i];
        for (size_t k = r->head; k < r->tail; k++) free(r->mailbox[k].data);
        free(r->mailbox);
        coroutine_free(r->coroutine);
    }
    free(world.rank);
    free(world.queue);
    return all;
}
