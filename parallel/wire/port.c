/* port.c - filling the gaps between what is taken. */
#include "parallel/wire/port.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"

/* The first span that ends at or after `time`: sought from the last back, in ever longer strides, as it is near. */
static int first_from(const Port *port, double time)
{
    int high = port->count, low = high - 1;
    for (int stride = 1; low >= 0 && !(port->taken[low].end < time); stride *= 2) {
        high = low;
        low -= stride;
    }
    low = low < 0 ? 0 : low + 1;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (port->taken[middle].end < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void make_room(Port *port, int capacity)
{
    port->taken = allocate_again(port->taken, (size_t)capacity * sizeof *port->taken);
    port->capacity = capacity;
}

void port_copy(Port *to, const Port *from)
{
    to->count = 0;
    if (to->capacity < from->count) make_room(to, from->capacity);
    if (from->count) memcpy(to->taken, from->taken, (size_t)from->count * sizeof *to->taken);
    to->count = from->count;
}

/* One span in place of [first, last). */
static void replace(Port *port, int first, int last, PortSpan span)
{
    enum { MORE = 4 }; /* memory that is not written to costs nothing, and a copy of all spans does */
    if (first == last && port->count == port->capacity)
        make_room(port, port->capacity ? MORE * port->capacity : 8);
    memmove(port->taken + first + 1, port->taken + last, (size_t)(port->count - last) * sizeof *port->taken);
    port->taken[first] = span;
    port->count += 1 - (last - first);
}

double port_take_between(Port *port, double from, double seconds)
{
    int first = first_from(port, from), last = first;
    double end = from + seconds; /* if no span from `last` on lies before it */
    while (last < port->count && port->taken[last].start < end) {
        const PortSpan *span = &port->taken[last++];
        end += span->end - (span->start > from ? span->start : from);
    }
    double start = last > first && port->taken[first].start < from ? port->taken[first].start : from;
    bool touches = last < port->count && port->taken[last].start == end;
    replace(port, first, last + touches, (PortSpan){start, touches ? port->taken[last].end : end});
    return end;
}

double port_taken(const Port *port, double from, double until)
{
    double seconds = 0;
    for (int i = first_from(port, from); i < port->count && port->taken[i].start < until; i++) {
        const PortSpan *span = &port->taken[i];
        seconds += (span->end < until ? span->end : until) - (span->start > from ? span->start : from);
    }
    return seconds;
}

static double sum(double seconds, const PortSpan *span, int count)
{
    for (int i = 0; i < count; i++) seconds += span[i].end - span[i].start;
    return seconds;
}

double port_taken_in_all(const Port *port, double seconds)
{
    return sum(seconds, port->taken, port->count);
}

void port_settle(Port *port, double before, double *seconds)
{
    const int gone = first_from(port, before);
    if (gone < port->count / 2) return; /* moving the others would take longer than it saves */
    if (seconds) *seconds = sum(*seconds, port->taken, gone);
    port->count -= gone;
    if (port->count) memmove(port->taken, port->taken + gone, (size_t)port->count * sizeof *port->taken);
}

void port_clear(Port *port)
{
    port->count = 0;
}

void port_free(Port *port)
{
    free(port->taken);
    *port = (Port){0};
}
