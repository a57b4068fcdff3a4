/* stall.c - the words, and the last messages of a job. */
#include "parallel/wire/stall.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "models/machine/error.h"

/* ---- in words ---- */

const char *waits_at(const Comm *comm, char *text, size_t size)
{
    *text = '\0';
    if (comm->at) comm->at(comm->whose, text, size);
    return text;
}

void waits_of(const Request *request, double seconds, Waits *waits)
{
    *waits = (Waits){.waits = true,
                     .rank = request->comm->rank,
                     .peer = request->peer,
                     .channel = request->channel,
                     .tag = request->tag,
                     .purpose = request->purpose,
                     .receives = request->receives,
                     .bytes = request->bytes,
                     .seconds = seconds};
    waits_at(request->comm, waits->at, sizeof waits->at);
}

const char *waits_text(const Waits *w, char *text, size_t size)
{
    const char *space = w->at[0] ? " " : "", *name = purpose_row[w->purpose].name;
    char since[32] = "";
    if (w->seconds > 0) snprintf(since, sizeof since, ", for %.3g s", w->seconds);
    if (w->peer < 0)
        snprintf(text, size, "rank %d waits %s%sfor all ranks to come to their end%s", w->rank, w->at, space,
                 since);
    else if (w->receives)
        snprintf(text, size, "rank %d waits %s%sfor %zu bytes of %s from rank %d (channel %d, tag %d)%s",
                 w->rank, w->at, space, w->bytes, name, w->peer, w->channel, w->tag, since);
    else
        snprintf(text, size, "rank %d waits %s%sfor rank %d to take %zu bytes of %s (channel %d, tag %d)%s",
                 w->rank, w->at, space, w->peer, w->bytes, name, w->channel, w->tag, since);
    return text;
}

/* ---- the end ---- */

/* A tenth of what was waited, from 1 to 10 s: who computes may come to wait meanwhile. */
static double grace_of(const Comm *comm)
{
    return fmin(fmax(comm->stall_timeout / 10, 1), 10);
}

/* What all have told, by rank. */
static _Noreturn void report(const Comm *comm, const Waits *told, const StallDoor *door)
{
    enum { NAMED = 8 };
    char line[STALL_LINE], where[STALL_LINE / 2], silent[NAMED * STALL_LINE / 2] = "";
    int waiting = 0, missing = 0;
    size_t used = 0;
    fflush(stdout);
    for (int r = 0; r < comm->size; r++) {
        if (told[r].waits) {
            fprintf(stderr, "  %s\n", waits_text(&told[r], line, sizeof line));
            waiting++;
        } else if (missing++ < NAMED) {
            door->where(r, where, sizeof where);
            used += (size_t)snprintf(silent + used, sizeof silent - used, "%s%d (%s)", used ? ", " : "", r,
                                     where);
        }
    }
    if (missing == 0)
        fail("stalled: all %d ranks wait for each other, as above, one of them for output.stall_timeout = %g "
             "seconds; the network between them may have lost a message",
             comm->size, comm->stall_timeout);
    fail("stalled: %d of %d rank%s waited, as above, one of them for output.stall_timeout = %g seconds, and "
         "rank%s %s%s did not answer: stopped, lost, or at work for so long; see to %s, or try a larger "
         "output.stall_timeout",
         waiting, comm->size, comm->size == 1 ? "" : "s", comm->stall_timeout, missing == 1 ? "" : "s",
         silent, missing > NAMED ? ", ..." : "", missing == 1 ? "it" : "them");
}

static void keep(Waits *told, int size, const Waits *w)
{
    if (w->rank >= 0 && w->rank < size) told[w->rank] = *w;
}

/* The lowest of those that have told prints for all; where nothing comes of that, as it was stopped itself, each does. */
static _Noreturn void end(const Patience *patience, const Request *request, const Waits *caller,
                          const StallDoor *door)
{
    static const struct timespec nap = {.tv_nsec = 1000000};
    const Comm *comm = request->comm;
    Waits *told = allocate_zeroed((size_t)comm->size, sizeof *told), *mine = &told[comm->rank], heard;
    if (caller) keep(told, comm->size, caller);
    waits_of(request, patience->waited, mine);
    for (int r = 0; r < comm->size; r++)
        if (r != comm->rank) door->tell(r, mine);
    double began = door->now(), grace = grace_of(comm);
    for (;;) {
        int first = 0;
        while (door->hear(&heard)) keep(told, comm->size, &heard);
        while (!told[first].waits) first++;
        double since = door->now() - began;
        if (since >= (first == comm->rank ? grace : 3 * grace)) report(comm, told, door);
        nanosleep(&nap, NULL);
    }
}

void stall_look(Patience *patience, const Request *request, const StallDoor *door)
{
    enum { BETWEEN_LOOKS = 1 };
    double timeout = request->comm->stall_timeout, now = door->now();
    Waits caller;
    if (timeout <= 0) return;
    if (patience->looked > 0) patience->waited += fmin(now - patience->looked, BETWEEN_LOOKS);
    patience->looked = now;
    bool called = door->hear(&caller);
    if (called || patience->waited >= timeout) end(patience, request, called ? &caller : NULL, door);
}
