/* posix.c - the POSIX side of result files. */
#include "sim/base/posix.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, SHOWN = 1024 };

FILE *files_open(const char *path)
{
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat about;
    if (file < 0) {
        if (errno == ENXIO) errno = ENOTSUP; /* a socket, or a device that is not there */
        return NULL;
    }
    int number = fstat(file, &about)       ? errno
                 : S_ISDIR(about.st_mode)  ? EISDIR
                 : !S_ISREG(about.st_mode) ? ENOTSUP
                                           : 0;
    FILE *opened = number ? NULL : fdopen(file, "rb");
    if (opened) return opened;
    if (!number) number = errno;
    close(file);
    errno = number;
    return NULL;
}

const char *files_reason(int number)
{
    return number == ENOTSUP ? "it is a pipe or a device, not a plain file" : strerror(number);
}

char *files_read(FILE *file, size_t most, size_t *bytes)
{
    size_t room = 1 << 16, used = 0;
    char *text = allocate(room + 1);
    while (used < most && !feof(file) && !ferror(file)) {
        if (used == room) {
            char *larger = allocate(2 * room + 1);
            memcpy(larger, text, used);
            free(text);
            text = larger;
            room *= 2;
        }
        size_t wanted = room < most ? room - used : most - used;
        used += fread(text + used, 1, wanted, file);
    }
    text[used] = '\0';
    *bytes = used;
    return text;
}

const char *files_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

size_t files_stem(const char *path)
{
    const char *name = files_name(path), *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - path) : strlen(path);
}

void files_folder(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(folder, size, ".");
    else
        snprintf(folder, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

bool files_sync_folder(const char *path, Error *error)
{
    char folder[PATH_SIZE];
    files_folder(path, folder, sizeof folder);
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = file < 0 || fsync(file) ? errno : 0;
    if (file >= 0) close(file);
    /* file systems whose folders cannot be synced need none */
    return !number || number == EINVAL || files_refuse(folder, "finish writing", number, error);
}

bool files_refuse(const char *path, const char *what, int number, Error *error)
{
    static const struct {
        int number;
        const char *hint;
    } hints[] = {
        {ENOSPC, "; free some space there or name a file on another disk"},
        {EDQUOT, "; free some of your quota there or name a file on another disk"},
        {EFBIG, "; raise the limit on file sizes (ulimit -f) or record less"},
        {EACCES, "; check the permissions or name a file in another folder"},
        {EPERM, "; check the permissions or name a file in another folder"},
        {EROFS, "; name a file on another disk"},
        {ENOENT, "; check the name"},
        {ENOTSUP, "; name one that is, such as a copy of it"},
        {EISDIR, "; name a file, not a folder"},
        {ENOTDIR, "; a part of the path is a file where a folder should be: name another folder"},
        {ENAMETOOLONG, "; name a shorter one"},
        {EMFILE, "; raise the limit on open files (ulimit -n)"},
        {EIO, "; the disk or its connection is failing: name a file on another disk"},
    };
    char room[48] = "", folder[PATH_SIZE], shown[SHOWN];
    files_folder(path, folder, sizeof folder);
    struct statvfs disk;
    if (number == ENOSPC && !statvfs(folder, &disk))
        snprintf(room, sizeof room, " (%.1f MB free)", (double)disk.f_bavail * (double)disk.f_frsize / 1e6);
    const char *hint = "";
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (hints[i].number == number) hint = hints[i].hint;
    return error_set(error, "%s: cannot %s: %s%s%s", error_show(shown, sizeof shown, path, strlen(path)),
                     what, files_reason(number), room, hint);
}

static bool one_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool files_same(const char *a, const char *b)
{
    struct stat at_a, at_b;
    char folder_a[PATH_SIZE], folder_b[PATH_SIZE];
    if (!stat(a, &at_a) && !stat(b, &at_b) && one_file(&at_a, &at_b)) return true;
    if (strcmp(files_name(a), files_name(b)) != 0) return false;
    files_folder(a, folder_a, sizeof folder_a);
    files_folder(b, folder_b, sizeof folder_b);
    return !stat(folder_a, &at_a) && !stat(folder_b, &at_b) && one_file(&at_a, &at_b);
}

void files_follow(int file, char *path, size_t size)
{
    struct stat open_file, named;
    char link[64], now[PATH_SIZE];
    if (fstat(file, &open_file) || (!stat(path, &named) && one_file(&open_file, &named))) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, now, sizeof now - 1);
    if (length < 0 || (size_t)length >= size) return;
    now[length] = '\0';
    if (!stat(now, &named) && one_file(&open_file, &named)) snprintf(path, size, "%s", now);
}

/* Whether it is a link as /dev/stdout is, to what this process has open: a plain file, maybe, of no fixed name. */
static bool leads_to_the_system(const char *path)
{
    char target[PATH_SIZE];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) return false;
    target[length] = '\0';
    return strncmp(target, "/proc/", 6) == 0 || strncmp(target, "/dev/", 5) == 0;
}

bool files_make_folder(const char *path, Error *error)
{
    char folder[PATH_SIZE];
    struct stat there;
    if (snprintf(folder, sizeof folder, "%s", path) >= PATH_SIZE)
        return files_refuse(path, "make this folder", ENAMETOOLONG, error);
    for (char *end = folder + 1; *folder; end++) {
        if (*end && *end != '/') continue;
        char was = *end;
        *end = '\0';
        if (mkdir(folder, 0777) && errno != EEXIST) {
            /* a folder that exists on a read-only disk gives EROFS, one of another's EACCES */
            int number = errno;
            if (stat(folder, &there) || !S_ISDIR(there.st_mode))
                return files_refuse(folder, "make this folder", number, error);
        }
        if (!was) break;
        *end = was;
    }
    const bool made = !stat(folder, &there) && S_ISDIR(there.st_mode);
    return made || files_refuse(path, "make this folder", ENOTDIR, error);
}

bool files_prepare(const char *path, Error *error)
{
    size_t length = strlen(path);
    if (length >= PATH_SIZE - 16) return files_refuse(path, "write", ENAMETOOLONG, error);
    struct stat there;
    if (!length || path[length - 1] == '/' || (!stat(path, &there) && S_ISDIR(there.st_mode)))
        return error_set(error, "%s: is a folder; name a file in it, such as %s%srun.h5", path, path,
                         length && path[length - 1] == '/' ? "" : "/");
    /* a device or a pipe would be replaced by the rename that publishes the file, and so would /dev/stdout */
    if ((!stat(path, &there) && !S_ISREG(there.st_mode)) || leads_to_the_system(path))
        return error_set(error, "%s: is no plain file; name another, such as results/run.h5", path);

    char folder[PATH_SIZE];
    files_folder(path, folder, sizeof folder);
    return files_make_folder(folder, error);
}

int files_write_at(int file, const void *bytes, size_t count, uint64_t at)
{
    const char *from = bytes;
    while (count > 0) {
        ssize_t put = pwrite(file, from, count, (off_t)at);
        if (put < 0 && errno != EINTR) return errno;
        if (put == 0) return EIO;
        if (put < 0) continue;
        from += put;
        at += (uint64_t)put;
        count -= (size_t)put;
    }
    return 0;
}

bool files_copy(const char *from, const char *to, Error *error)
{
    enum { PIECE = 1 << 20 };
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) return files_refuse(from, "read", errno, error);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int number = out < 0 ? errno : 0;
    char *piece = allocate(PIECE);
    ssize_t got = 0;
    for (uint64_t at = 0; !number && (got = read(in, piece, PIECE)) > 0; at += (uint64_t)got)
        number = files_write_at(out, piece, (size_t)got, at);
    if (!number && got < 0) number = errno;
    free(piece);
    if (out >= 0 && close(out) && !number) number = errno;
    close(in);
    return !number || files_refuse(to, "write", number, error);
}
