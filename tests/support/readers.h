/* readers.h - all that reads run files, each in a process of its own, watched. */
#ifndef TESTS_SUPPORT_READERS_H
#define TESTS_SUPPORT_READERS_H
#include <stddef.h>

typedef enum { READ_REPORT, READ_PLOT, READ_TRACE, READ_INSPECT, READ_BASELINE, READERS } Reader;
extern const char *const reader_name[READERS];

enum { SAID_MOST = 1 << 16 };

typedef struct Reading {
    int status;           /* the exit status; -SIGNAL when one ended it */
    int lines;            /* that begin with "sim: " */
    double seconds;       /* of CPU time */
    double megabytes;     /* most resident at a time */
    char said[SAID_MOST]; /* on both streams */
} Reading;

/* `sim report`, the scripts of `sim plot` (without gnuplot, so that a file that can be drawn ends in status 1, and
 * a line that it is missing), `sim trace` as it prints, `sim inspect`, or the reading of output.baseline for a
 * run like sample_run()'s. Charts land in `folder`. Ended by SIGALRM after 20 s. */
void readers_read(Reading *reading, Reader reader, const char *path, const char *folder);

/* Why that reading is not as it must be: exit 0, or 2 with one line, within 2 s and 1 GB; "" when it is. */
void readers_judge(const Reading *reading, char *why, size_t size);
/* Whether the file was read: exit 0, or all of plot's scripts written. */
int readers_accepted(const Reading *reading);
#endif
