/* stopped.c - a line from within the signal's handler: mpirun gives a rank one second, and a step may take
 * longer. The file needs no farewell, as it holds every finished step at any moment (recorder.h). */
#include "sim/run/stopped.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/words.h"

enum { SIGNALS = 4, LINE = 8192, DIGITS = 24 };

static const struct {
    int number;
    const char *name;
} signals[SIGNALS] = {{SIGTERM, "TERM"}, {SIGINT, "INT"}, {SIGHUP, "HUP"}, {SIGXCPU, "XCPU"}};

/* All that the handler reads; the texts are set before it is. */
static char before[SIGNALS][32], after[LINE];
static atomic_llong kept;
static struct sigaction earlier[SIGNALS];

/* Adds to `line` of LINE bytes; async-signal-safe, as printf is not. */
static size_t put(char *line, size_t used, const char *text)
{
    while (*text && used < LINE) line[used++] = *text++;
    return used;
}

static size_t put_number(char *line, size_t used, long long number)
{
    char digits[DIGITS];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    do *--first = (char)('0' + number % 10);
    while (number /= 10);
    return put(line, used, first);
}

/* Once: SA_RESETHAND gave the signal back its default, which ends the process as its parent expects. */
static void say_and_end(int number)
{
    static char line[LINE];
    size_t used = 0;
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].number == number) used = put(line, used, before[i]);
    used = put_number(line, used, atomic_load(&kept));
    used = put(line, used, after);
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* nobody is left to tell */
    raise(number);
}

void stopped_tell(const char *path, int64_t steps)
{
    struct sigaction action = {.sa_handler = say_and_end, .sa_flags = (int)SA_RESETHAND};
    char quoted[LINE / 2 - 128];
    words_quote(quoted, sizeof quoted, path);
    snprintf(after, sizeof after, " of %lld step%s kept; try sim report %s\n", (long long)steps,
             words_s(steps), quoted);
    atomic_store(&kept, 0);
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) sigaddset(&action.sa_mask, signals[i].number);
    for (int i = 0; i < SIGNALS; i++) {
        /* a line of its own on a terminal, where the progress or ^C stands before it */
        snprintf(before[i], sizeof before[i], "%ssim: stopped by %s: ", isatty(STDERR_FILENO) ? "\n" : "",
                 signals[i].name);
        sigaction(signals[i].number, NULL, &earlier[i]);
        if (earlier[i].sa_handler != SIG_IGN) sigaction(signals[i].number, &action, NULL);
    }
}

void stopped_kept(int64_t steps)
{
    atomic_store(&kept, steps);
}

void stopped_forget(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (earlier[i].sa_handler != SIG_IGN) sigaction(signals[i].number, &earlier[i], NULL);
}
