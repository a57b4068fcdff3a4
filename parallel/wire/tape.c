/* tape.c - noting events, and playing them. */
#include "parallel/wire/tape.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/wire/shelf.h"

static void note(Tape *tape, int ring, bool ends)
{
    tape->event = allocate_more(tape->event, (size_t)tape->events, sizeof *tape->event);
    tape->event[tape->events++] =
        (TapeEvent){.ring = ring, .steps = tape->steps, .begins = !ends, .ends = ends};
}

/* Where a step is a launch alone so far, and nothing has happened since. */
static bool goes_with(const Tape *tape, Part part)
{
    const LaneStep *last = tape->steps ? &tape->step[tape->steps - 1] : NULL;
    const TapeEvent *event = tape->events ? &tape->event[tape->events - 1] : NULL;
    return last && last->launched && last->seconds == 0 && last->part == part &&
           (!event || event->steps < tape->steps);
}

static void told(void *context, const LaneStep *step)
{
    Tape *tape = context;
    if (!step->launched && !step->met && goes_with(tape, step->part)) {
        tape->step[tape->steps - 1].seconds = step->seconds;
        return;
    }
    tape->step = allocate_more(tape->step, (size_t)tape->steps, sizeof *tape->step);
    tape->step[tape->steps++] = *step;
}

void tape_record(Tape *tape, Comm *comm)
{
    *tape = (Tape){.singles = comm->singles};
    comm->tape = tape;
    comm->tapes++;
    comm->lanes->told = told;
    comm->lanes->told_context = tape;
}

static void count(Tape *tape, const RingShape *shape)
{
    int i = 0;
    while (i < tape->counts && tape->count[i].purpose != shape->purpose) i++;
    if (i == tape->counts) {
        tape->count = allocate_more(tape->count, (size_t)tape->counts, sizeof *tape->count);
        tape->count[tape->counts++] = (TapeCount){.purpose = shape->purpose};
    }
    tape->count[i].messages += shape->messages;
    tape->count[i].bytes += shape->bytes;
    tape->count[i].across += shape->across;
}

/* Then there is nobody to meet. */
static bool walks_alone(const TapeRing *ring)
{
    return group_walks(ring->group) == 1;
}

/* Of one whose group nobody else walks: without time it only counts, and what ends as it begins is one event. */
static void shorten(Tape *tape)
{
    int kept = 0;
    for (int i = 0; i < tape->events; i++) {
        const TapeEvent e = tape->event[i];
        const TapeRing *ring = &tape->ring[e.ring];
        TapeEvent *last = kept ? &tape->event[kept - 1] : NULL;
        if (walks_alone(ring) && !(ring->shape.alone > 0)) continue;
        if (walks_alone(ring) && last && last->ring == e.ring && last->steps == e.steps)
            last->ends = true;
        else
            tape->event[kept++] = e;
    }
    tape->events = kept;
}

static bool same_time(const NetworkTime *a, const NetworkTime *b)
{
    bool same = a->latency == b->latency;
    for (Route r = 0; r < ROUTES; r++) same = same && a->busy[r] == b->busy[r];
    return same;
}

static bool are_alike(const TapeRing *a, const TapeRing *b)
{
    bool alike =
        a->group == b->group && a->shape.purpose == b->shape.purpose && a->shape.legs == b->shape.legs;
    for (int i = 0; alike && i < a->shape.legs; i++) alike = same_time(&a->shape.leg[i], &b->shape.leg[i]);
    return alike;
}

/* What they count is counted together. */
static void find_alike(Tape *tape)
{
    for (int i = 0; i < tape->events; i++) {
        TapeEvent *e = &tape->event[i];
        e->like = 0;
        while (!are_alike(&tape->ring[e->like], &tape->ring[e->ring])) e->like++;
    }
}

bool tape_stop(Tape *tape, Comm *comm)
{
    comm->tape = NULL;
    comm->lanes->told = NULL;
    bool closed = true;
    for (int i = 0; i < tape->rings; i++) {
        closed &= tape->ring[i].ended;
        count(tape, &tape->ring[i].shape);
    }
    shorten(tape);
    find_alike(tape);
    const bool good = closed && !tape->spoiled && tape->singles == comm->singles && comm->lates == 0;
    tape->play = tape->step;
    if (good && comm->shelf) {
        tape->play = shelf_keep(comm->shelf, tape->step, tape->steps);
        tape->step = NULL;
    }
    return good;
}

int tape_ring_begin(Tape *tape, Group *group, const RingShape *shape)
{
    tape->ring = allocate_more(tape->ring, (size_t)tape->rings, sizeof *tape->ring);
    tape->ring[tape->rings] = (TapeRing){.group = group, .shape = *shape};
    note(tape, tape->rings, false);
    return tape->rings++;
}

void tape_ring_end(Tape *tape, int ring)
{
    tape->spoiled |= ring < 0;
    if (ring < 0) return;
    tape->ring[ring].ended = true;
    note(tape, ring, true);
}

/* A ring under way again. */
typedef struct Again {
    int tag;
    double start;
} Again;

static void begin_again(const TapeRing *ring, Again *a, Comm *comm)
{
    *a = (Again){.tag = group_tag(ring->group), .start = comm_ring_open(comm)};
    if (ring->shape.legs > 0) comm_ring_come(ring->group, a->tag, a->start);
}

static void end_again(const TapeRing *ring, Again *a, Comm *comm)
{
    if (ring->shape.legs > 0) a->start = comm_ring_meet(ring->group, a->tag, a->start);
    comm_ring_end(comm, &ring->shape, a->start);
}

void tape_play(const Tape *tape, Comm *comm)
{
    enum { FEW = 32 };
    Again few[FEW], *again = tape->rings > FEW ? allocate((size_t)tape->rings * sizeof *again) : few;
    int done = 0;
    for (const TapeCount *c = tape->count; c < tape->count + tape->counts; c++) {
        comm_count(comm, c->purpose, c->messages, c->bytes);
        comm->across[c->purpose] += c->across;
    }
    for (int i = 0; i < tape->events; i++) {
        const TapeEvent *e = &tape->event[i];
        lanes_replay(comm->lanes, tape->play + done, e->steps - done);
        done = e->steps;
        const TapeRing *ring = &tape->ring[e->like];
        if (e->begins && e->ends) {
            comm_ring_alone(comm, &ring->shape);
            continue;
        }
        if (e->ends)
            end_again(ring, &again[e->ring], comm);
        else
            begin_again(ring, &again[e->ring], comm);
    }
    lanes_replay(comm->lanes, tape->play + done, tape->steps - done);
    if (again != few) free(again);
}

void tape_free(Tape *tape)
{
    free(tape->step);
    free(tape->event);
    free(tape->ring);
    free(tape->count);
    *tape = (Tape){0};
}
