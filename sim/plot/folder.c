/* folder.c - names the folder of charts after the runs in them, so that no two sets of runs share one. */
#include "sim/plot/folder.h"
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/plot/text.h"

#define BLANKS " \t\n\v\f\r"                /* which what is typed without quotes cannot have */
enum { LONGEST = 96, STEM = NAME_MAX + 1 }; /* a name's bytes: file systems end at 255, and some at 143 */

/* Where a run's folder really is, however its path spells that; as spelt where it cannot be told. */
static void real_folder(const char *path, char real[PATH_MAX])
{
    char folder[PATH_MAX];
    files_folder(path, folder, sizeof folder);
    if (!realpath(folder, real)) memcpy(real, folder, sizeof folder);
}

/* FNV-1a, with the byte 0 at the end. */
static uint32_t add_text(uint32_t hash, const char *text)
{
    do hash = (hash ^ (unsigned char)*text) * 16777619u;
    while (*text++);
    return hash;
}

/* A number for these runs in this order. */
static uint32_t number_of(const PlotRun *runs, int count)
{
    uint32_t hash = 2166136261u;
    for (int i = 0; i < count; i++) {
        char folder[PATH_MAX];
        const char *slash = strrchr(runs[i].path, '/');
        real_folder(runs[i].path, folder);
        hash = add_text(add_text(hash, folder), slash ? slash + 1 : runs[i].path);
    }
    return hash;
}

/* Whether the runs' stems with '+' between them say which files these are: no '+' is one of theirs, and no blank is to
 * become a '-'. */
static bool names_tell(const PlotRun *runs, int count)
{
    char first[PATH_MAX], other[PATH_MAX], stem[STEM];
    real_folder(runs[0].path, first);
    for (int i = 0; i < count; i++) {
        real_folder(runs[i].path, other);
        plot_stem(runs[i].path, stem, sizeof stem);
        if (strcmp(first, other) != 0 || strchr(stem, '+') || strpbrk(stem, BLANKS)) return false;
    }
    return true;
}

/* Joins as many stems as fit into `most` bytes, the first one cut if need be, their blanks '-'; returns how many. */
static int join_stems(const PlotRun *runs, int count, char *name, size_t most)
{
    char stem[STEM];
    int joined = 0;
    name[0] = '\0';
    for (size_t used = 0; joined < count; joined++) {
        plot_stem(runs[joined].path, stem, sizeof stem);
        const size_t plus = joined > 0, length = strlen(stem);
        if (joined && used + plus + length > most) break;
        size_t kept = length < most ? length : most;
        while (kept < length && ((unsigned char)stem[kept] & 0xc0) == 0x80) kept--; /* no half of a letter */
        sprintf(name + used, "%s%.*s", plus ? "+" : "", (int)kept, stem);
        used += plus + kept;
    }
    for (char *c = name; (c = strpbrk(c, BLANKS));) *c = '-';
    return joined;
}

bool plot_choose_folder(const PlotRun *runs, int count, char folder[PLOT_PATH], Error *error)
{
    char name[LONGEST + 1], stem[STEM], beside[PATH_MAX];
    size_t whole = (size_t)count - 1;
    for (int i = 0; i < count; i++) {
        plot_stem(runs[i].path, stem, sizeof stem);
        whole += strlen(stem);
    }
    const size_t charts = strlen("-charts"), digits = strlen("-12345678"),
                 more = count > 1 ? strlen("+31-more") : 0;
    const bool tell = names_tell(runs, count) && whole + charts <= LONGEST;
    const bool fit = whole + charts + digits <= LONGEST;
    const int joined =
        join_stems(runs, count, name, LONGEST - charts - (tell ? 0 : digits) - (tell || fit ? 0 : more));
    if (joined < count) words_append(name, sizeof name, "+%d-more", count - joined);
    if (!tell) words_append(name, sizeof name, "-%08x", (unsigned)number_of(runs, count));
    words_append(name, sizeof name, "-charts");
    const char *slash = strrchr(runs[0].path, '/');
    const int length = slash ? (int)(slash - runs[0].path) + 1 : 0;
    if (length >= (int)sizeof beside) return error_set(error, "%.60s...: the path is too long", runs[0].path);
    snprintf(beside, sizeof beside, "%.*s", length, runs[0].path);
    return plot_join(folder, beside, name, error);
}
