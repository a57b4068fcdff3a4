/* trace.h - the recorded step of a run as a trace: a process a rank, a thread a lane, an arrow a message, and the
 * memory held. */
#ifndef SIM_TRACE_TRACE_H
#define SIM_TRACE_TRACE_H
#include <stdbool.h>
#include <stdio.h>
#include "sim/file/run_file.h"

enum { TRACE_LANES = 16 };

typedef struct Trace {
    RunFile *run;
    TimelineRow *rows; /* of all actions; rank -1: of no use */
    double *held;      /* [actions][categories] bytes as the action ended */
    double *peak;      /* [actions] */
    int64_t *message;  /* [actions] the number of its message, or 0 */
    bool *traced;      /* [run->recorded] whether the rank has rows */
    bool measured;     /* by the wall clock, in place of simulated time */
    char lane[TRACE_LANES][64];
    int lanes, ranks;
    size_t actions; /* of use */
    int64_t messages;
} Trace;

/* False, with a line that names the file, where it is no run's or has no times of that clock. */
bool trace_read(Trace *trace, const char *path, bool measured, Error *error);
/* Prints it as JSON; `out` keeps whether all of it could be. */
void trace_write(FILE *out, const void *trace);
void trace_free(Trace *trace);

/* What its times are: "simulated time". */
const char *trace_clock(const Trace *trace);
#endif
