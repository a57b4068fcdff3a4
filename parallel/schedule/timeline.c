/* timeline.c - walks the lists of all ranks, each as far as its messages allow.
 *
 * A rank that meets a receive without its message is put aside; the send that
 * makes the message takes it up again. So every action is looked at once. */
#include "parallel/schedule/timeline.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/port.h"

typedef struct Letter {
    bool posted;
    double busy, sent, left; /* left: the sender's port */
} Letter;

typedef struct Walk {
    const Plan *plan;
    const Durations *durations;
    Timeline *timeline;
    Letter *forward, *backward; /* (stages, m), at the sender's stage */
    int *next;                  /* (p): the action a rank is at */
    const Letter **awaited;     /* (p): what a rank was put aside for */
    double *now;                /* (p) */
    Port *out, *in;             /* (p) */
    int *held, *held_input;     /* (p) */
    int *ready, readies;        /* ranks to take up again */
} Walk;

static bool is_send(ActionKind kind)
{
    return kind == ACTION_SEND_FORWARD || kind == ACTION_SEND_BACKWARD;
}

static bool is_receive(ActionKind kind)
{
    return kind == ACTION_RECV_FORWARD || kind == ACTION_RECV_BACKWARD;
}

/* The other stage of a send or receive. */
static int peer_stage(Action a)
{
    return a.kind == ACTION_SEND_FORWARD || a.kind == ACTION_RECV_BACKWARD ? a.stage + 1 : a.stage - 1;
}

static Letter *letter_of(const Walk *w, Action a)
{
    Letter *letters =
        a.kind == ACTION_SEND_FORWARD || a.kind == ACTION_RECV_FORWARD ? w->forward : w->backward;
    int stage = is_send(a.kind) ? a.stage : peer_stage(a);
    return letters + (size_t)stage * w->plan->shape.m + a.microbatch;
}

static bool send_letter(Walk *w, int rank, Action a, Error *error)
{
    char text[64];
    Letter *letter = letter_of(w, a);
    int to = w->plan->rank_of[peer_stage(a)];
    if (letter->posted)
        return error_set(error, "rank %d does %s twice", rank, action_text(a, text, sizeof text));
    double busy = w->durations->message ? w->durations->message(w->durations->context, rank, to, a) : 0;
    double now = w->now[rank];
    *letter = (Letter){true, busy, now, port_take(&w->out[rank], now, busy)};
    if (w->awaited[to] == letter) {
        w->awaited[to] = NULL;
        w->ready[w->readies++] = to;
    }
    return true;
}

/* False when the letter has not been sent. */
static bool receive_letter(Walk *w, int rank, Action a)
{
    Letter *letter = letter_of(w, a);
    RankTimeline *r = &w->timeline->rank[rank];
    if (!letter->posted) {
        w->awaited[rank] = letter;
        return false;
    }
    if (letter->sent > w->now[rank]) {
        r->idle += letter->sent - w->now[rank];
        w->now[rank] = letter->sent;
    }
    double from = letter->left - letter->busy + w->durations->latency; /* its first byte's arrival */
    double arrives = port_take(&w->in[rank], from, letter->busy);
    if (arrives > w->now[rank]) {
        r->wire += arrives - w->now[rank];
        w->now[rank] = arrives;
    }
    return true;
}

static void count_held(Walk *w, int rank, ActionKind kind)
{
    RankTimeline *r = &w->timeline->rank[rank];
    int *held = &w->held[rank], *held_input = &w->held_input[rank];
    if (kind == ACTION_FORWARD) ++*held, ++*held_input;
    if (kind == ACTION_BACKWARD || kind == ACTION_INPUT) --*held_input;
    if (kind == ACTION_BACKWARD || kind == ACTION_WEIGHT) --*held;
    if (*held > r->in_flight) r->in_flight = *held;
    if (*held_input > r->in_flight_input) r->in_flight_input = *held_input;
}

/* As far as it goes. */
static bool advance(Walk *w, int rank, Error *error)
{
    const Schedule *list = &w->plan->list[rank];
    RankTimeline *r = &w->timeline->rank[rank];
    for (; w->next[rank] < list->count; w->next[rank]++) {
        Action a = list->action[w->next[rank]];
        double start = w->now[rank];
        if (is_receive(a.kind)) {
            if (!receive_letter(w, rank, a)) return true;
        } else if (is_send(a.kind)) {
            if (!send_letter(w, rank, a, error)) return false;
        } else {
            double seconds = w->durations->seconds(w->durations->context, rank, a);
            r->busy += seconds;
            w->now[rank] += seconds;
            count_held(w, rank, a.kind);
        }
        r->span[w->next[rank]] = (Span){start, w->now[rank]};
    }
    return true;
}

/* Whether a rank still has the send that a receive waits for. */
static bool will_send(const Walk *w, int rank, Action receive)
{
    const Schedule *list = &w->plan->list[rank];
    for (int i = w->next[rank]; i < list->count; i++) {
        Action a = list->action[i];
        if (is_send(a.kind) && letter_of(w, a) == letter_of(w, receive)) return true;
    }
    return false;
}

/* Names the rank whose message nobody sends: that is where the mistake is. Without one, ranks wait for each
 * other in a circle, and the circle is named. */
static bool name_deadlock(const Walk *w, Error *error)
{
    enum { NAMED = 8 };
    char text[64], chain[1024] = "";
    int rank = -1;
    for (int r = 0; r < w->plan->shape.p; r++) {
        if (!w->awaited[r]) continue;
        Action a = w->plan->list[r].action[w->next[r]];
        rank = r;
        if (!will_send(w, w->plan->rank_of[peer_stage(a)], a))
            return error_set(error, "deadlock: rank %d waits at %s: nobody sends it", r,
                             action_text(a, text, sizeof text));
    }
    /* after p steps from anywhere one is in the circle; after p more one has seen its lowest rank */
    int first = INT_MAX;
    for (int step = 0; step < 2 * w->plan->shape.p; step++) {
        rank = w->plan->rank_of[peer_stage(w->plan->list[rank].action[w->next[rank]])];
        if (step >= w->plan->shape.p && rank < first) first = rank;
    }
    rank = first;
    for (int named = 0; named < NAMED && (named == 0 || rank != first); named++) {
        Action a = w->plan->list[rank].action[w->next[rank]];
        size_t used = strlen(chain);
        int sender = w->plan->rank_of[peer_stage(a)];
        snprintf(chain + used, sizeof chain - used, "%srank %d waits at %s for rank %d", used ? "; " : "",
                 rank, action_text(a, text, sizeof text), sender);
        rank = sender;
    }
    return error_set(error, "deadlock: %s%s", chain, rank == first ? "" : "; ...");
}

static void total(Timeline *t, const double *now)
{
    double idle = 0;
    for (int rank = 0; rank < t->ranks; rank++)
        if (now[rank] > t->end) t->end = now[rank];
    for (int rank = 0; rank < t->ranks; rank++) {
        RankTimeline *r = &t->rank[rank];
        r->idle += t->end - now[rank];
        r->bubble = t->end > 0 ? r->idle / t->end : 0;
        idle += r->idle;
    }
    t->bubble = t->end > 0 ? idle / (t->ranks * t->end) : 0;
}

static bool checked(const Plan *plan, Error *error)
{
    Place place;
    Error what;
    if (!plan->lowered) return error_set(error, "a plan without sends and receives cannot be walked");
    if (plan_check(plan, &place, &what)) return true;
    if (place.index < 0) return error_set(error, "rank %d: %s", place.rank, what.text);
    return error_set(error, "rank %d, action %d: %s", place.rank, place.index, what.text);
}

bool timeline_walk(Timeline *timeline, const Plan *plan, const Durations *durations, Error *error)
{
    *timeline = (Timeline){0};
    if (!checked(plan, error)) return false;
    size_t p = (size_t)plan->shape.p, letters = (size_t)plan->stages * plan->shape.m;
    *timeline = (Timeline){.ranks = plan->shape.p, .rank = allocate_zeroed(p, sizeof *timeline->rank)};
    Walk w = {.plan = plan, .durations = durations, .timeline = timeline};
    w.forward = allocate_zeroed(letters, sizeof *w.forward);
    w.backward = allocate_zeroed(letters, sizeof *w.backward);
    w.next = allocate_zeroed(p, sizeof *w.next);
    w.awaited = allocate_zeroed(p, sizeof *w.awaited);
    w.now = allocate_zeroed(p, sizeof *w.now);
    w.out = allocate_zeroed(p, sizeof *w.out);
    w.in = allocate_zeroed(p, sizeof *w.in);
    w.held = allocate_zeroed(p, sizeof *w.held);
    w.held_input = allocate_zeroed(p, sizeof *w.held_input);
    w.ready = allocate(p * sizeof *w.ready); /* a rank is here at most once */
    for (int rank = plan->shape.p - 1; rank >= 0; rank--) {
        timeline->rank[rank].span = allocate_zeroed((size_t)plan->list[rank].count, sizeof(Span));
        w.ready[w.readies++] = rank;
    }
    bool good = true, ended = true;
    while (good && w.readies) good = advance(&w, w.ready[--w.readies], error);
    for (int rank = 0; rank < plan->shape.p; rank++) ended = ended && w.next[rank] == plan->list[rank].count;
    if (good && !ended) good = name_deadlock(&w, error);
    if (good)
        total(timeline, w.now);
    else
        timeline_free(timeline);
    free(w.forward);
    free(w.backward);
    free(w.next);
    free(w.awaited);
    free(w.now);
    for (size_t rank = 0; rank < p; rank++) {
        port_free(&w.out[rank]);
        port_free(&w.in[rank]);
    }
    free(w.out);
    free(w.in);
    free(w.held);
    free(w.held_input);
    free(w.ready);
    return good;
}

void timeline_free(Timeline *timeline)
{
    for (int rank = 0; rank < timeline->ranks; rank++) free(timeline->rank[rank].span);
    free(timeline->rank);
    *timeline = (Timeline){0};
}

static double ideal_seconds(void *context, int rank, Action a)
{
    const Ideal *ideal = context;
    (void)rank;
    switch (a.kind) {
    case ACTION_FORWARD: return ideal->forward;
    case ACTION_BACKWARD: return ideal->backward;
    case ACTION_INPUT: return ideal->input;
    case ACTION_WEIGHT: return ideal->weight;
    default: return 0;
    }
}

Durations timeline_ideal(Ideal *ideal)
{
    return (Durations){.seconds = ideal_seconds, .context = ideal};
}
