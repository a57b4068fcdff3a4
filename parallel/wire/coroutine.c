/* coroutine.c - begun on ucontext, with a guard page below each stack, and switched by _setjmp and _longjmp, which
 * leave the signal mask alone (swapcontext asks the kernel for it twice a switch); told to the address sanitizer,
 * which must know which stack it is on. */
#include "parallel/wire/coroutine.h"
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "models/machine/error.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

struct Coroutine {
    ucontext_t first; /* how it is entered */
    jmp_buf inside, outside;
    void (*body)(void *context);
    void *context;
    char *memory;
    size_t guard, stack;
    bool begun, ended;
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
    _longjmp(c->outside, 1);
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
    /* a stack and its guard are two mappings, of which a process may have so many: 65530 unless told otherwise */
    if (c->memory == MAP_FAILED || mprotect(c->memory, c->guard, PROT_NONE))
        fail("no room for one more virtual rank's stack of %zu bytes: %s; try fewer ranks, or a higher limit "
             "(ulimit -v, or sysctl vm.max_map_count)",
             c->stack, strerror(errno));
    getcontext(&c->first);
    c->first.uc_stack.ss_sp = c->memory + c->guard;
    c->first.uc_stack.ss_size = c->stack;
    c->first.uc_link = NULL;
    unsigned long address = (unsigned long)c;
    makecontext(&c->first, (void (*)(void))start, 2, (unsigned)(address >> 32), (unsigned)address);
    return c;
}

bool coroutine_resume(Coroutine *c)
{
    switch_begins(&c->fake_stack_outside, c->memory + c->guard, c->stack);
    if (!_setjmp(c->outside)) {
        if (c->begun) _longjmp(c->inside, 1);
        c->begun = true;
        setcontext(&c->first);
    }
    switch_ended(c->fake_stack_outside, NULL, NULL);
    return !c->ended;
}

void coroutine_yield(Coroutine *c)
{
    void *fake = NULL;
    switch_begins(&fake, c->stack_outside, c->stack_outside_bytes);
    if (!_setjmp(c->inside)) _longjmp(c->outside, 1);
    switch_ended(fake, &c->stack_outside, &c->stack_outside_bytes);
}

void coroutine_free(Coroutine *c)
{
    if (!c) return;
    munmap(c->memory, c->guard + c->stack);
    free(c);
}
