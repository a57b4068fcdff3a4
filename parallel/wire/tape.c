/* tape.c - noting events, and playing them. */
#include "parallel/wire/tape.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"

/* Room for one more of `bytes` each. */
static void *longer(void *old, int count, int *most, size_t bytes)
{
    if (count < *most) return old;
    *most = *most ? 2 * *most : 256;
    void *larger = allocate((size_t)*most * bytes);
    if (count) memcpy(larger, old, (size_t)count * bytes);
    free(old);
    return larger;
}

/* Room for the next event. */
static TapeEvent *note(Tape *tape)
{
    tape->event = longer(tape->event, tape->events, &tape->most_events, sizeof *tape->event);
    return &tape->event[tape->events++];
}

static void told(void *context, Part part, double seconds, bool launched)
{
    *note(context) =
        (TapeEvent){.kind = launched ? TAPE_LAUNCH : TAPE_COMPUTE, .part = part, .seconds = seconds};
}

void tape_record(Tape *tape, Comm *comm)
{
    *tape = (Tape){.singles = comm->singles};
    comm->tape = tape;
    comm->tapes++;
    comm->lanes->told = told;
    comm->lanes->told_context = tape;
}

bool tape_stop(Tape *tape, Comm *comm)
{
    comm->tape = NULL;
    comm->lanes->told = NULL;
    bool closed = true;
    for (int i = 0; i < tape->rings; i++) closed &= tape->ring[i].ended;
    return closed && !tape->spoiled && tape->singles == comm->singles && comm->lates == 0;
}

int tape_ring_begin(Tape *tape, Group *group, const RingShape *shape)
{
    tape->ring = longer(tape->ring, tape->rings, &tape->most_rings, sizeof *tape->ring);
    tape->ring[tape->rings] = (TapeRing){.group = group, .shape = *shape};
    *note(tape) = (TapeEvent){.kind = TAPE_RING_BEGIN, .ring = tape->rings};
    return tape->rings++;
}

void tape_ring_end(Tape *tape, int ring)
{
    tape->spoiled |= ring < 0;
    if (ring < 0) return;
    tape->ring[ring].ended = true;
    *note(tape) = (TapeEvent){.kind = TAPE_RING_END, .ring = ring};
}

/* A ring under way again. */
typedef struct Again {
    int tag;
    double start;
} Again;

static void begin_again(const TapeRing *ring, Again *a, const Comm *comm)
{
    *a = (Again){.tag = group_tag(ring->group), .start = comm_now(comm)};
    if (ring->shape.legs > 0) comm_ring_begin(ring->group, a->tag, &ring->shape, a->start);
}

static void end_again(const TapeRing *ring, Again *a, Comm *comm)
{
    if (ring->shape.legs > 0) a->start = comm_ring_meet(ring->group, a->tag, a->start);
    comm_ring_end(comm, &ring->shape, a->start);
}

void tape_play(const Tape *tape, Comm *comm)
{
    enum { FEW = 8 };
    Again few[FEW], *again = tape->rings > FEW ? allocate((size_t)tape->rings * sizeof *again) : few;
    Lanes *lanes = comm->lanes;
    Part before = lanes->part;
    for (int i = 0; i < tape->events; i++) {
        const TapeEvent *e = &tape->event[i];
        switch (e->kind) {
        case TAPE_COMPUTE:
            lanes_part(lanes, e->part);
            lanes_compute(lanes, e->seconds);
            break;
        case TAPE_LAUNCH:
            lanes_part(lanes, e->part);
            lanes_launch(lanes);
            break;
        case TAPE_RING_BEGIN: begin_again(&tape->ring[e->ring], &again[e->ring], comm); break;
        case TAPE_RING_END: end_again(&tape->ring[e->ring], &again[e->ring], comm); break;
        }
    }
    lanes_part(lanes, before);
    if (again != few) free(again);
}

void tape_free(Tape *tape)
{
    free(tape->event);
    free(tape->ring);
    *tape = (Tape){0};
}
