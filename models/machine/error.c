/* error.c - filling an Error, and the one place from which a job is ended. */
#include "models/machine/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Bytes of the character at `text`, of which there are `left`, if a terminal shows it; 0 if not. */
static unsigned long shown_bytes(const unsigned char *text, unsigned long left, unsigned long *bytes)
{
    unsigned code = text[0], lead = code >= 0xF0 ? 3 : code >= 0xE0 ? 2 : code >= 0xC2 ? 1 : 0;
    static const unsigned least[] = {0, 0x80, 0x800, 0x10000};
    *bytes = 1;
    if (code < 0x80) return code >= ' ' && code != 127;
    if (lead == 0 || code > 0xF4 || lead >= left) return 0;
    code &= 0x3Fu >> lead;
    for (unsigned long i = 1; i <= lead; i++) {
        if ((text[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (text[i] & 0x3Fu);
    }
    if (code < least[lead] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
    *bytes = lead + 1;
    bool control = code < 0xA0, unseen = code == 0xA0 || code == 0xAD || (code >= 0x200B && code <= 0x200F) ||
                                         (code >= 0x2028 && code <= 0x202E) ||
                                         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
    return control || unseen ? 0 : *bytes;
}

const char *error_show(char *shown, unsigned long size, const char *text, unsigned long length)
{
    unsigned long used = 0, at = 0, bytes;
    while (at < length) {
        unsigned long seen = shown_bytes((const unsigned char *)text + at, length - at, &bytes);
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

void fail(const char *format, ...)
{
    char text[2048];
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
