/* posix.h - what the system does to files: opened, read whole, folders made, copies; and why it refused. */
#ifndef SIM_BASE_POSIX_H
#define SIM_BASE_POSIX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "models/machine/error.h"

/* Opens a plain file, or a link to one, to read; NULL with an errno: EISDIR of a folder, ENOTSUP of a pipe or a device,
 * which may keep one waiting or have no end. */
FILE *files_open(const char *path);

/* strerror(), and what the above means by ENOTSUP. */
const char *files_reason(int number);

/* Whether both are one file, however they are spelt: one that exists, or a name in one folder. */
bool files_same(const char *a, const char *b);

/* `path`, by which `file` was opened, becomes the name it has now, if it was moved; left where that is unknown. */
void files_follow(int file, char *path, size_t size);

/* The rest of an open file, at most `most` bytes of it, malloc'd and with a zero byte behind. ferror() tells
 * whether it is all. */
char *files_read(FILE *file, size_t most, size_t *bytes);

/* "zero3.h5" of "results/zero3.h5". */
const char *files_name(const char *path);
/* How much of a path stands before the extension of its name, ".h5"; all where it has none. */
size_t files_stem(const char *path);
/* "results" of "results/zero3.h5", "." of "zero3.h5". */
void files_folder(const char *path, char *folder, size_t size);

/* "PATH: cannot WHAT: No space left on device (0.1 MB free); free some ...", from an errno; returns false. */
bool files_refuse(const char *path, const char *what, int number, Error *error);

/* Makes the folder and those above it, where they are missing. */
bool files_make_folder(const char *path, Error *error);

/* The names in the folder that `path` is in reach the disk. */
bool files_sync_folder(const char *path, Error *error);

/* Whether a result may be written at `path`: its folder exists or can be
 * made (it is), and what is there already, if anything, is a plain file. */
bool files_prepare(const char *path, Error *error);

/* Bytes at their place in an open file: 0, or the errno of what kept some from it. */
int files_write_at(int file, const void *bytes, size_t count, uint64_t at);

bool files_copy(const char *from, const char *to, Error *error);
#endif
