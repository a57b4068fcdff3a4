/* names.c - by the one call that does it, or by two. */
#include "sim/base/names.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/posix.h"

/* "STEM.n.EXT" */
static void numbered(const char *path, int n, char *name, size_t size)
{
    size_t stem = files_stem(path);
    snprintf(name, size, "%.*s.%d%s", (int)stem, path, n, path + stem);
}

/* Renames, unless there is a file at `to`: 0, or an errno, EEXIST. Not all file systems can: `cannot`. */
static int rename_alone(const char *from, const char *to, bool *cannot)
{
    int number = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) ? errno : 0;
    *cannot = number == EINVAL || number == ENOSYS || number == EOPNOTSUPP;
    return number;
}

/* Where that cannot be, the name is taken first. */
int names_move(const char *from, const char *to)
{
    bool cannot;
    int number = rename_alone(from, to, &cannot);
    if (!cannot) return number;
    int file = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return errno;
    close(file);
    if (!rename(from, to)) return 0;
    number = errno;
    unlink(to);
    return number;
}

int names_move_own(const char *from, const char *to)
{
    bool cannot;
    int number = rename_alone(from, to, &cannot);
    if (!cannot) return number;
    if (!link(from, to)) return unlink(from) ? errno : 0;
    return errno == EEXIST ? EEXIST : names_move(from, to);
}

int names_number(int (*move)(const char *from, const char *to), const char *from, const char *path,
                 char *name, size_t size)
{
    int number = EEXIST;
    for (int n = 1; number == EEXIST; n++) {
        numbered(path, n, name, size);
        number = move(from, name);
    }
    return number;
}
