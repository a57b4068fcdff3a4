/* window.c - counting in memory that others read, and sleeping until they have.
 *
 * Who sleeps is woken by who counts, at once and nobody else. On a machine without futexes sleepers look again soon. */
#include "parallel/wire/window.h"
#include <time.h>
#ifdef __linux__
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { SLEEP_NS = 200000 };
static const struct timespec AT_MOST = {.tv_nsec = SLEEP_NS};

static uint32_t seen(const Window *w, int rank, int which)
{
    return atomic_load_explicit(&w->segment[rank]->count[which].value, memory_order_acquire);
}

/* They are never half their range apart. */
static bool reaches(uint32_t value, uint32_t count)
{
    return (int32_t)(value - count) >= 0;
}

bool window_has(const Window *w, int rank, int which, uint32_t count)
{
    return reaches(seen(w, rank, which), count);
}

int window_behind(const Window *w, int ranks, int which, uint32_t count)
{
    for (int r = 0; r < ranks; r++)
        if (!window_has(w, r, which, count)) return r;
    return -1;
}

#ifdef __linux__
static void wake(WindowCount *count)
{
    syscall(SYS_futex, &count->value, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void sleep_while(WindowCount *count, uint32_t value)
{
    syscall(SYS_futex, &count->value, FUTEX_WAIT, value, &AT_MOST, NULL, 0);
}
#else
static void wake(WindowCount *count)
{
    (void)count;
}

static void sleep_while(WindowCount *count, uint32_t value)
{
    (void)count, (void)value;
    nanosleep(&AT_MOST, NULL);
}
#endif

/* Either who counts sees who is about to sleep, or who is sees what was counted. */
void window_count(Window *w, int rank, int which)
{
    WindowCount *count = &w->segment[rank]->count[which];
    atomic_store(&count->value, ++w->count[which]);
    if (atomic_load(&count->sleepers) > 0) wake(count);
}

void window_sleep(const Window *w, int rank, int which, uint32_t count)
{
    WindowCount *of = &w->segment[rank]->count[which];
    atomic_fetch_add(&of->sleepers, 1);
    uint32_t value = atomic_load(&of->value);
    if (!reaches(value, count)) sleep_while(of, value);
    atomic_fetch_sub(&of->sleepers, 1);
}
