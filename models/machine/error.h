/* error.h - how anything here says that it failed.
 *
 * A function that can be refused by its input returns false and fills an
 * Error; whoever called it adds what it knows and passes it on. Only main
 * prints it. What can happen in the middle of a step and cannot be recovered
 * (memory gone, a peer lost) ends the whole job through fail(). */
#ifndef MODELS_MACHINE_ERROR_H
#define MODELS_MACHINE_ERROR_H
#include <stdbool.h>

typedef struct Error {
    char text[2048]; /* one line, no trailing newline, no "sim: " prefix */
} Error;

/* Fills `error` (ignored when NULL) and returns false, so that a refusal is
 * one statement: return error_set(e, "cannot open %s: %s", path, why); '?' stands for control bytes. */
bool error_set(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints "sim: ..." to stderr and ends the job with status 1 on every rank. Of threads that fail at once the first does;
 * the others do not come back either. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What fail() calls after printing, to take the other ranks down as well
 * (comm sets it to MPI_Abort); NULL means exit(1). */
void fail_through(void (*end_job)(int status));

/* `length` bytes of a user's text as they can stand in one line of a message: what is more than `size` holds is cut,
 * with "..." for it, and '?' stands for each character that a terminal would not show: control bytes, NUL among
 * them, what has no width or turns the text around, and bytes that are no UTF-8. Returns `shown`. */
const char *error_show(char *shown, unsigned long size, const char *text, unsigned long length);

/* malloc and calloc that never return NULL: bookkeeping, never tensors. */
void *allocate(unsigned long bytes);
void *allocate_again(void *memory, unsigned long bytes); /* what was there stays, where it has room */
void *allocate_zeroed(unsigned long count, unsigned long size);

/* A list of `count` items with room for one more: `list` itself, or one twice as long in its place, which is freed. To
 * be called before each that is added, the first time with NULL and 0. */
void *allocate_more(void *list, unsigned long count, unsigned long item);
#endif
