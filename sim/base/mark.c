/* mark.c - the last bytes of a file, by its kind. */
#include "sim/base/mark.h"
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/machine/hash.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"

#define WORDS "as sim wrote it: "
enum { HASH_DIGITS = 16, TAIL = 80, PNG_WORD = 4, PNG_NUMBER = 4 };

/* A chunk that ends a PNG: its length, its name, no data, its check. */
static const char png_end[] = "\0\0\0\0IEND\xae\x42\x60\x82";
enum { PNG_END = sizeof png_end - 1 };

static const struct {
    const char *ending, *before, *behind; /* of the words and the number */
} kinds[] = {{".gp", "# ", "\n"},
             {".svg", "<!-- ", " -->\n"},
             {".html", "<!-- ", " -->\n"},
             {".pdf", "% ", "\n"},
             {".png", NULL, NULL}}; /* a chunk, and its end */
enum { KINDS = sizeof kinds / sizeof *kinds };

static int kind_of(const char *path)
{
    int kind = 0;
    while (kind < KINDS && !words_end_in(path, kinds[kind].ending)) kind++;
    return kind;
}

/* The check of a PNG's chunk: ISO 3309's polynomial, over its name and its data (PNG specification, annex D). */
static uint32_t png_check(const char *bytes, size_t count)
{
    uint32_t check = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        check ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++) check = check >> 1 ^ (check & 1 ? 0xedb88320u : 0);
    }
    return ~check;
}

static char *big_endian(char *to, uint32_t number)
{
    for (int i = 0; i < PNG_NUMBER; i++) to[i] = (char)(number >> (24 - 8 * i));
    return to + PNG_NUMBER;
}

/* A chunk of text, "Comment" and the words with a zero byte between, and the end. */
static size_t png_tail(const char *words, char tail[TAIL])
{
    const size_t key = strlen("tEXtComment") + 1, count = key + strlen(words);
    char *name = big_endian(tail, (uint32_t)(count - PNG_WORD));
    memcpy(name, "tEXtComment", key);
    memcpy(name + key, words, count - key);
    char *end = big_endian(name + count, png_check(name, count));
    memcpy(end, png_end, PNG_END);
    return (size_t)(end - tail) + PNG_END;
}

/* The bytes that a file of this kind ends with, if these come before; returns how many. */
static size_t tail_of(int kind, const char *bytes, size_t count, char tail[TAIL])
{
    char words[TAIL / 2];
    const uint64_t hash = hash_add(HASH_BEGIN, bytes, count);
    snprintf(words, sizeof words, WORDS "%0*" PRIx64, HASH_DIGITS, hash);
    if (!kinds[kind].behind) return png_tail(words, tail);
    return (size_t)snprintf(tail, TAIL, "%s%s%s", kinds[kind].before, words, kinds[kind].behind);
}

/* All bytes of a file, to be freed; NULL where it cannot be read, with errno. */
static char *bytes_of(const char *path, size_t *count)
{
    FILE *in = files_open(path);
    if (!in) return NULL;
    char *bytes = files_read(in, SIZE_MAX, count);
    if (ferror(in)) {
        free(bytes);
        bytes = NULL;
    }
    const int number = errno;
    fclose(in);
    errno = number;
    return bytes;
}

bool mark_holds(const char *path)
{
    const int kind = kind_of(path);
    char tail[TAIL];
    size_t count;
    char *bytes = kind < KINDS ? bytes_of(path, &count) : NULL;
    if (!bytes) return false;
    const size_t ends = tail_of(kind, "", 0, tail); /* as long as that of any other */
    bool holds = count > ends;
    if (holds) {
        tail_of(kind, bytes, count - ends, tail);
        holds = !memcmp(bytes + count - ends, tail, ends);
    }
    free(bytes);
    return holds;
}

static bool add_mark(const Draft *draft, Error *error)
{
    const int kind = kind_of(draft->path);
    if (kind == KINDS) fail("%s: a file of this kind has no mark", draft->path);
    char tail[TAIL];
    size_t count;
    char *bytes = bytes_of(draft->temporary, &count);
    if (!bytes) return files_refuse(draft->path, "read what is written", errno, error);
    if (!kinds[kind].behind && count > PNG_END) count -= PNG_END;
    const size_t ends = tail_of(kind, bytes, count, tail);
    free(bytes);
    const ssize_t put = pwrite(draft->file, tail, ends, (off_t)count);
    return put == (ssize_t)ends || files_refuse(draft->path, "write", put < 0 ? errno : ENOSPC, error);
}

bool mark_and_place(Draft *draft, Error *error)
{
    return add_mark(draft, error) && draft_renew(draft, mark_holds, error);
}

void mark_tell(const char *what, const Draft *draft)
{
    if (!draft->kept) return;
    char *shown = words_shown(draft->path), *kept = words_shown(draft->kept);
    printf("%-19s %s was not as sim wrote it; that file is %s now\n", what, shown, kept);
    free(kept);
    free(shown);
}
