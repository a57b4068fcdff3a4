/* coroutine.c - on ucontext, with a guard page below each stack; told to the
 * address sanitizer, which must know which stack it is on. */
#include "parallel/wire/coroutine.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "models/machine/error.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

struct Coroutine {
    ucontext_t inside, outside;
    void (*body)(void *context);
    void *context;
    char *memory;
    size_t guard, stack;
    bool ended;
    void *fake_stack_outside; /* the sanitizer's bookkeeping */
    const void *stack_outside;
    size_t stack_outside_bytes;
};

static void switch_begins(void **fake, const void *bottom, size_t bytes)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(fake, bottom, bytes);
#else
    (void)fake, (void)bottom, (void)bytes;
#endif
}

static void switch_ended(void *fake, const void **bottom, size_t *bytes)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, bottom, bytes);
#else
    (void)fake, (void)bottom, (void)bytes;
#endif
}

static void start(unsigned high, unsigned low)
{
    Coroutine *c = (Coroutine *)((unsigned long)high << 32 | low); /* makecontext passes only ints */
    switch_ended(NULL, &c->stack_outside, &c->stack_outside_bytes);
    c->body(c->context);
    c->ended = true;
    switch_begins(NULL, c->stack_outside, c->stack_outside_bytes); /* NULL: this stack is done with */
    swapcontext(&c->inside, &c->outside);
}

Coroutine *coroutine_new(void (*body)(void *context), void *context, size_t stack_bytes)
{
    Coroutine *c = allocate_zeroed(1, sizeof *c);
    c->body = body;
    c->context = context;
    c->guard = (size_t)sysconf(_SC_PAGESIZE);
    c->stack = stack_bytes;
    c->memory = mmap(NULL, c->guard + c->stack, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (c->memory == MAP_FAILED) fail("out of memory: a virtual rank's stack of %zu bytes", c->stack);
    mprotect(c->memory, c->guard, PROT_NONE);
    getcontext(&c->inside);
    c->inside.uc_stack.ss_sp = c->memory + c->guard;
    c->inside.uc_stack.ss_size = c->stack;
    c->inside.uc_link = NULL;
    unsigned long address = (unsigned long)c;
    makecontext(&c->inside, (void (*)(void))start, 2, (unsigned)(address >> 32), (unsigned)address);
    return c;
}

bool coroutine_resume(Coroutine *c)
{
    switch_begins(&c->fake_stack_outside, c->memory + c->guard, c->stack);
    swapcontext(&c->outside, &c->inside);
    switch_ended(c->fake_stack_outside, NULL, NULL);
    return !c->ended;
}

void coroutine_yield(Coroutine *c)
{
    void *fake = NULL;
    switch_begins(&fake, c->stack_outside, c->stack_outside_bytes);
    swapcontext(&c->inside, &c->outside);
    switch_ended(fake, &c->stack_outside, &c->stack_outside_bytes);
}

void coroutine_free(Coroutine *c)
{
    if (!c) return;
    munmap(c->memory, c->guard + c->stack);
    free(c);
}
