/* beside.h - a task in a thread of its own, while this one goes on.
 *
 * It gets a core's time where nothing else wants it (nice 19): whoever waits for it does what is left of it first, or
 * sleeps. Signals stay this thread's. The task calls neither MPI nor HDF5, which know of one thread. */
#ifndef SIM_BASE_BESIDE_H
#define SIM_BASE_BESIDE_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct Beside {
    void (*perform)(void *context);
    void *context;
    bool started;
    atomic_bool done;
    pthread_t thread;
} Beside;

/* Begins it; `b` and `context` stay where they are until the end. Where no thread can be started, does it here. */
void beside_begin(Beside *b, void (*perform)(void *context), void *context);
/* Whether it has ended; true of what was never begun. Never waits. */
bool beside_is_done(Beside *b);
/* Waits until it has; what it wrote can be read then. */
void beside_end(Beside *b);
#endif
