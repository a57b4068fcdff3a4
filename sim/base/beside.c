/* beside.c - one thread, for one task. */
#include "sim/base/beside.h"
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* On Linux a thread has a niceness of its own; where it may not have, it is as others are. */
static void *run(void *beside)
{
    enum { LEAST_URGENT = 19 };
    Beside *b = beside;
    setpriority(PRIO_PROCESS, (id_t)gettid(), LEAST_URGENT);
    b->perform(b->context);
    atomic_store(&b->done, true);
    return NULL;
}

void beside_begin(Beside *b, void (*perform)(void *context), void *context)
{
    sigset_t all, before;
    b->perform = perform;
    b->context = context;
    atomic_init(&b->done, false);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    b->started = pthread_create(&b->thread, NULL, run, b) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (b->started) return;
    perform(context);
    atomic_store(&b->done, true);
}

bool beside_is_done(Beside *b)
{
    return !b->perform || atomic_load(&b->done);
}

void beside_end(Beside *b)
{
    if (b->started) pthread_join(b->thread, NULL);
    b->started = false;
}
