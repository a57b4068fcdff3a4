/* port.h - one direction of a rank's link to the network, in simulated time: when it is taken.
 *
 * A rank has a port out and a port in, and whatever uses one gets the time that nothing before it has taken, in
 * pieces where that is what is left (packets of several messages mix). So no rank sends or receives faster than
 * its link, however many messages and rings are on their way; who asks first is served first, and ranks ask in
 * the order of their program, which does not depend on the machine. */
#ifndef PARALLEL_WIRE_PORT_H
#define PARALLEL_WIRE_PORT_H

typedef struct PortSpan {
    double start, end;
} PortSpan;

typedef struct Port {
    PortSpan *taken; /* ascending, with time between them */
    int count, capacity;
} Port;

/* port_take() of some seconds, whatever is taken already. */
double port_take_between(Port *port, double from, double seconds);
/* Takes `seconds` of what is free from `from` on; returns when the last of them ends. 0 seconds end at `from`. Here, as
 * dry runs do so several times an action; most come after all others, and find room. */
static inline double port_take(Port *port, double from, double seconds)
{
    if (!(seconds > 0)) return from;
    if (port->count == port->capacity || (port->count > 0 && !(port->taken[port->count - 1].end < from)))
        return port_take_between(port, from, seconds);
    port->taken[port->count++] = (PortSpan){from, from + seconds};
    return from + seconds;
}
/* Seconds that are taken between two moments; and all that are, on top of some of before. */
double port_taken(const Port *port, double from, double until);
double port_taken_in_all(const Port *port, double seconds);
/* Nobody will ask from a moment before this one on: what ended before it is forgotten, and its seconds are added to these,
 * where they are not NULL, one after the other as they would be were none forgotten: to the last bit. */
void port_settle(Port *port, double before, double *seconds);
/* What is taken of one is taken of the other. */
void port_copy(Port *to, const Port *from);
/* Nothing is taken any more. */
void port_clear(Port *port);
void port_free(Port *port);
#endif
