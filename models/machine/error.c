/* error.c - filling an Error, and the one place from which a job is ended. */
#include "models/machine/error.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/machine/letter.h"

static void (*end_job)(int status);

/* Names that others chose may hold anything: a line of their own, or what a terminal obeys. */
static void keep_to_a_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127) *text = '?';
}

bool error_set(Error *error, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
        keep_to_a_line(error->text);
    }
    return false;
}

/* Whether a terminal shows it: no control character, none without a width or that turns the text around. */
static bool is_seen(unsigned code)
{
    bool control = code < ' ' || (code >= 127 && code < 0xA0);
    return !control && code != 0xA0 && code != 0xAD && !(code >= 0x200B && code <= 0x200F) &&
           !(code >= 0x2028 && code <= 0x202E) && !(code >= 0x2060 && code <= 0x206F) && code != 0xFEFF;
}

const char *error_show(char *shown, unsigned long size, const char *text, unsigned long length)
{
    unsigned long used = 0, at = 0;
    while (at < length) {
        unsigned code;
        int letter = letter_read(text + at, length - at, &code);
        unsigned long bytes = letter ? (unsigned long)letter : 1, seen = letter && is_seen(code) ? bytes : 0;
        unsigned long room = at + bytes < length ? 4 : 1; /* for "..." and the end */
        if (used + (seen ? seen : 1) + room > size) break;
        if (seen)
            memcpy(shown + used, text + at, seen);
        else
            shown[used] = '?';
        used += seen ? seen : 1;
        at += bytes;
    }
    snprintf(shown + used, size - used, "%s", at < length ? "..." : "");
    return shown;
}

void fail_through(void (*hook)(int status))
{
    end_job = hook;
}

/* Threads may fail at once, as of memory: the first says so and ends the job, the others wait for that. */
static void be_first_to_fail(void)
{
    static atomic_bool fails;
    static _Thread_local bool first;
    if (!first && atomic_exchange(&fails, true))
        while (true) pause();
    first = true;
}

void fail(const char *format, ...)
{
    char text[2048];
    be_first_to_fail();
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keep_to_a_line(text);
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

void *allocate_again(void *memory, unsigned long bytes)
{
    void *moved = realloc(memory, bytes ? bytes : 1);
    if (!moved) fail("out of memory: %lu bytes for bookkeeping", bytes);
    return moved;
}

/* Room doubles where it is used up: at a power of two. */
void *allocate_more(void *list, unsigned long count, unsigned long item)
{
    if (count & (count - 1)) return list;
    return allocate_again(list, (count ? 2 * count : 1) * item);
}
