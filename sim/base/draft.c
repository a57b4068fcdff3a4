/* draft.c - names that are taken, never overwritten. */
#include "sim/base/draft.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "sim/base/names.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"

enum { PATH_SIZE = 4096 };

/* ---- locks ---- */

/* 1: a process writes this file, 0: none does, -1: there is no telling. */
static int is_written(const char *path)
{
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), number = 0;
    if (file < 0) return -1;
    if (flock(file, LOCK_SH | LOCK_NB)) number = errno;
    close(file);
    return number == 0 ? 0 : number == EWOULDBLOCK ? 1 : -1;
}

/* Between processes that look at what is at a path and those that change it. Without it, where folders cannot be
 * locked, the steps of draft_place() still lose nothing. To be closed; -1 without. */
static int lock_folder(const char *path)
{
    enum { TRIES = 500, PAUSE = 10000 }; /* of so many us: five seconds */
    char folder[PATH_SIZE];
    files_folder(path, folder, sizeof folder);
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; file >= 0 && i < TRIES && flock(file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK; i++)
        usleep(PAUSE);
    return file;
}

static bool is_still(int file, const char *path)
{
    struct stat open_file, named;
    return !fstat(file, &open_file) && !lstat(path, &named) && open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

/* ---- the draft ---- */

#define MARK ".sim-" /* no user's file has that by chance, and drafts are removed by their names */

/* Of "BASE.sim-123.tmp", or "BASE.sim-123.4.tmp". */
size_t draft_stem(const char *name)
{
    const char *mark = NULL;
    for (const char *at = name; (at = strstr(at, MARK)); at++) mark = at;
    if (!mark || !isdigit((unsigned char)mark[strlen(MARK)])) return 0;
    const char *rest = mark + strlen(MARK);
    rest += strspn(rest, ".0123456789");
    return rest[-1] == '.' && strcmp(rest, "tmp") == 0 ? (size_t)(mark - name) : 0;
}

static bool is_draft_of(const char *base, const char *name)
{
    const size_t stem = draft_stem(name);
    return stem > 0 && stem == strlen(base) && strncmp(name, base, stem) == 0;
}

/* Removes the drafts of `path` whose processes are gone. */
static void remove_abandoned(const char *path)
{
    char folder[PATH_SIZE], name[2 * PATH_SIZE];
    const char *base = files_name(path);
    files_folder(path, folder, sizeof folder);
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (!is_draft_of(base, entry->d_name)) continue;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        int file = open(name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (file < 0) continue;
        if (!flock(file, LOCK_EX | LOCK_NB) && is_still(file, name)) unlink(name);
        close(file);
    }
    if (directory) closedir(directory);
}

/* A new file that is locked; its name in `name`. -1, with errno, when none can be made. */
static int new_file(const char *path, char *name, size_t size)
{
    for (int i = 0;; i++) {
        if (i)
            snprintf(name, size, "%s" MARK "%ld.%d.tmp", path, (long)getpid(), i);
        else
            snprintf(name, size, "%s" MARK "%ld.tmp", path, (long)getpid());
        int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno == EEXIST)
            continue; /* another machine's, whose processes have the same numbers */
        if (file < 0) return -1;
        /* before it was locked, it could be taken for abandoned */
        if (flock(file, LOCK_EX) || is_still(file, name)) return file;
        close(file);
    }
}

bool draft_begin(Draft *draft, const char *path, Error *error)
{
    char name[PATH_SIZE + 64];
    *draft = (Draft){.path = words_copy(path), .file = -1};
    remove_abandoned(path);
    draft->file = new_file(path, name, sizeof name);
    if (draft->file < 0) {
        files_refuse(path, "create", errno, error);
        draft_end(draft);
        return false;
    }
    draft->temporary = words_copy(name);
    return true;
}

void draft_clear(const char *path)
{
    remove_abandoned(path);
}

bool draft_is_possible(const char *path, Error *error)
{
    Draft draft;
    if (!draft_begin(&draft, path, error)) return false;
    draft_end(&draft);
    return true;
}

/* Where a file system cannot give room beforehand (NFS), what it says to have free is all there is to know: the C
 * library's way would be to write it all. */
static int take_bytes(int file, off_t bytes)
{
    struct statvfs disk;
    if (bytes <= 0 || !fallocate(file, 0, 0, bytes)) return 0;
    if (errno != EOPNOTSUPP || fstatvfs(file, &disk)) return errno;
    off_t there = lseek(file, 0, SEEK_END);
    return (double)disk.f_bavail * (double)disk.f_frsize < (double)(bytes - there) ? ENOSPC : 0;
}

static bool take_room(const Draft *draft, off_t bytes, Error *error)
{
    char what[64];
    int number = take_bytes(draft->file, bytes);
    snprintf(what, sizeof what, "take %.1f MB on the disk", (double)bytes / 1e6);
    return !number || files_refuse(draft->path, what, number, error);
}

bool drafts_have_room(const DraftNeed *need, int count, int *lacks, Error *error)
{
    Draft draft[DRAFTS_AT_ONCE];
    int begun = 0;
    bool have = true;
    while (have && begun < count) {
        *lacks = begun;
        have = draft_begin(&draft[begun], need[begun].path, error);
        if (have) have = take_room(&draft[begun], (off_t)need[begun].bytes, error), begun++;
    }
    while (begun > 0) draft_end(&draft[--begun]);
    return have;
}

bool draft_has_room(const char *path, size_t bytes, Error *error)
{
    int lacks;
    return drafts_have_room(&(DraftNeed){path, bytes}, 1, &lacks, error);
}

bool draft_reserve(const Draft *draft, Error *error)
{
    return take_room(draft, lseek(draft->file, 0, SEEK_END), error);
}

bool draft_is_written(const char *path)
{
    return is_written(path) == 1;
}

bool draft_fill(const Draft *draft, void (*write)(FILE *out, const void *what), const void *what,
                Error *error)
{
    FILE *out = fdopen(draft_hold(draft), "w");
    if (!out) return files_refuse(draft->path, "write", errno, error);
    write(out, what);
    bool whole = !fflush(out) && !ferror(out);
    int number = errno;
    if (fclose(out) && whole) {
        whole = false;
        number = errno;
    }
    return whole || files_refuse(draft->path, "write", number, error);
}

/* ---- its place ---- */

static bool is_on_disk(const Draft *draft, Error *error)
{
    return !fsync(draft->file) || files_refuse(draft->path, "finish writing", errno, error);
}

static void is_placed(Draft *draft)
{
    free(draft->temporary);
    draft->temporary = NULL;
}

/* What is at the path goes to a number of its own, and is looked at there, where nobody else puts anything. */
static bool keep(Draft *draft, bool (*worthless)(const char *path), Error *error)
{
    char name[PATH_SIZE + 64];
    int number = names_number(names_move, draft->path, draft->path, name, sizeof name);
    if (number == ENOENT) return true; /* another took it away */
    if (number) return files_refuse(draft->path, "rename the earlier file", number, error);
    if (worthless && is_written(name) == 0 && worthless(name) && !unlink(name)) return true;
    free(draft->kept);
    draft->kept = words_copy(name);
    return true;
}

static bool place(Draft *draft, bool (*worthless)(const char *path), Error *error)
{
    char name[PATH_SIZE + 64];
    int number;
    while ((number = names_move_own(draft->temporary, draft->path)) == EEXIST) {
        if (is_written(draft->path) == 1) {
            number = names_number(names_move_own, draft->temporary, draft->path, name, sizeof name);
            if (number) break;
            free(draft->path);
            draft->path = words_copy(name);
            break;
        }
        if (!keep(draft, worthless, error)) return false;
    }
    return !number || files_refuse(draft->path, "finish writing", number, error);
}

bool draft_place(Draft *draft, bool (*worthless)(const char *path), Error *error)
{
    if (!is_on_disk(draft, error)) return false;
    int lock = lock_folder(draft->path);
    bool placed = place(draft, worthless, error);
    if (lock >= 0) close(lock);
    if (placed) is_placed(draft);
    return placed;
}

bool draft_replace(Draft *draft, Error *error)
{
    if (!is_on_disk(draft, error)) return false;
    if (rename(draft->temporary, draft->path))
        return files_refuse(draft->path, "finish writing", errno, error);
    is_placed(draft);
    return true;
}

bool draft_renew(Draft *draft, bool (*own)(const char *path), Error *error)
{
    if (!is_on_disk(draft, error)) return false;
    struct stat there;
    int lock = lock_folder(draft->path);
    bool free_now = lstat(draft->path, &there) || own(draft->path) || keep(draft, NULL, error);
    bool renewed = free_now && draft_replace(draft, error);
    if (lock >= 0) close(lock);
    return renewed;
}

int draft_hold(const Draft *draft)
{
    return draft->file < 0 ? -1 : fcntl(draft->file, F_DUPFD_CLOEXEC, 0);
}

/* There are file systems that count no names. */
bool draft_is_there(const Draft *draft)
{
    struct stat about;
    return fstat(draft->file, &about) || about.st_nlink > 0 || is_still(draft->file, draft->path);
}

void draft_end(Draft *draft)
{
    if (draft->temporary) {
        char name[PATH_SIZE];
        /* who still has it open would keep its room taken; that this fails costs nothing else */
        if (ftruncate(draft->file, 0)) errno = 0;
        snprintf(name, sizeof name, "%s", draft->temporary);
        files_follow(draft->file, name, sizeof name); /* its folder may have been moved */
        unlink(name);
    }
    if (draft->file >= 0) close(draft->file);
    free(draft->path);
    free(draft->temporary);
    free(draft->kept);
    *draft = (Draft){.file = -1};
}
