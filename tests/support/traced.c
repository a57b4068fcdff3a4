/* traced.c - parsing a trace by what the format says, and nothing that its writer knows. */
#include "tests/support/traced.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/check.h"

int64_t traced_nanoseconds(json_t *microseconds)
{
    assert_true(json_is_number(microseconds));
    const double us = json_number_value(microseconds);
    const int64_t ns = llround(1000 * us);
    assert_true(fabs(1000 * us - (double)ns) <= 1e-9 * fabs((double)ns));
    assert_int_equal((int64_t)(1000 * us), ns);
    return ns;
}

static TracedEvent event_of(json_t *json)
{
    const char *phase = json_string_value(json_object_get(json, "ph"));
    assert_non_null(phase);
    assert_int_equal(strlen(phase), 1);
    TracedEvent event = {.phase = phase[0],
                         .process = (int)json_integer_value(json_object_get(json, "pid")),
                         .thread = (int)json_integer_value(json_object_get(json, "tid")),
                         .name = json_string_value(json_object_get(json, "name")),
                         .category = json_string_value(json_object_get(json, "cat")),
                         .args = json_object_get(json, "args")};
    assert_non_null(event.name);
    assert_true(json_is_integer(json_object_get(json, "pid")));
    assert_non_null(strchr("MXCsf", event.phase));
    if (event.phase == 'M') return event;
    event.begin = event.end = traced_nanoseconds(json_object_get(json, "ts"));
    if (event.phase != 'C') assert_true(event.thread > 0);
    if (event.phase == 'X') {
        const int64_t length = traced_nanoseconds(json_object_get(json, "dur"));
        assert_true(length >= 0);
        event.end += length;
    }
    if (event.phase == 's' || event.phase == 'f') {
        event.id = json_integer_value(json_object_get(json, "id"));
        assert_true(event.id > 0);
    }
    if (event.phase == 'f') assert_string_equal(json_string_value(json_object_get(json, "bp")), "e");
    return event;
}

Traced traced_open(const char *trace, const char *run)
{
    json_error_t why;
    Error error = {""};
    Traced t = {.root = json_load_file(trace, JSON_REJECT_DUPLICATES, &why)};
    if (!t.root) fail_msg("%s:%d: %s", trace, why.line, why.text);
    json_t *events = json_object_get(t.root, "traceEvents");
    t.events = json_array_size(events);
    assert_true(t.events > 0);
    t.event = allocate(t.events * sizeof *t.event);
    for (size_t i = 0; i < t.events; i++) t.event[i] = event_of(json_array_get(events, i));
    t.run = run_file_open(run, &error);
    t.rows = t.run ? run_file_actions(t.run, &error) : NULL;
    double *peak = NULL;
    if (t.rows) run_file_memory(t.run, t.rows, &t.held, &peak, &error);
    free(peak);
    assert_string_equal(error.text, "");
    return t;
}

void traced_close(Traced *t)
{
    run_file_close(t->run);
    free(t->rows);
    free(t->held);
    free(t->event);
    json_decref(t->root);
}

const char *traced_name(const Traced *t, const char *what, int process, int thread, const char *argument)
{
    for (size_t i = 0; i < t->events; i++) {
        const TracedEvent *e = &t->event[i];
        if (e->phase == 'M' && e->process == process && e->thread == thread && !strcmp(e->name, what))
            return json_string_value(json_object_get(e->args, argument));
    }
    return NULL;
}

/* As a viewer piles them up: of slices that begin at once the longest lies below. */
static int by_track(const void *a, const void *b)
{
    const TracedEvent *x = a, *y = b;
    if (x->process != y->process) return x->process - y->process;
    if (x->thread != y->thread) return x->thread - y->thread;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end < y->end) - (x->end > y->end);
}

void traced_nests(const Traced *t)
{
    enum { DEEP = 8 };
    TracedEvent *slice = allocate(t->events * sizeof *slice), *below[DEEP];
    size_t slices = 0;
    int deep = 0;
    for (size_t i = 0; i < t->events; i++)
        if (t->event[i].phase == 'X') slice[slices++] = t->event[i];
    qsort(slice, slices, sizeof *slice, by_track);
    for (size_t i = 0; i < slices; i++) {
        const TracedEvent *s = &slice[i];
        while (deep && (below[deep - 1]->process != s->process || below[deep - 1]->thread != s->thread ||
                        below[deep - 1]->end <= s->begin))
            deep--;
        if (deep && s->end > below[deep - 1]->end)
            fail_msg("'%s' of rank %d begins in '%s' and ends after it", s->name, s->process,
                     below[deep - 1]->name);
        assert_true(deep < DEEP);
        below[deep++] = &slice[i];
    }
    free(slice);
}
