/* text.c - reading a file that must not change. */
#include "models/training/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "models/machine/hash.h"

bool text_from(Text *text, int file, const char *name, Error *error)
{
    struct stat about;
    if (fstat(file, &about)) return error_set(error, "%s: %s", name, strerror(errno));
    *text = (Text){.name = name, .file = file, .bytes = about.st_size, .written = about.st_mtim};
    return true;
}

/* "2026-11-26 10:31:02.512": by the milliseconds, as a file may be written to twice in a second. */
static void show_time(const struct timespec *time, char text[40])
{
    struct tm day;
    char seconds[24] = "";
    if (localtime_r(&time->tv_sec, &day)) strftime(seconds, sizeof seconds, "%Y-%m-%d %H:%M:%S", &day);
    snprintf(text, 40, "%s.%03ld", seconds, time->tv_nsec / 1000000);
}

/* Whether the file is the one that was opened. */
static void check_unchanged(const Text *text)
{
    struct stat now;
    char is[40], was[40];
    if (fstat(text->file, &now)) fail("%s: cannot read it any more: %s", text->name, strerror(errno));
    if (now.st_size != text->bytes)
        fail("%s: was written to while this run read it, and has %lld bytes where it had %lld; try a copy "
             "that stays as it is",
             text->name, (long long)now.st_size, (long long)text->bytes);
    if (now.st_mtim.tv_sec == text->written.tv_sec && now.st_mtim.tv_nsec == text->written.tv_nsec) return;
    show_time(&now.st_mtim, is);
    show_time(&text->written, was);
    fail("%s: was written to while this run read it: it has as many bytes, but was last written at %s where "
         "it had been at %s; try a copy that stays as it is",
         text->name, is, was);
}

void text_read(const Text *text, int64_t from, int64_t count, unsigned char *to)
{
    while (count > 0) {
        ssize_t got = pread(text->file, to, (size_t)count, from);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("%s: cannot read it any more: %s", text->name, strerror(errno));
        if (got == 0) break; /* it was cut short */
        from += got, to += got, count -= got;
    }
    check_unchanged(text);
}

uint64_t text_mark(const Text *text)
{
    enum { PIECES = 1024, PIECE = 4096 };
    uint64_t mark = HASH_BEGIN;
    unsigned char *piece = allocate(PIECE);
    bool whole = text->bytes <= (int64_t)PIECES * PIECE;
    int64_t pieces = whole ? (text->bytes + PIECE - 1) / PIECE : PIECES;
    for (int64_t i = 0; i < pieces; i++) {
        int64_t from = whole ? i * PIECE : (text->bytes - PIECE) / (PIECES - 1) * i;
        if (!whole && i == PIECES - 1) from = text->bytes - PIECE;
        int64_t left = text->bytes - from, count = left < PIECE ? left : PIECE;
        text_read(text, from, count, piece);
        mark = hash_add(mark, piece, (size_t)count);
    }
    free(piece);
    return mark;
}
