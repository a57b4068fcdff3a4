/* collective.c - a collective is begun, progressed and ended, whichever way it goes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "parallel/collectives/legs.h"
#include "parallel/collectives/moves.h"
#include "parallel/wire/tape.h"

typedef struct Moves {
    void (*prepare)(Collective *c);
    void (*start)(Collective *c);
    bool (*ready)(Collective *c); /* NULL: nobody knows before it is moved */
    void (*move)(Collective *c, bool to_the_end);
    void (*report)(const Collective *c);
    int64_t (*messages)(Collective *c, int to);
} Moves;

static const Moves *moves_of(const Collective *c)
{
    static const Moves ways[] = {
        [OVER_RINGS] = {ring_prepare, ring_start, ring_ready, ring_move, ring_report, ring_messages},
        [OVER_TREES] = {trees_prepare, trees_start, NULL, trees_move, trees_report, trees_messages},
        [THROUGH_SLOTS] = {ring_prepare, windows_start, windows_ready, windows_move, ring_report,
                           ring_messages},
        [IN_PLACE] = {ring_prepare, windows_start, windows_ready, windows_move, ring_report, ring_messages}};
    return &ways[c->way];
}

/* ---- sizes alone ---- */

/* What is dry carries nothing but the latest beginning, and its bytes are known: so its members only meet. Where a
 * ring's block is empty its step sends no message, and not all learn of all beginnings: then they take the steps. From
 * the roots of trees all do. */
static bool can_meet(const Collective *c)
{
    bool all = c->part->device->dry && c->group->comm->backend->come;
    for (const Leg *leg = c->leg; c->way != OVER_TREES && leg < c->leg + c->legs; leg++)
        all = all && legs_edge_block(c, leg, true) > 0;
    return all;
}

/* Whether all members send as much. Trees over several nodes have leaves and roots; a node's chains, and rings, have
 * blocks. */
static bool all_alike(const Collective *c)
{
    bool alike = c->way != OVER_TREES || group_spread(c->group).nodes == 1;
    for (const Leg *leg = c->leg; leg < c->leg + c->legs; leg++)
        alike = alike && legs_edge_block(c, leg, false) == legs_edge_block(c, leg, true);
    return alike;
}

static void come(Collective *c)
{
    if (c->group->walked && !all_alike(c))
        fail("rank %d cannot stand for %d ranks that send more or less than it; try --all-ranks",
             c->group->comm->rank, c->group->size);
    comm_ring_begin(c->group, c->tag, &c->shape, c->start);
    moves_of(c)->report(c);
    c->meets = c->done = true;
}

/* ---- begun, progressed, ended ---- */

/* It is over when its last message is: late ones hold it up, on all ranks, as if it had begun so much later. */
static double held_up(Collective *c)
{
    Group *group = c->group;
    const Comm *comm = group->comm;
    double seconds = 0;
    c->number = allocate_zeroed((size_t)comm->lates, sizeof *c->number);
    for (int to = 0; to < group->size; to++)
        if (comm_late_to(comm, group->members[to]))
            seconds += comm_reserve(group, c->purpose, to, moves_of(c)->messages(c, to), c->number);
    return seconds;
}

/* `how`: the group, the purpose, how many parts; and an exchange's arrival. */
static void begin(Collective *c, Collective how, const Tensor *part, bool reduces, bool gathers)
{
    Group *group = how.group;
    *c = how;
    c->tag = group_tag(group);
    if (group->size > 1) lanes_launch(group->comm->lanes);
    lanes_pause(group->comm->lanes);
    c->start = comm_ring_open(group->comm);
    c->whole = allocate(2 * (size_t)c->parts * sizeof *c->whole);
    c->part = c->whole + c->parts;
    memcpy(c->whole, part, (size_t)c->parts * sizeof *c->whole);
    memcpy(c->part, part, (size_t)c->parts * sizeof *c->part);
    legs_choose(c, reduces, gathers);
    c->shape = legs_shape(c);
    c->done = c->shape.legs == 0;
    if (!c->done) {
        moves_of(c)->prepare(c);
        if (group->comm->lates) c->start += held_up(c);
        if (can_meet(c))
            come(c);
        else
            moves_of(c)->start(c);
    }
    if (group->comm->tape) {
        c->tape = group->comm->tapes;
        c->on_tape = tape_ring_begin(group->comm->tape, group, &c->shape);
    }
    lanes_resume(group->comm->lanes);
}

void ring_reduce_scatter_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts)
{
    begin(c, (Collective){.group = group, .purpose = purpose, .parts = parts}, part, true, false);
}

void ring_all_gather_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts)
{
    begin(c, (Collective){.group = group, .purpose = purpose, .parts = parts}, part, false, true);
}

void ring_all_reduce_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts)
{
    begin(c, (Collective){.group = group, .purpose = purpose, .parts = parts}, part, true, true);
}

void ring_apart_begin(Collective *c, Group *group, Purpose purpose, const Tensor *part, int parts,
                      int64_t apart, bool reduces)
{
    for (int i = 0; i < parts; i++) assert(part[i].count % group->size == 0);
    Collective how = {.group = group, .purpose = purpose, .parts = parts, .apart = apart};
    begin(c, how, part, reduces, !reduces);
}

void exchange_begin(Collective *c, Group *group, Purpose purpose, Tensor part, bool gathers,
                    void (*arrived)(void *context), void *context)
{
    assert(part.count % group->size == 0);
    Collective how = {.group = group, .purpose = purpose, .parts = 1};
    how.arrived = arrived;
    how.context = context;
    begin(c, how, &part, true, gathers);
}

static void move_on(Collective *c, bool to_the_end)
{
    lanes_pause(c->group->comm->lanes);
    moves_of(c)->move(c, to_the_end);
    lanes_resume(c->group->comm->lanes);
}

bool ring_progress(Collective *c)
{
    if (c->busy) return false;
    if (!c->group || c->done) return true;
    const Moves *moves = moves_of(c);
    if (!moves->ready || moves->ready(c)) move_on(c, false); /* else it need read no clock */
    return c->done;
}

void ring_end(Collective *c)
{
    if (!c->group) return;
    Comm *comm = c->group->comm;
    if (comm->tape) tape_ring_end(comm->tape, c->tape == comm->tapes ? c->on_tape : -1);
    if (c->meets)
        c->start = comm_ring_meet(c->group, c->tag, c->start);
    else if (!c->done)
        move_on(c, true);
    comm_ring_end(comm, &c->shape, c->start);
    if (c->way == OVER_TREES) trees_end(c);
    tensor_free(&c->outgoing);
    tensor_free(&c->incoming);
    free(c->whole);
    free(c->number);
    *c = (Collective){0};
}
