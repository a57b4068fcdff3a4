/* traced_run.c - a trace held against the rows of its run file. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "tests/support/check.h"
#include "tests/support/traced.h"

static bool is_part(const TracedEvent *e)
{
    return e->category && !strcmp(e->category, "part");
}

/* The ns of the part of that name among the events of an action, which follow its slice: at its end, or its beginning. */
static int64_t part_of(const TracedEvent *action, const char *name, bool last)
{
    for (const TracedEvent *e = action + 1; e->phase == 'X' && is_part(e); e++) {
        if (strcmp(e->name, name) != 0) continue;
        assert_true(e->process == action->process && e->thread == action->thread);
        assert_true(last ? e->end == action->end : e->begin == action->begin);
        return e->end - e->begin;
    }
    return 0;
}

static int64_t ns(double seconds)
{
    return llround(1e9 * seconds);
}

static void check_parts(const TracedEvent *e, const TimelineRow *row)
{
    const bool receives = !strncmp(row->action, "RECV", 4);
    const int64_t wait = part_of(e, receives ? "wire" : "communication", true);
    assert_int_equal(wait, ns(row->communication));
    if (receives)
        assert_int_equal(part_of(e, "idle", false), e->end - e->begin - wait);
    else
        assert_int_equal(part_of(e, "recompute", false), ns(row->recompute));
    assert_int_equal(part_of(e, receives ? "recompute" : "idle", false), 0);
}

static void check_slice(const Traced *t, const TracedEvent *e, const TimelineRow *row, bool measured)
{
    char name[64];
    assert_int_equal(e->process, row->rank);
    assert_string_equal(traced_name(t, "thread_name", e->process, e->thread, "name"), row->lane);
    snprintf(name, sizeof name, row->microbatch < 0 ? "%s" : "%s %d", row->action, row->microbatch);
    assert_string_equal(e->name, name);
    assert_string_equal(e->category, row->action);
    assert_int_equal(e->begin, ns(measured ? row->measured_start : row->simulated_start));
    assert_int_equal(e->end, ns(measured ? row->measured_end : row->simulated_end));
    const json_t *stage = json_object_get(e->args, "stage"), *mb = json_object_get(e->args, "microbatch");
    assert_int_equal(stage ? json_integer_value(stage) : -1, row->stage);
    assert_int_equal(mb ? json_integer_value(mb) : -1, row->microbatch);
    if (measured) {
        const double us = json_number_value(json_object_get(e->args, "cpu_us"));
        assert_true(fabs(us - 1e6 * row->measured_compute) <= 1e-9 * us);
        assert_true(e[1].phase != 'X' || !is_part(&e[1])); /* the parts are of simulated time */
    } else
        check_parts(e, row);
}

/* The memory held, as the action ended. */
static void check_counter(const Traced *t, const TracedEvent *c, const TracedEvent *action, size_t row)
{
    assert_int_equal(c->process, action->process);
    assert_int_equal(c->begin, action->end);
    assert_int_equal(json_object_size(c->args), t->run->categories);
    for (size_t k = 0; k < t->run->categories; k++) {
        const json_t *bytes = json_object_get(c->args, t->run->category[k]);
        assert_true(json_is_integer(bytes));
        assert_true((double)json_integer_value(bytes) == t->held[row * t->run->categories + k]);
    }
}

/* An action's slice and counter of every row, in their order, and no others. */
void traced_has_rows(const Traced *t, bool measured)
{
    size_t at = 0, counters = 0, slices = 0;
    for (size_t i = 0; i < t->events; i++) {
        counters += t->event[i].phase == 'C';
        slices += t->event[i].phase == 'X' && !is_part(&t->event[i]);
    }
    assert_int_equal(counters, slices);
    for (size_t row = 0; row < t->run->actions; row++) {
        if (!t->rows[row].action[0]) continue;
        while (at < t->events && (t->event[at].phase != 'X' || is_part(&t->event[at]))) at++;
        assert_true(at < t->events);
        const TracedEvent *action = &t->event[at++];
        check_slice(t, action, &t->rows[row], measured);
        while (at < t->events && t->event[at].phase != 'C') at++;
        assert_true(at < t->events);
        check_counter(t, &t->event[at], action, row);
        slices--;
    }
    assert_int_equal(slices, 0);
}

/* The slice of an action in which the end of an arrow lies: that before it in the file. */
static const TracedEvent *slice_at(const Traced *t, const TracedEvent *arrow)
{
    const TracedEvent *e = arrow;
    while (e > t->event && (e->phase != 'X' || is_part(e))) e--;
    assert_true(e->process == arrow->process && e->thread == arrow->thread);
    assert_true(e->begin <= arrow->begin && arrow->begin <= e->end);
    return e;
}

static int64_t argument(const TracedEvent *e, const char *name)
{
    return json_integer_value(json_object_get(e->args, name));
}

/* From a send to the receive of that message, in the same pipeline. */
static void check_arrow(const Traced *t, const TracedEvent *leaves, const TracedEvent *arrives, bool measured)
{
    const TracedEvent *send = slice_at(t, leaves), *receive = slice_at(t, arrives);
    const MeshPlace from = mesh_place(t->run->shape.mesh, send->process),
                    to = mesh_place(t->run->shape.mesh, receive->process);
    const bool forward = !strcmp(send->category, "SEND_F");
    assert_true(forward || !strcmp(send->category, "SEND_B"));
    assert_string_equal(receive->category, forward ? "RECV_F" : "RECV_B");
    assert_int_equal(argument(send, "microbatch"), argument(receive, "microbatch"));
    assert_int_equal(argument(receive, "stage") - argument(send, "stage"), forward ? 1 : -1);
    assert_true(from.data == to.data && from.tensor == to.tensor && from.pipe != to.pipe);
    assert_string_equal(leaves->name, arrives->name);
    assert_string_equal(leaves->category, arrives->category);
    if (!measured) assert_true(leaves->begin <= arrives->begin);
}

/* One of every message: as many as the file has sends, and receives. */
void traced_has_arrows(const Traced *t, int messages, bool measured)
{
    int sends = 0, receives = 0, arrows = 0;
    for (size_t i = 0; i < t->run->actions; i++) {
        sends += !strncmp(t->rows[i].action, "SEND", 4);
        receives += !strncmp(t->rows[i].action, "RECV", 4);
    }
    for (size_t i = 0; i < t->events; i++) {
        const TracedEvent *leaves = &t->event[i], *arrives = NULL;
        if (leaves->phase != 's') continue;
        for (size_t j = 0; j < t->events; j++) {
            const TracedEvent *e = &t->event[j];
            if (j == i || e->id != leaves->id) continue;
            assert_null(arrives);
            assert_int_equal(e->phase, 'f');
            arrives = e;
        }
        assert_non_null(arrives);
        check_arrow(t, leaves, arrives, measured);
        arrows++;
    }
    assert_true(arrows == messages && sends == messages && receives == messages);
    for (size_t i = 0; i < t->events; i++) arrows -= t->event[i].phase == 'f';
    assert_int_equal(arrows, 0);
}
