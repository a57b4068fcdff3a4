/* coroutine.h - many control flows in one thread, each running until it yields. */
#ifndef PARALLEL_WIRE_COROUTINE_H
#define PARALLEL_WIRE_COROUTINE_H
#include <stdbool.h>
#include <stddef.h>

typedef struct Coroutine Coroutine;

Coroutine *coroutine_new(void (*body)(void *context), void *context, size_t stack_bytes);
/* From outside: runs it until it yields or ends; returns whether it may be resumed again. */
bool coroutine_resume(Coroutine *c);
/* From inside: back to whoever resumed. */
void coroutine_yield(Coroutine *c);
void coroutine_free(Coroutine *c);
#endif
