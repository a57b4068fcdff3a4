/* comm_virtual.c - the backend without MPI.
 *
 * Every rank has a mailbox; a send puts a letter there (with a copy of the
 * data, if there is any) and is done; a receive takes the first letter that
 * matches (channel, sender, tag), as MPI does. A rank that waits for a letter
 * not yet sent yields, and is resumed when one arrives for it; one that waits in
 * a meeting is, when the last has come. Ranks that others stand for have neither
 * mailbox nor coroutine, and nobody waits for them in a meeting. */
#include "parallel/wire/comm_virtual.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/coroutine.h"
#include "parallel/wire/mailbox.h"
#include "parallel/wire/meeting.h"
#include "parallel/wire/shelf.h"
#include "parallel/wire/stall.h"

/* Where a receive's data goes is what its Request holds; a send is done at once. */
_Static_assert(sizeof(void *) <= sizeof(((Request *)0)->state), "Request.state must hold a pointer");

typedef struct World World;
typedef struct VirtualRank {
    Comm comm; /* first: a Comm * is a VirtualRank * */
    World *world;
    Coroutine *coroutine;
    Mailbox mailbox;
    bool runnable, ended;
    const Request *waiting; /* what it waits for, while not runnable */
    const Meeting *meeting; /* or for whom */
    int next_waiting;       /* the place of who waits there, too; -1: none */
} VirtualRank;

struct World {
    VirtualRank *rank; /* (ranks): those that are walked */
    int ranks;
    int *place; /* (all ranks), among them; -1: not walked. NULL: its own */
    int *queue; /* the places of runnable ranks, a ring of `ranks` */
    int queue_head, queue_length;
    MailboxSpares spares;
    Meetings meetings;
    Shelf shelf;
    void (*body)(Comm *comm, void *context);
    void *context;
    size_t turns, settles; /* that ranks have taken; and after how many ports are looked at next */
};

static int place_of(const World *world, int rank)
{
    return world->place ? world->place[rank] : rank;
}

static void make_runnable(World *world, int place)
{
    VirtualRank *r = &world->rank[place];
    if (r->runnable || r->ended) return;
    r->runnable = true;
    world->queue[(world->queue_head + world->queue_length++) % world->ranks] = place;
}

/* ---- messages ---- */

/* Which letters a receive takes. */
static Address address_of(const Request *receive)
{
    return (Address){.channel = receive->channel, .from = receive->peer, .tag = receive->tag};
}

/* The other end of a message. */
static VirtualRank *walked(const Group *group, int peer)
{
    World *world = ((VirtualRank *)group->comm)->world;
    int rank = group->members[peer], place = place_of(world, rank);
    if (place < 0)
        fail("rank %d has a message for or from rank %d (channel %d), which another stands for; try "
             "--all-ranks",
             group->comm->rank, rank, group->channel);
    return &world->rank[place];
}

static void send(Group *group, int to, int tag, const void *data, Request *request)
{
    const size_t bytes = request->bytes;
    VirtualRank *me = (VirtualRank *)group->comm, *receiver = walked(group, to);
    const Address address = {.channel = group->channel, .from = me->comm.rank, .tag = tag};
    Letter *letter = mailbox_post(&receiver->mailbox, &me->world->spares, &address);
    letter->bytes = bytes;
    letter->stamp = request->stamp;
    letter->data = data ? memcpy(allocate(bytes), data, bytes) : NULL;
    if (!receiver->waiting) return;
    const Address awaited = address_of(receiver->waiting);
    if (address_equal(&awaited, &address)) make_runnable(me->world, (int)(receiver - me->world->rank));
}

static void receive(Group *group, int from, int tag, void *data, Request *request)
{
    (void)tag;
    walked(group, from);
    memcpy(request->state, &data, sizeof data);
}

static bool test(Request *request)
{
    VirtualRank *me = (VirtualRank *)request->comm;
    if (!request->receives) return true;
    const Address address = address_of(request);
    const Letter *letter = mailbox_take(&me->mailbox, &me->world->spares, &address);
    if (!letter) return false;
    if (letter->bytes != request->bytes)
        fail("rank %d expects %zu bytes from rank %d (channel %d, tag %d) and is sent %zu", me->comm.rank,
             request->bytes, request->peer, request->channel, request->tag, letter->bytes);
    void *data;
    memcpy(&data, request->state, sizeof data);
    if (letter->data && data) memcpy(data, letter->data, letter->bytes);
    free(letter->data);
    request->stamp = letter->stamp;
    return true;
}

static void wait(Request *request)
{
    VirtualRank *me = (VirtualRank *)request->comm;
    while (!test(request)) {
        me->waiting = request;
        coroutine_yield(me->coroutine);
        me->waiting = NULL;
    }
}

/* ---- meetings ---- */

static MeetingKey key_of(const Group *group, int tag)
{
    return (MeetingKey){.channel = group->channel, .first = group->members[0], .tag = tag};
}

static void come(Group *group, int tag, double moment)
{
    World *world = ((VirtualRank *)group->comm)->world;
    Meeting *m = meeting_come(&world->meetings, key_of(group, tag), group_walks(group), moment);
    if (m->came < m->members) return;
    for (int place = m->waiting; place >= 0; place = world->rank[place].next_waiting)
        make_runnable(world, place);
    m->waiting = -1;
}

static double meet(Group *group, int tag)
{
    VirtualRank *me = (VirtualRank *)group->comm;
    Meeting *m = meeting_find(&me->world->meetings, key_of(group, tag));
    if (m->came < m->members) {
        me->next_waiting = m->waiting;
        m->waiting = (int)(me - me->world->rank);
        me->meeting = m;
        coroutine_yield(me->coroutine);
        me->meeting = NULL;
    }
    return meeting_leave(&me->world->meetings, m);
}

static void group_begin(Group *group)
{
    const World *world = ((VirtualRank *)group->comm)->world;
    if (!world->place) return;
    int *place = allocate((size_t)group->size * sizeof *place), count = 0;
    for (int i = 0; i < group->size; i++)
        if (place_of(world, group->members[i]) >= 0) place[count++] = i;
    if (count < group->size) {
        group->walked = place;
        group->walks = count;
    } else
        free(place);
}

static const CommBackend VIRTUAL_BACKEND = {.group_begin = group_begin,
                                            .send = send,
                                            .receive = receive,
                                            .test = test,
                                            .wait = wait,
                                            .come = come,
                                            .meet = meet};

/* ---- ports ---- */

/* Before which nothing begins any more in the step that all are in, and nothing that is on its way began; 0 where some are
 * in a step before. */
static double earliest(const World *world)
{
    double moment = INFINITY;
    int steps = -1;
    for (int i = 0; i < world->ranks; i++) {
        const VirtualRank *r = &world->rank[i];
        if (r->ended) continue;
        if (steps >= 0 && r->comm.steps != steps) return 0;
        steps = r->comm.steps;
        moment = mailbox_earliest(&r->mailbox, fmin(moment, comm_earliest(&r->comm)));
    }
    return moment;
}

/* So that ports hold what may be asked for, of steps of any length. Not so often that looking through ranks and letters
 * took longer than the turns between. */
static void settle(World *world)
{
    enum { TURNS = 32 }; /* of a rank */
    size_t looks = 0;
    if (++world->turns < world->settles) return;
    const double before = earliest(world);
    for (int i = 0; i < world->ranks; i++) {
        VirtualRank *r = &world->rank[i];
        if (before > 0 && !r->ended) comm_settle(&r->comm, before);
        looks += r->mailbox.chains + r->mailbox.letters;
    }
    world->settles = world->turns + TURNS * (size_t)world->ranks + looks;
}

static void live(void *context)
{
    VirtualRank *me = context;
    me->world->body(&me->comm, me->world->context);
    me->ended = true;
}

static const char *what_waits(const VirtualRank *r, char *line, size_t size)
{
    const Meeting *m = r->meeting;
    Waits waits = {.at = ""};
    if (m) {
        waits_at(&r->comm, waits.at, sizeof waits.at);
        snprintf(line, size, "rank %d waits %s%sfor %d of %d ranks to begin (channel %d, tag %d)",
                 r->comm.rank, waits.at, waits.at[0] ? " " : "", m->members - m->came, m->members,
                 m->key.channel, m->key.tag);
        return line;
    }
    waits_of(r->waiting, 0, &waits);
    return waits_text(&waits, line, size);
}

static bool report_deadlock(const World *world, Error *error)
{
    enum { NAMED = 4 };
    char text[NAMED * STALL_LINE] = "", line[STALL_LINE];
    size_t used = 0;
    int waiting = 0;
    for (int i = 0; i < world->ranks; i++) {
        const VirtualRank *r = &world->rank[i];
        if ((!r->waiting && !r->meeting) || waiting++ >= NAMED) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %s", used ? ";" : "",
                                 what_waits(r, line, sizeof line));
    }
    return error_set(error, "deadlock: %d of %d ranks wait for messages nobody sends:%s%s", waiting,
                     world->ranks, text, waiting > NAMED ? "; ..." : "");
}

bool virtual_run(int ranks, void (*body)(Comm *comm, void *context), void *context, Error *error)
{
    return virtual_run_some(&(WalkedRanks){ranks, ranks, NULL}, body, context, error);
}

int walked_rank(const WalkedRanks *w, int i)
{
    return w->rank ? w->rank[i] : i;
}

int walked_stands_for(const WalkedRanks *w, int i)
{
    return (i + 1 < w->count ? walked_rank(w, i + 1) : w->ranks) - walked_rank(w, i);
}

int walked_place(const WalkedRanks *w, int rank)
{
    int place = 0;
    while (w->rank && w->rank[place] != rank) place++;
    return w->rank ? place : rank;
}

static int *places(const WalkedRanks *w)
{
    if (w->count == w->ranks) return NULL;
    int *place = allocate((size_t)w->ranks * sizeof *place);
    for (int rank = 0; rank < w->ranks; rank++) place[rank] = -1;
    for (int i = 0; i < w->count; i++) place[walked_rank(w, i)] = i;
    return place;
}

bool virtual_run_some(const WalkedRanks *w, void (*body)(Comm *comm, void *context), void *context,
                      Error *error)
{
    enum { STACK = 1 << 20 };
    int ranks = w->count;
    World world = {.ranks = ranks, .place = places(w), .body = body, .context = context};
    world.rank = allocate_zeroed((size_t)ranks, sizeof *world.rank);
    world.queue = allocate((size_t)ranks * sizeof *world.queue);
    for (int i = 0; i < ranks; i++) {
        VirtualRank *r = &world.rank[i];
        *r = (VirtualRank){.world = &world};
        r->comm = (Comm){.backend = &VIRTUAL_BACKEND,
                         .rank = walked_rank(w, i),
                         .size = w->ranks,
                         .stands_for = walked_stands_for(w, i),
                         .shelf = &world.shelf};
        r->coroutine = coroutine_new(live, r, STACK);
        make_runnable(&world, i);
    }
    while (world.queue_length > 0) {
        VirtualRank *r = &world.rank[world.queue[world.queue_head]];
        world.queue_head = (world.queue_head + 1) % ranks;
        world.queue_length--;
        r->runnable = false;
        coroutine_resume(r->coroutine);
        settle(&world);
    }
    bool all = true, unread = world.meetings.count > 0;
    for (int i = 0; i < ranks; i++) {
        all &= world.rank[i].ended;
        unread |= world.rank[i].mailbox.letters > 0;
    }
    if (!all) report_deadlock(&world, error);
    if (all && unread)
        all = error_set(error, "all ranks have ended, and messages are left that nobody received");
    for (int i = 0; i < ranks; i++) {
        VirtualRank *r = &world.rank[i];
        mailbox_free(&r->mailbox);
        comm_free_ports(&r->comm);
        coroutine_free(r->coroutine);
    }
    mailbox_spares_free(&world.spares);
    meetings_free(&world.meetings);
    shelf_free(&world.shelf);
    free(world.rank);
    free(world.place);
    free(world.queue);
    return all;
}
