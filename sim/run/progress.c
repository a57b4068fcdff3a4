/* progress.c - a line on a terminal, lines in a log. */
#include "sim/run/progress.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/run/clock.h"

/* Under mpirun our own output is always a pseudo-terminal, so what counts is
 * where mpirun's goes: it is our parent, on this machine. */
static bool on_terminal(void)
{
    if (!isatty(STDOUT_FILENO)) return false;
    if (!getenv("OMPI_COMM_WORLD_SIZE")) return true;
    char link[64], target[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%ld/fd/1", (long)getppid());
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n < 0) return false;
    target[n] = '\0';
    return strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
}

void progress_begin(Progress *p, int64_t steps, int64_t tokens_per_step)
{
    *p = (Progress){
        .terminal = on_terminal(), .steps = steps, .tokens_per_step = tokens_per_step, .began = clock_now()};
}

static void duration(double seconds, char *text, size_t size)
{
    if (seconds < 60)
        snprintf(text, size, "%.0f s", seconds);
    else if (seconds < 3600)
        snprintf(text, size, "%d min %02d s", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(text, size, "%d h %02d min", (int)seconds / 3600, (int)seconds / 60 % 60);
}

void progress_step(Progress *p, int64_t step, double loss, double wall_time)
{
    int64_t done = step + 1, every = (p->steps + 9) / 10;
    double time = clock_now(), average = (time - p->began) / (double)done;
    char left[32];
    duration(average * (double)(p->steps - done), left, sizeof left);
    if (p->terminal) {
        if (time - p->last_shown < 0.1 && done < p->steps) return; /* ten times a second at most */
        p->last_shown = time;
        printf("\r  step %lld/%lld   loss %.4f   %.0f tokens/s   %s left\033[K", (long long)done,
               (long long)p->steps, loss, (double)p->tokens_per_step / wall_time, left);
    } else {
        if (done != 1 && done % every && done < p->steps) return;
        printf("  step %*lld/%lld   loss %.4f   %.0f tokens/s   %s left\n",
               (int)snprintf(NULL, 0, "%lld", (long long)p->steps), (long long)done, (long long)p->steps,
               loss, (double)p->tokens_per_step / wall_time, left);
    }
    fflush(stdout);
}

void progress_end(Progress *p)
{
    if (p->terminal && p->last_shown > 0) printf("\n");
    fflush(stdout);
}
