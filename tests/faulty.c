/* faulty.c - a program that is stopped, refused memory, or cut short in what it writes.
 *
 * Preloaded. FAULT says what happens on rank FAULT_RANK (every one, where that is not set) from the moment on that there
 * is a file FAULT_FROM (at once, where it is not set):
 *   stop     the process stops itself, as SIGSTOP does, and leaves its number in the file FAULT_STOPPED
 *   end      the same where it is done with all but MPI's end
 *   memory   aligned_alloc(), from which all tensors come, has none
 *   short    what is written to a plain file is half of what was to be, as it may, down to a byte
 *   full     so is every second write; those between fail, as on a full disk
 *   behind   the clock of the day is a day behind
 * stop and memory after FAULT_SKIP calls of aligned_alloc() more. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <mpi.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) (*(__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static bool faulty(const char *fault)
{
    const char *is = getenv("FAULT"), *from = getenv("FAULT_FROM"), *on = getenv("FAULT_RANK"),
               *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!is || strcmp(is, fault) != 0 || (on && rank && strcmp(on, rank) != 0)) return false;
    return !from || access(from, F_OK) == 0;
}

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

/* Whether it is time: after so many calls that it could have been. */
static bool is_due(const char *fault)
{
    static atomic_long calls;
    return faulty(fault) && atomic_fetch_add(&calls, 1) >= number_of("FAULT_SKIP");
}

static void stop_once(void)
{
    static atomic_bool stopped;
    const char *path = getenv("FAULT_STOPPED");
    if (atomic_exchange(&stopped, true)) return;
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) abort();
    fprintf(file, "%ld\n", (long)getpid());
    fclose(file);
    raise(SIGSTOP);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    void *memory = NULL;
    if (is_due("stop")) stop_once();
    if (!is_due("memory") && posix_memalign(&memory, alignment, size) == 0) return memory;
    errno = ENOMEM;
    return NULL;
}

int MPI_Ibarrier(MPI_Comm all, MPI_Request *request)
{
    if (faulty("end")) stop_once();
    return PMPI_Ibarrier(all, request);
}

int clock_gettime(clockid_t clock, struct timespec *moment)
{
    enum { DAY = 24 * 3600 };
    int failed = NEXT(clock_gettime)(clock, moment);
    if (!failed && clock == CLOCK_REALTIME && faulty("behind")) moment->tv_sec -= DAY;
    return failed;
}

time_t time(time_t *moment)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (moment) *moment = now.tv_sec;
    return now.tv_sec;
}

/* How much of so many bytes is written; -1: none, with errno. */
static ssize_t most(int file, size_t bytes)
{
    static atomic_uint writes;
    struct stat about;
    bool full = faulty("full");
    if (bytes < 2 || (!full && !faulty("short")) || fstat(file, &about) || !S_ISREG(about.st_mode))
        return (ssize_t)bytes;
    if (!full || atomic_fetch_add(&writes, 1) % 2 == 0) return (ssize_t)(bytes / 2);
    errno = ENOSPC;
    return -1;
}

/* The first pieces of a vector, as far as `bytes` go, at least a part of one. */
static int cut(struct iovec *some, const struct iovec *all, int count, size_t bytes)
{
    int i = 0;
    for (; i < count && bytes > 0; i++) {
        some[i] = all[i];
        if (some[i].iov_len > bytes) some[i].iov_len = bytes;
        bytes -= some[i].iov_len;
    }
    return i;
}

static size_t length(const struct iovec *all, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += all[i].iov_len;
    return bytes;
}

ssize_t write(int file, const void *data, size_t bytes)
{
    ssize_t n = most(file, bytes);
    return n < 0 ? n : NEXT(write)(file, data, (size_t)n);
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t at)
{
    ssize_t n = most(file, bytes);
    return n < 0 ? n : NEXT(pwrite)(file, data, (size_t)n, at);
}

ssize_t pwrite64(int file, const void *data, size_t bytes, off64_t at)
{
    ssize_t n = most(file, bytes);
    return n < 0 ? n : NEXT(pwrite64)(file, data, (size_t)n, at);
}

ssize_t writev(int file, const struct iovec *all, int count)
{
    struct iovec some[IOV_MAX];
    ssize_t n = most(file, length(all, count));
    return n < 0 ? n : NEXT(writev)(file, some, cut(some, all, count, (size_t)n));
}

ssize_t pwritev(int file, const struct iovec *all, int count, off_t at)
{
    struct iovec some[IOV_MAX];
    ssize_t n = most(file, length(all, count));
    return n < 0 ? n : NEXT(pwritev)(file, some, cut(some, all, count, (size_t)n), at);
}

ssize_t pwritev64(int file, const struct iovec *all, int count, off64_t at)
{
    struct iovec some[IOV_MAX];
    ssize_t n = most(file, length(all, count));
    return n < 0 ? n : NEXT(pwritev64)(file, some, cut(some, all, count, (size_t)n), at);
}
