/* stop.c - a mark from within the signal's handler, which the step looks at; and, on rank 0, a line: mpirun gives a rank
 * one second after TERM or INT, and a step may take longer. The file needs no farewell, as it holds every finished step
 * at any moment (recorder.h). */
#include "sim/run/stop.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "sim/base/words.h"

enum { SIGNALS = 5, LINE = 8192, DIGITS = 24, AGAIN = 2 /* seconds */ };

/* What a signal does: ends the process; asks for a stop; asks, as early as before there is a step. */
typedef enum What { ENDS, ASKS, WARNS } What;
static const struct {
    int number;
    What what;
    const char *name;
} signals[SIGNALS] = {{SIGUSR1, WARNS, "USR1"},
                      {SIGTERM, ASKS, "TERM"},
                      {SIGINT, ASKS, "INT"},
                      {SIGHUP, ENDS, "HUP"},
                      {SIGXCPU, ENDS, "XCPU"}};

/* All that the handler reads and writes; the texts are set before it is. */
static bool tells; /* on rank 0 */
static char newline[2], planned[48], report[LINE / 2], resume[2][LINE / 2];
static atomic_int newest; /* of `resume` */
static atomic_llong kept;
static volatile sig_atomic_t asked; /* the signal's number */
static time_t first[SIGNALS];       /* when each came first; 0: it has not */
static struct sigaction earlier[SIGNALS];
static bool taken[SIGNALS];

/* Adds to `line` of LINE bytes; async-signal-safe, as printf is not. */
static size_t put(char *line, size_t used, const char *text)
{
    while (*text && used < LINE) line[used++] = *text++;
    return used;
}

static size_t put_number(char *line, size_t used, long long number)
{
    char digits[DIGITS];
    char *start = digits + sizeof digits - 1;
    *start = '\0';
    do *--start = (char)('0' + number % 10);
    while (number /= 10);
    return put(line, used, start);
}

static void say(const char *how, const char *name, const char *also)
{
    static char line[LINE];
    size_t used = put(line, 0, newline);
    used = put(line, used, how);
    used = put(line, used, name);
    used = put(line, used, ": ");
    used = put_number(line, used, atomic_load(&kept));
    used = put(line, used, planned);
    used = put(line, used, also);
    used = put(line, used, report);
    used = put(line, used, resume[atomic_load(&newest)]);
    used = put(line, used, "\n");
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* nobody is left to tell */
}

static int row_of(int number)
{
    int row = 0;
    while (row < SIGNALS - 1 && signals[row].number != number) row++;
    return row;
}

static time_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1; /* never 0 */
}

static void end_as_ever(int number)
{
    if (tells) say("sim: stopped by ", signals[row_of(number)].name, "");
    signal(number, SIG_DFL);
    raise(number); /* taken as the handler returns */
}

static void handle(int number)
{
    int row = row_of(number);
    time_t now = seconds();
    if (signals[row].what == ENDS) {
        end_as_ever(number);
        return;
    }
    if (!asked) asked = number;
    if (!first[row]) {
        first[row] = now;
        if (tells && signals[row].what == ASKS)
            say("sim: stopping on ", signals[row].name, ", and the next if it ends");
    } else if (signals[row].what == ASKS && now - first[row] >= AGAIN) {
        end_as_ever(number);
    }
}

static void take(int row)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) sigaddset(&action.sa_mask, signals[i].number);
    sigaction(signals[row].number, NULL, &earlier[row]);
    taken[row] = earlier[row].sa_handler != SIG_IGN && !sigaction(signals[row].number, &action, NULL);
}

void stop_on_warning(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].what == WARNS) take(i);
}

void stop_listen(const char *path, int64_t steps)
{
    char quoted[LINE / 2 - 128];
    tells = path != NULL;
    if (tells) {
        words_quote(quoted, sizeof quoted, path);
        snprintf(planned, sizeof planned, " of %lld step%s kept", (long long)steps, words_s(steps));
        snprintf(report, sizeof report, "; try sim report %s", quoted);
        /* a line of its own on a terminal, where the progress or ^C stands before it */
        strcpy(newline, isatty(STDERR_FILENO) ? "\n" : "");
    }
    atomic_store(&kept, 0);
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].what == ASKS || (signals[i].what == ENDS && tells)) take(i);
}

void stop_kept(int64_t steps)
{
    atomic_store(&kept, steps);
}

/* Into the text that is not the newest, as a signal may come at any time. */
void stop_saved(const char *path)
{
    char quoted[LINE / 2 - 128];
    int other = !atomic_load(&newest);
    words_quote(quoted, sizeof quoted, path);
    snprintf(resume[other], sizeof resume[other], ", or --resume %s to go on", quoted);
    atomic_store(&newest, other);
}

void stop_forget(void)
{
    tells = false;
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].what != WARNS && taken[i])
            taken[i] = sigaction(signals[i].number, &earlier[i], NULL) != 0;
}

const volatile sig_atomic_t *stop_asked(void)
{
    return &asked;
}

const char *stop_name(void)
{
    return asked ? signals[row_of(asked)].name : "a signal";
}
