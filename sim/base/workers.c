/* workers.c - forks that take jobs from a board in shared memory, and tell of each by a byte in a pipe. */
#include "sim/base/workers.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 256 };

/* What a worker is refused: it takes no more jobs then. */
typedef struct Refusal {
    bool refused;
    int job;
    Error error;
} Refusal;

/* In memory that all share. */
typedef struct Board {
    atomic_int next;  /* job */
    atomic_bool over; /* no job is to be begun */
    Refusal refusal[MOST];
    _Alignas(max_align_t) char results[];
} Board;

/* ---- a worker ---- */

_Noreturn static void work(const Jobs *jobs, Board *board, Refusal *own, int pipe_end)
{
    fail_through(_exit);
    if (jobs->stopped) {
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signal(SIGTERM, SIG_DFL);
    }
    while (!atomic_load(&board->over)) {
        int job = atomic_fetch_add(&board->next, 1);
        if (job >= jobs->count) break;
        void *result = board->results + (size_t)job * jobs->result;
        own->job = job;
        own->refused = !jobs->perform(jobs->context, job, result, &own->error);
        if (own->refused) atomic_store(&board->over, true);
        if (write(pipe_end, "", 1) != 1 || own->refused) break; /* or nobody listens */
    }
    _exit(0);
}

/* ---- whoever waits for them ---- */

static bool is_stopped(const Jobs *jobs)
{
    return jobs->stopped && *jobs->stopped;
}

/* Whether a worker has ended before its time; it stays to be waited for. */
static bool one_is_gone(const pid_t *worker, int workers)
{
    for (int w = 0; w < workers; w++) {
        siginfo_t about = {.si_pid = 0};
        if (waitid(P_PID, (id_t)worker[w], &about, WEXITED | WNOHANG | WNOWAIT) || !about.si_pid) continue;
        if (about.si_code != CLD_EXITED || about.si_status) return true;
    }
    return false;
}

static void listen_to(const Jobs *jobs, int pipe_end, const pid_t *worker, int workers, Board *board)
{
    char byte[64];
    int done = 0;
    ssize_t got;
    while (!is_stopped(jobs) && (got = read(pipe_end, byte, sizeof byte)) != 0) {
        if (got < 0 && errno != EINTR) return;
        if (got < 0) continue;
        done += (int)got;
        if (jobs->tell) jobs->tell(jobs->listener, done);
        if (one_is_gone(worker, workers)) atomic_store(&board->over, true);
    }
    for (int w = 0; w < workers && is_stopped(jobs); w++) kill(worker[w], SIGKILL);
}

static bool ended_well(pid_t worker, Error *error)
{
    int status = 0;
    while (waitpid(worker, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFSIGNALED(status))
        return error_set(error, "a worker, process %d, was ended by signal %d%s", (int)worker,
                         WTERMSIG(status), WTERMSIG(status) == 9 ? "; is memory short?" : "");
    return WEXITSTATUS(status) == 0 ||
           error_set(error, "a worker, process %d, ended with status %d", (int)worker, WEXITSTATUS(status));
}

/* The refusal of the first job in order: those before it have all been taken, and done. */
static bool none_refused(const Board *board, int workers, Error *error)
{
    const Refusal *first = NULL;
    for (int w = 0; w < workers; w++) {
        const Refusal *one = &board->refusal[w];
        if (one->refused && (!first || one->job < first->job)) first = one;
    }
    if (first) *error = first->error;
    return !first;
}

/* Here, one after the other: where no process may be started. */
static bool perform_here(const Jobs *jobs, Board *board, Error *error)
{
    for (int job = 0; job < jobs->count; job++) {
        if (!jobs->perform(jobs->context, job, board->results + (size_t)job * jobs->result, error))
            return false;
        if (jobs->tell) jobs->tell(jobs->listener, job + 1);
        if (is_stopped(jobs)) return error_set(error, "stopped after job %d of %d", job + 1, jobs->count);
    }
    return true;
}

static bool run(const Jobs *jobs, int workers, Board *board, Error *error)
{
    pid_t worker[MOST];
    int ends[2], started = 0;
    if (pipe(ends)) return error_set(error, "cannot listen to workers: %s", strerror(errno));
    fflush(NULL); /* else each would have what waits to be written */
    for (; started < workers; started++) {
        worker[started] = fork();
        if (worker[started] < 0) break;
        if (worker[started] > 0) continue;
        close(ends[0]);
        work(jobs, board, &board->refusal[started], ends[1]);
    }
    close(ends[1]);
    listen_to(jobs, ends[0], worker, started, board);
    close(ends[0]);
    if (started == 0) return perform_here(jobs, board, error);
    bool good = true;
    for (int w = 0; w < started; w++) {
        Error one;
        if (!ended_well(worker[w], &one) && good) good = error_set(error, "%s", one.text);
    }
    bool refused = !none_refused(board, started, error);
    if (jobs->lost) *jobs->lost = !good && !refused;
    return good && !refused;
}

bool workers_perform(const Jobs *jobs, int workers, void *results, Error *error)
{
    size_t bytes = (size_t)jobs->count * jobs->result;
    if (workers > jobs->count) workers = jobs->count;
    if (workers > MOST) workers = MOST;
    if (workers < 1) workers = 1;
    Board *board =
        mmap(NULL, sizeof *board + bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) return error_set(error, "no memory that workers share: %s", strerror(errno));
    bool good = run(jobs, workers, board, error);
    if (bytes > 0) memcpy(results, board->results, bytes);
    munmap(board, sizeof *board + bytes);
    return good;
}
