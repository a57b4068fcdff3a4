/* comm_virtual.c - the backend without MPI.
 *
 * Every rank has a mailbox; a send puts a letter there (with a copy of the
 * data, if there is any) and is done; a receive takes the first letter that
 * matches (channel, sender, tag), as MPI does. A rank that waits for a letter
 * not yet sent yields, and is resumed when one arrives for it; one that waits in
 * a meeting is, when the last has come. */
#include "parallel/wire/comm_virtual.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/coroutine.h"
#include "parallel/wire/hash.h"
#include "parallel/wire/meeting.h"

typedef struct Letter {
    size_t bytes;
    Stamp stamp;
    void *data; /* NULL: only the size travels */
    struct Letter *next;
} Letter;

/* Letters that one receive cannot tell apart, in the order they were sent. */
typedef struct Line {
    int channel, from, tag; /* from: world rank */
    Letter *first, *last;   /* NULL: none any more */
    struct Line *next;      /* of those that hash alike */
} Line;

/* Which letters a receive takes: what its Request holds; a send is done at once. */
typedef struct Pending {
    int channel, from, tag;
    void *data;
    size_t bytes;
} Pending;
_Static_assert(sizeof(Pending) <= sizeof(((Request *)0)->state), "Request.state must hold a Pending");

typedef struct World World;
typedef struct VirtualRank {
    Comm comm; /* first: a Comm * is a VirtualRank * */
    World *world;
    Coroutine *coroutine;
    Line **chain; /* (chains), a power of two: the mailbox */
    size_t chains, lines, letters;
    bool runnable, ended;
    const Pending *waiting; /* what it waits for, while not runnable */
    const Meeting *meeting; /* or for whom */
    int next_waiting;       /* the rank that waits there, too; -1: none */
} VirtualRank;

struct World {
    VirtualRank *rank;
    int ranks;
    int *queue; /* runnable ranks, a ring of `ranks` */
    int queue_head, queue_length;
    Letter *spare_letters; /* read, for the next ones */
    Line *spare_lines;
    Meetings meetings;
    void (*body)(Comm *comm, void *context);
    void *context;
};

static void make_runnable(World *world, int rank)
{
    VirtualRank *r = &world->rank[rank];
    if (r->runnable || r->ended) return;
    r->runnable = true;
    world->queue[(world->queue_head + world->queue_length++) % world->ranks] = rank;
}

/* ---- the mailbox ---- */

static Line **chain_of(const VirtualRank *r, int channel, int from, int tag)
{
    return &r->chain[hash_of(channel, from, tag) & (r->chains - 1)];
}

/* Where the line is, or would be. */
static Line **find(const VirtualRank *r, int channel, int from, int tag)
{
    Line **at = chain_of(r, channel, from, tag);
    while (*at && ((*at)->channel != channel || (*at)->from != from || (*at)->tag != tag)) at = &(*at)->next;
    return at;
}

static void make_room(VirtualRank *r)
{
    size_t old_chains = r->chains;
    Line **old = r->chain;
    if (r->lines < r->chains) return;
    r->chains = old_chains ? 2 * old_chains : 16;
    r->chain = allocate_zeroed(r->chains, sizeof *r->chain);
    for (size_t i = 0; i < old_chains; i++)
        for (Line *line = old[i], *next; line; line = next) {
            Line **at = chain_of(r, line->channel, line->from, line->tag);
            next = line->next;
            line->next = *at;
            *at = line;
        }
    free(old);
}

static Line *line_new(VirtualRank *r, int channel, int from, int tag)
{
    Line *line = r->world->spare_lines, **at;
    if (line)
        r->world->spare_lines = line->next;
    else
        line = allocate(sizeof *line);
    make_room(r);
    at = chain_of(r, channel, from, tag);
    *line = (Line){.channel = channel, .from = from, .tag = tag, .next = *at};
    *at = line;
    r->lines++;
    return line;
}

static void post(VirtualRank *to, const Pending *address, Letter letter)
{
    World *world = to->world;
    Line *line = to->lines ? *find(to, address->channel, address->from, address->tag) : NULL;
    Letter *kept = world->spare_letters;
    if (!line) line = line_new(to, address->channel, address->from, address->tag);
    if (kept)
        world->spare_letters = kept->next;
    else
        kept = allocate(sizeof *kept);
    *kept = letter;
    *(line->first ? &line->last->next : &line->first) = kept;
    line->last = kept;
    to->letters++;
    const Pending *w = to->waiting;
    if (w && w->channel == address->channel && w->from == address->from && w->tag == address->tag)
        make_runnable(world, to->comm.rank);
}

/* The next letter of a line, which with its last one is gone; false: there is none. */
static bool take(VirtualRank *r, const Pending *address, Letter *letter)
{
    Line **at = r->lines ? find(r, address->channel, address->from, address->tag) : NULL,
         *line = at ? *at : NULL;
    if (!line) return false;
    Letter *first = line->first;
    *letter = *first;
    line->first = first->next;
    first->data = NULL; /* it is the taker's */
    first->next = r->world->spare_letters;
    r->world->spare_letters = first;
    r->letters--;
    if (line->first) return true;
    *at = line->next;
    line->next = r->world->spare_lines;
    r->world->spare_lines = line;
    r->lines--;
    return true;
}

static void free_letters(Letter *letter)
{
    for (Letter *next; letter; letter = next) {
        next = letter->next;
        free(letter->data);
        free(letter);
    }
}

static void free_lines(Line *line)
{
    for (Line *next; line; line = next) {
        next = line->next;
        free_letters(line->first);
        free(line);
    }
}

static void send(Group *group, int to, int tag, const void *data, Request *request)
{
    size_t bytes = request->bytes;
    VirtualRank *me = (VirtualRank *)group->comm;
    Pending address = {.channel = group->channel, .from = me->comm.rank, .tag = tag};
    Letter letter = {.bytes = bytes, .stamp = request->stamp};
    if (data) letter.data = memcpy(allocate(bytes), data, bytes);
    post(&me->world->rank[group->members[to]], &address, letter);
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
    Letter letter;
    if (!request->receives) return true;
    memcpy(&p, request->state, sizeof p);
    if (!take(me, &p, &letter)) return false;
    if (letter.bytes != p.bytes)
        fail("rank %d expects %zu bytes from rank %d (channel %d, tag %d) and is sent %zu", me->comm.rank,
             p.bytes, p.from, p.channel, p.tag, letter.bytes);
    if (letter.data && p.data) memcpy(p.data, letter.data, p.bytes);
    free(letter.data);
    request->stamp = letter.stamp;
    return true;
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

/* ---- meetings ---- */

static MeetingKey key_of(const Group *group, int tag)
{
    return (MeetingKey){.channel = group->channel, .first = group->members[0], .tag = tag};
}

static void come(Group *group, int tag, double moment)
{
    World *world = ((VirtualRank *)group->comm)->world;
    Meeting *m = meeting_come(&world->meetings, key_of(group, tag), group->size, moment);
    if (m->came < m->members) return;
    for (int rank = m->waiting; rank >= 0; rank = world->rank[rank].next_waiting) make_runnable(world, rank);
    m->waiting = -1;
}

static double meet(Group *group, int tag)
{
    VirtualRank *me = (VirtualRank *)group->comm;
    Meeting *m = meeting_find(&me->world->meetings, key_of(group, tag));
    if (m->came < m->members) {
        me->next_waiting = m->waiting;
        m->waiting = me->comm.rank;
        me->meeting = m;
        coroutine_yield(me->coroutine);
        me->meeting = NULL;
    }
    return meeting_leave(&me->world->meetings, m);
}

static const CommBackend VIRTUAL_BACKEND = {
    .send = send, .receive = receive, .test = test, .wait = wait, .come = come, .meet = meet};

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
        const Meeting *m = world->rank[i].meeting;
        if ((!w && !m) || waiting++ >= 4) continue;
        const char *comma = used ? ";" : "";
        used += (size_t)(w ? snprintf(text + used, sizeof text - used,
                                      "%s rank %d for %zu bytes from rank %d (channel %d, tag %d)", comma, i,
                                      w->bytes, w->from, w->channel, w->tag)
                           : snprintf(text + used, sizeof text - used,
                                      "%s rank %d for %d of %d ranks to begin (channel %d, tag %d)", comma, i,
                                      m->members - m->came, m->members, m->key.channel, m->key.tag));
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
    bool all = true, unread = world.meetings.count > 0;
    for (int i = 0; i < ranks; i++) {
        all &= world.rank[i].ended;
        unread |= world.rank[i].letters > 0;
    }
    if (!all) report_deadlock(&world, error);
    if (all && unread)
        all = error_set(error, "all ranks have ended, and messages are left that nobody received");
    for (int i = 0; i < ranks; i++) {
        VirtualRank *r = &world.rank[i];
        for (size_t k = 0; k < r->chains; k++) free_lines(r->chain[k]);
        free(r->chain);
        port_free(&r->comm.out);
        port_free(&r->comm.in);
        coroutine_free(r->coroutine);
    }
    free_letters(world.spare_letters);
    free_lines(world.spare_lines);
    meetings_free(&world.meetings);
    free(world.rank);
    free(world.queue);
    return all;
}
