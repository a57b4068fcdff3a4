/* names.h - a file takes a name that no other has, also where a file system (NFS) has no one call for that. */
#ifndef SIM_BASE_NAMES_H
#define SIM_BASE_NAMES_H
#include <stddef.h>

/* Renames a file, unless there is one at `to`: 0, or an errno, EEXIST. */
int names_move(const char *from, const char *to);
/* The same of a file that nobody else renames: where there are links, the name is never another file's for a moment. */
int names_move_own(const char *from, const char *to);
/* Moves `from` by one of these to the first of STEM.1.EXT, STEM.2.EXT, ... that is free, of `path` = STEM.EXT; which is in
 * `name` then. 0, or an errno. */
int names_number(int (*move)(const char *from, const char *to), const char *from, const char *path,
                 char *name, size_t size);
#endif
