/* traced.h - a file of `sim trace`, parsed, beside the run file it was made of. */
#ifndef TESTS_SUPPORT_TRACED_H
#define TESTS_SUPPORT_TRACED_H
#include <jansson.h>
#include "sim/file/run_file.h"

/* A slice, a counter's sample or an end of an arrow, in the order of the file. */
typedef struct TracedEvent {
    char phase;
    int process, thread; /* thread 0: none is told */
    int64_t begin, end;  /* ns */
    int64_t id;          /* of an arrow, or 0 */
    const char *name, *category;
    json_t *args;
} TracedEvent;

typedef struct Traced {
    json_t *root;
    TracedEvent *event;
    size_t events;
    RunFile *run;
    TimelineRow *rows;
    double *held; /* [actions][categories] */
} Traced;

/* Fails the test where either cannot be read, or an event is not one of the format's. */
Traced traced_open(const char *trace, const char *run);
void traced_close(Traced *traced);
/* What a number of the format, in us, is in ns: asserts that they are whole, and stay so for a reader that cuts off what
 * is below one. */
int64_t traced_nanoseconds(json_t *microseconds);
/* The text of the argument that a metadata event has for a process or one of its threads; NULL: there is no such. */
const char *traced_name(const Traced *traced, const char *what, int process, int thread,
                        const char *argument);
/* Asserts that every row of the timeline has its slice, to the ns, in the lane it names, with what it spent waiting and
 * computing again, and its memory, and that there are no others; by simulated time, or as `measured`. */
void traced_has_rows(const Traced *traced, bool measured);
/* Asserts that from every send an arrow leads to the receive of that message, so many in all. */
void traced_has_arrows(const Traced *traced, int messages, bool measured);
/* Asserts that slices of a track follow one another or lie within one another. */
void traced_nests(const Traced *traced);
#endif
