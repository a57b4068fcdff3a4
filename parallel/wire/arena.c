/* arena.c - files without names: made, mapped, and dealt out. */
#include "parallel/wire/arena.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "models/machine/error.h"

typedef struct Extent {
    size_t at, bytes;
} Extent;

struct Arena {
    int file, rank, ranks;
    size_t size, backed;   /* of each, in addresses; how far this rank's has memory */
    unsigned char **begin; /* (ranks) where each one's lies here; NULL: nowhere */
    Extent *taken;         /* of this rank's, ascending */
    unsigned long count;
};

enum { LINE = 64, NAME = 64, LARGE_PAGE = 1 << 21 };
#define ARENA_NAME "sim-arena-"
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* since Linux 6.1; refused by others */
#endif
/* The card's mark is in front. */
_Static_assert(sizeof(((ArenaCard *)0)->mark) <= LINE, "what is dealt out begins a line after it");

static size_t up_to(size_t at, size_t page)
{
    return (at + page - 1) / page * page;
}

/* All of a group's together take a part of the addresses that a process has. */
static size_t size_for(int ranks)
{
    const size_t addresses = (size_t)1 << 44, page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (size_t)sysconf(_SC_PHYS_PAGES);
    if (size > addresses / page / (size_t)ranks) size = addresses / page / (size_t)ranks;
    return up_to(size * page, LARGE_PAGE);
}

/* A longer file would end the process; and of a bounded number of addresses arenas might leave too few for all else. */
static bool allowed(size_t size)
{
    struct rlimit files, addresses;
    return getrlimit(RLIMIT_FSIZE, &files) == 0 && getrlimit(RLIMIT_AS, &addresses) == 0 &&
           (files.rlim_cur == RLIM_INFINITY || files.rlim_cur >= size) && addresses.rlim_cur == RLIM_INFINITY;
}

/* On a boundary of large pages, or they could not be mapped; left out of what a crash leaves, which would else fill it. */
static bool map(Arena *a, int rank, int file)
{
    const size_t size = a->size + LARGE_PAGE;
    char *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return false;
    const size_t before = (size_t)(-(uintptr_t)room % LARGE_PAGE);
    char *begin = room + before;
    if (mmap(begin, a->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file, 0) ==
        MAP_FAILED) {
        munmap(room, size);
        return false;
    }
    if (before > 0) munmap(room, before);
    munmap(begin + a->size, LARGE_PAGE - before);
    madvise(begin, a->size, MADV_DONTDUMP);
    a->begin[rank] = (unsigned char *)begin;
    return true;
}

/* So that there is memory, or an error, here and not where it is first touched; on large pages where they are worth it,
 * and the kernel can make them of what lies there (MADV_COLLAPSE). */
static bool back(Arena *a, size_t until)
{
    const size_t from = a->backed;
    if (until <= from) return true;
    const bool large = until - from >= LARGE_PAGE;
    until = up_to(until, large ? LARGE_PAGE : (size_t)sysconf(_SC_PAGESIZE));
    while (fallocate(a->file, 0, (off_t)from, (off_t)(until - from)) != 0)
        if (errno != EINTR) return false;
    a->backed = until;
    if (large)
        madvise(a->begin[a->rank] + from / LARGE_PAGE * LARGE_PAGE, until - from / LARGE_PAGE * LARGE_PAGE,
                MADV_COLLAPSE);
    return true;
}

Arena *arena_new(int rank, int ranks, ArenaCard *card)
{
    char name[NAME];
    Arena *a = allocate_zeroed(1, sizeof *a);
    *a = (Arena){.file = -1, .rank = rank, .ranks = ranks, .size = size_for(ranks)};
    a->begin = allocate_zeroed((size_t)ranks, sizeof *a->begin);
    *card = (ArenaCard){.process = (long)getpid(), .file = -1};
    snprintf(name, sizeof name, ARENA_NAME "%ld", card->process);
    if (allowed(a->size)) a->file = memfd_create(name, MFD_CLOEXEC);
    if (a->file < 0 || ftruncate(a->file, (off_t)a->size) != 0 || !map(a, rank, a->file) || !back(a, LINE) ||
        getrandom(card->mark, sizeof card->mark, 0) != sizeof card->mark) {
        arena_free(a);
        return NULL;
    }
    card->file = a->file;
    memcpy(a->begin[rank], card->mark, sizeof card->mark);
    return a;
}

bool arena_map(Arena *a, int rank, const ArenaCard *card)
{
    char path[NAME];
    struct stat is;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", card->process, card->file);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return false;
    bool good = fstat(file, &is) == 0 && S_ISREG(is.st_mode) && (size_t)is.st_size == a->size &&
                map(a, rank, file) && memcmp(a->begin[rank], card->mark, sizeof card->mark) == 0;
    close(file);
    return good;
}

void arena_free(Arena *a)
{
    if (!a) return;
    for (int r = 0; r < a->ranks; r++)
        if (a->begin[r]) munmap(a->begin[r], a->size);
    if (a->file >= 0) close(a->file);
    free(a->begin);
    free(a->taken);
    free(a);
}

/* ---- dealt out ---- */

/* The first gap that it fits into: what comes and goes in a step finds the place of the step before. */
void *arena_take(Arena *a, size_t bytes)
{
    size_t at = LINE;
    unsigned long i = 0;
    bytes = (bytes + LINE - 1) / LINE * LINE;
    for (; i < a->count && a->taken[i].at - at < bytes; i++) at = a->taken[i].at + a->taken[i].bytes;
    if (bytes > a->size - at || !back(a, at + bytes)) return NULL;
    a->taken = allocate_more(a->taken, a->count, sizeof *a->taken);
    memmove(a->taken + i + 1, a->taken + i, (a->count++ - i) * sizeof *a->taken);
    a->taken[i] = (Extent){at, bytes};
    return a->begin[a->rank] + at;
}

void arena_give(Arena *a, const void *memory)
{
    const uint64_t at = arena_place(a, memory);
    unsigned long i = 0;
    while (i < a->count && a->taken[i].at != at) i++;
    if (i == a->count) fail("memory is given back to an arena that has not dealt it out");
    memmove(a->taken + i, a->taken + i + 1, (--a->count - i) * sizeof *a->taken);
}

bool arena_has(const Arena *a, const void *memory)
{
    const unsigned char *m = memory;
    return m >= a->begin[a->rank] && m < a->begin[a->rank] + a->size;
}

uint64_t arena_place(const Arena *a, const void *memory)
{
    return (uint64_t)((const unsigned char *)memory - a->begin[a->rank]);
}

void *arena_at(const Arena *a, int rank, uint64_t place)
{
    return a->begin[rank] + place;
}

/* ---- how much of others' ---- */

/* A line that names a mapping is followed by what is said of it. */
uint64_t arena_others(void)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    uint64_t kilobytes = 0;
    bool of_others = false;
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long more;
        const char *name = strstr(line, "/memfd:" ARENA_NAME);
        if (name)
            of_others = strtol(name + strlen("/memfd:" ARENA_NAME), NULL, 10) != (long)getpid();
        else if (of_others && sscanf(line, "Rss: %lu", &more) == 1) {
            kilobytes += more;
            of_others = false;
        }
    }
    if (maps) fclose(maps);
    return kilobytes * 1024;
}
