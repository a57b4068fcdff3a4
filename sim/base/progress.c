/* progress.c - when to show a line, and where. */
#include "sim/base/progress.h"
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/clock.h"
#include "sim/base/words.h"

/* Under mpirun our own output is always a pseudo-terminal, so what counts is
 * where mpirun's goes: it is our parent, on this machine. */
static bool on_terminal(int file)
{
    if (!isatty(file)) return false;
    if (!getenv("OMPI_COMM_WORLD_SIZE")) return true;
    char link[64], target[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)getppid(), file);
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n < 0) return false;
    target[n] = '\0';
    return strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
}

static Progress begun(FILE *out, double total, double quiet)
{
    return (Progress){.out = out,
                      .terminal = on_terminal(fileno(out)),
                      .total = total,
                      .quiet = quiet,
                      .began = clock_now()};
}

void progress_begin(Progress *p, double total, double quiet)
{
    *p = begun(stdout, total, quiet);
}

void progress_begin_aside(Progress *p, double total)
{
    *p = begun(stderr, total, PROGRESS_QUIET);
}

bool progress_due(Progress *p, double done)
{
    double now = clock_now(), tenth = ceil(p->total / 10);
    p->done = done;
    if (now - p->began < p->quiet) return false;
    if (done >= p->total) return p->shown || p->quiet == 0;
    if (p->terminal) return now - p->last_shown >= 0.1;
    if (p->shown && done < p->next && now - p->last_shown < PROGRESS_SILENT) return false;
    p->next = tenth * (floor(done / tenth) + 1);
    return true;
}

void progress_show(Progress *p, const char *format, ...)
{
    char left[32];
    va_list args;
    double now = clock_now(),
           rest = fmax(p->total - p->done, 0); /* sums of parts may be above it by rounding */
    bool known = p->quiet == 0 || p->done >= p->total / 50;
    if (known) words_duration((now - p->began) / p->done * rest, left, sizeof left);
    fputs(p->terminal ? "\r  " : "  ", p->out);
    va_start(args, format);
    vfprintf(p->out, format, args);
    va_end(args);
    if (known) fprintf(p->out, "   %s left", left);
    fputs(p->terminal ? "\033[K" : "\n", p->out);
    fflush(p->out);
    p->shown = true;
    p->last_shown = now;
}

void progress_end(Progress *p)
{
    if (p->terminal && p->shown) fputc('\n', p->out);
    fflush(p->out);
}
