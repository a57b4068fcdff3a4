/* progress.h - how far something is that takes its time: on a terminal one line, rewritten; in a log a plain line
 * now and then.
 *
 *     if (progress_due(p, done)) progress_show(p, "step %d/%d", ...);      "  step 3/60   12 s left" */
#ifndef SIM_BASE_PROGRESS_H
#define SIM_BASE_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What is over sooner shows nothing, unless it is to be shown in any case. */
#define PROGRESS_QUIET 2.0 /* seconds */

/* In a log no longer than this without a line. */
#define PROGRESS_SILENT 300.0 /* seconds */

typedef struct Progress {
    FILE *out;
    bool terminal, shown;
    double total, done;              /* of whatever it is measured in */
    double quiet, began, last_shown; /* seconds; `quiet`: nothing is shown before */
    double next;                     /* in a log: what is done by the next line */
} Progress;

/* On standard output. */
void progress_begin(Progress *p, double total, double quiet);
/* On standard error, beside what others may read from standard output; quiet. */
void progress_begin_aside(Progress *p, double total);
/* Whether a line is due, now that so much is done: on a terminal ten times a second at most; in a log the first, then
 * each tenth, and one after five minutes without. The last always is, where there was another. */
bool progress_due(Progress *p, double done);
/* The line, and the time that is left if all goes on as it went, as soon as that can be told. */
void progress_show(Progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_end(Progress *p); /* leaves the line behind */
#endif
