/* posix.h - what the system does to files: read whole, folders made, copies,
 * earlier results kept, new ones put in place; and why it refused. */
#ifndef SIM_BASE_POSIX_H
#define SIM_BASE_POSIX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "models/machine/error.h"

/* The rest of an open file, at most `most` bytes of it, malloc'd and with a zero byte behind. ferror() tells
 * whether it is all. */
char *files_read(FILE *file, size_t most, size_t *bytes);

/* "PATH: cannot WHAT: No space left on device (0.1 MB free); free some ...", from an errno; returns false. */
bool files_refuse(const char *path, const char *what, int number, Error *error);

/* Whether a result may be written at `path`: its folder exists or can be
 * made (it is), and what is there already, if anything, is a plain file. */
bool files_prepare(const char *path, Error *error);

bool files_copy(const char *from, const char *to, Error *error);

/* Renames `path` to the first free of STEM.1.EXT, STEM.2.EXT, ...; `kept` gets that name. */
bool files_keep(const char *path, char *kept, size_t kept_size, Error *error);

/* Puts `temporary` at `path` once its bytes are on the disk: all of it or nothing, also after a crash. */
bool files_publish(const char *temporary, const char *path, Error *error);
#endif
