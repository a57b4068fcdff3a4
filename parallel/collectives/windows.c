/* windows.c - what a ring does, through memory that its ranks share: in which order, and what waits for what.
 *
 * Where all ranks of a group run on one node of this machine, a message would be copied into MPI's buffers and out again
 * at each of a ring's steps. Through a window (parallel/wire/window.h) values are added up in place, where they lie in
 * memory that all have before them (in_place.c), or go through slots (slots.c).
 *
 * A rank counts the chunks that it has put, summed and taken: what may be next follows from the others' counts, and a
 * slot is free again once all have taken what was in it. So while some still put a chunk others add up the one before.
 *
 * Collectives of a group share its window, chunk by chunk in the order they began in, the same on all its ranks: who
 * waits for one moves those before it on, too. Nobody needs to be waiting: between kernels each stage that may be is
 * done, as a ring's steps are.
 *
 * It is the ring's stand-in on this machine, and nothing is charged for it: what is counted, the time on the simulated
 * machine and the memory are the ring's, and so are the formulas. No message has its bytes, so they are told to who
 * watches MPI from outside (comm_ring_beside()). */
#include "parallel/collectives/moves.h"
#include "parallel/collectives/window_stages.h"

static const WindowStages *stages_of(const Collective *c)
{
    return c->way == IN_PLACE ? &in_place_stages : &slot_stages;
}

unsigned char *window_slot(const Collective *c, int rank, uint32_t chunk)
{
    return c->group->window->segment[rank]->slot[(c->first_chunk + chunk) % WINDOW_SLOTS];
}

WindowNote *window_note(const Collective *c, int rank, uint32_t chunk)
{
    return &c->group->window->segment[rank]->note[(c->first_chunk + chunk) % WINDOW_SLOTS];
}

/* ---- what goes with values ---- */

void window_note_put(Collective *c, uint32_t chunk)
{
    WindowNote *note = window_note(c, c->leg->rank, chunk);
    note->began = c->start;
    note->put_last = c->group->comm->last;
}

void window_hear_put(Collective *c, uint32_t chunk)
{
    for (int r = 0; r < c->leg->size; r++) {
        const WindowNote *note = window_note(c, r, chunk);
        if (note->began > c->start) c->start = note->began;
        if (note->put_last) comm_say_last(c->group->comm, note->put_last);
    }
}

/* ---- moving on ---- */

/* Whose chunk is the group's k-th; NULL: of none that has begun. */
static Collective *owner(const Window *w, uint32_t k)
{
    Collective *c = w->first;
    while (c && k - c->first_chunk >= c->chunks) c = c->next;
    return c;
}

/* What all must have counted, and how far, before stage `stage` of chunk k of `c`; -1: nothing. */
static int needs(const Collective *c, int stage, uint32_t k, uint32_t *count)
{
    *count = k + 1;
    if (stage != PUT) return stages_of(c)->needs(c, (Stage)stage);
    *count = k + 1 - WINDOW_SLOTS; /* of the first ones: has been, before any */
    return TAKE;
}

/* The collective whose next chunk may come to this stage now; NULL: none. */
static Collective *ready(const Group *g, int stage)
{
    Window *w = g->window;
    uint32_t k = w->count[stage], count;
    Collective *c = stage == PUT || w->count[stage - 1] != k ? owner(w, k) : NULL;
    if (!c) return NULL;
    int needed = needs(c, stage, k, &count);
    return needed < 0 || window_behind(w, g->size, needed, count) < 0 ? c : NULL;
}

bool windows_ready(Collective *c)
{
    bool any = false;
    for (int stage = 0; stage < STAGES && !any; stage++) any = ready(c->group, stage) != NULL;
    return any;
}

/* Those that are furthest first, so that what is in caches is used. */
static bool moves(Group *g)
{
    Window *w = g->window;
    for (int stage = TAKE; stage >= PUT; stage--) {
        Collective *c = ready(g, stage);
        if (!c) continue;
        stages_of(c)->work[stage](c, w->count[stage] - c->first_chunk);
        window_count(w, g->rank, stage);
        if (stage == TAKE && w->count[TAKE] == c->first_chunk + c->chunks) {
            c->done = true;
            w->first = c->next;
        }
        return true;
    }
    return false;
}

/* For the chunk that is next to be taken, as all before it are done with; it can be at an earlier stage. */
static void wait_for_others(Group *g)
{
    Window *w = g->window;
    int stage = TAKE, needed, behind;
    while (stage > PUT && w->count[stage - 1] == w->count[stage]) stage--;
    uint32_t k = w->count[stage], count;
    const Collective *c = owner(w, k);
    needed = needs(c, stage, k, &count);
    behind = needed < 0 ? -1 : window_behind(w, g->size, needed, count);
    if (behind < 0) return; /* it has come meanwhile */
    const Request what = {.comm = g->comm,
                          .purpose = c->purpose,
                          .peer = g->members[behind],
                          .channel = g->channel,
                          .tag = c->tag,
                          .receives = true,
                          .bytes = c->shape.bytes};
    g->comm->backend->await(g, behind, needed, count, &what);
}

void windows_start(Collective *c)
{
    Window *w = c->group->window;
    Collective **last = &w->first;
    while (*last) last = &(*last)->next;
    *last = c;
    c->next = NULL;
    c->first_chunk = w->begun;
    c->chunks = stages_of(c)->chunks(c);
    w->begun += c->chunks;
    comm_ring_beside(c->group, &c->shape);
    ring_report(c);
    windows_move(c, false);
}

void windows_move(Collective *c, bool to_the_end)
{
    while (!c->done) {
        if (moves(c->group)) continue;
        if (!to_the_end) break;
        wait_for_others(c->group);
    }
}
