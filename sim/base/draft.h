/* draft.h - a file on its way to its place: written beside it under a name of this process's own, put there whole or
 * not at all, and never over a file of another's, whatever else starts or ends at the same moment.
 *
 * While a draft is written, and after that until draft_end(), a lock on the file tells others so; it goes with the
 * process. What no lock is on has been abandoned, or is finished. Where a file system knows no locks, nothing is taken
 * to be abandoned. */
#ifndef SIM_BASE_DRAFT_H
#define SIM_BASE_DRAFT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "models/machine/error.h"

typedef struct Draft {
    char *path;      /* where it is to go; once placed, where it is */
    char *temporary; /* PATH.sim-PID.tmp, where it lies; NULL once it is placed */
    char *kept;      /* the name that the file which was at `path` has now; NULL: there was none */
    int file;        /* open, with the lock */
} Draft;

/* Makes an empty file beside `path` and removes the drafts of `path` that others abandoned. */
bool draft_begin(Draft *draft, const char *path, Error *error);

/* Removes them without making one. */
void draft_clear(const char *path);
/* How much of a file's name is that of what it is a draft of; 0: it is no draft's. */
size_t draft_stem(const char *name);

/* Whether that would work now: asked before the work that ends in a file. */
bool draft_is_possible(const char *path, Error *error);

/* And whether the disk has room for so many bytes; or for those of a few files all at once, the first that has none being
 * number `lacks`. */
bool draft_has_room(const char *path, size_t bytes, Error *error);
enum { DRAFTS_AT_ONCE = 4 };
typedef struct DraftNeed {
    const char *path;
    size_t bytes;
} DraftNeed;
bool drafts_have_room(const DraftNeed *need, int count, int *lacks, Error *error);
/* Takes the room on the disk that its length stands for. */
bool draft_reserve(const Draft *draft, Error *error);

/* Whether a process writes the file at `path` now. */
bool draft_is_written(const char *path);

/* Fills it with what `write` prints. */
bool draft_fill(const Draft *draft, void (*write)(FILE *out, const void *what), const void *what,
                Error *error);

/* Puts it at its path, once its bytes are on the disk. A file that is there is kept as the first free of STEM.1.EXT,
 * STEM.2.EXT, ..., but that one which is `worthless` (NULL: none) is removed; and where another process is still
 * writing it, this draft takes that free name instead (`path` says). */
bool draft_place(Draft *draft, bool (*worthless)(const char *path), Error *error);

/* The same in place of the file at its path, which is the caller's own earlier one. */
bool draft_replace(Draft *draft, Error *error);

/* The same, but what is at its path goes there only if it is `own`; anything else is kept, as draft_place() does. Calls
 * at the same moment, for one path, leave the file of one of them, and none of theirs beside it. */
bool draft_renew(Draft *draft, bool (*own)(const char *path), Error *error);

/* The lock outlives draft_end() until what this returns is closed; -1 of a draft that has ended. */
int draft_hold(const Draft *draft);

/* Once placed: whether its file has a name still, whichever, so that whoever looks can find it. */
bool draft_is_there(const Draft *draft);

/* Frees it. A draft that is not placed is removed, and its room on the disk with it. */
void draft_end(Draft *draft);
#endif
