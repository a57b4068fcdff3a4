/* event.h - one event of the Trace Event Format, which chrome://tracing and ui.perfetto.dev read, as JSON. */
#ifndef SIM_TRACE_EVENT_H
#define SIM_TRACE_EVENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A named text, or where that is NULL a number. */
typedef struct TraceValue {
    const char *name, *text;
    double number;
} TraceValue;

typedef enum {
    TRACE_SLICE = 'X',   /* what took from `begin` for `length` */
    TRACE_COUNTER = 'C', /* what its values are from `begin` on */
    TRACE_LEAVES = 's',  /* an arrow begins in the slice there, */
    TRACE_ARRIVES = 'f', /* and that of the same name and id ends in the slice there */
    TRACE_NAME = 'M'     /* what a process or a thread is called */
} TracePhase;

/* Texts are UTF-8. */
typedef struct TraceEvent {
    TracePhase phase;
    const char *name, *category;
    int process, thread;   /* thread 0: of the process as a whole */
    int64_t begin, length; /* ns */
    int64_t id;            /* of an arrow */
    const TraceValue *value;
    size_t values;
} TraceEvent;

typedef struct TraceFile {
    FILE *out; /* which keeps whether all could be written */
    bool some; /* an event is there */
} TraceFile;

/* The file's events come between the two ends, each on a line. */
TraceFile trace_file_begin(FILE *out);
void trace_file_event(TraceFile *file, const TraceEvent *event);
/* `about`: what is known of all of them. */
void trace_file_end(TraceFile *file, const TraceValue *about, size_t values);
#endif
