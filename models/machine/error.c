/* error.c - filling an Error, and the one place from which a job is ended. */
#include "models/machine/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void (*end_job)(int status);

bool error_set(Error *error, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return false;
}

void fail_through(void (*hook)(int status))
{
    end_job = hook;
}

void fail(const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fflush(stdout);
    fprintf(stderr, "sim: %s\n", text);
    fflush(stderr);
    if (end_job) end_job(1);
    exit(1);
}

void *allocate(unsigned long bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) fail("out of memory: %lu bytes for bookkeeping", bytes);
    return memory;
}

void *allocate_zeroed(unsigned long count, unsigned long size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) fail("out of memory: %lu x %lu bytes for bookkeeping", count, size);
    return memory;
}
