/* disk_witness.c - tells, from outside, in which order a program writes files, brings them to the disk and names them.
 *
 * Preloaded over the C library. Each call adds a line to $DISK_LOG: "W process file" before a write into a plain file,
 * "S process file" after it was brought to the disk ("D" of a folder), "R process file name" before it gets a name, "U
 * process 0 name" before a name is removed; a file is its inode. Large writes ($LARGE bytes on) into what has $DISK_FULL
 * in its name find no room; those of any thread but the first take $DISK_SLOW microseconds longer, and so does closing a
 * file there. Once what ends with $DISK_LAST has its name, the process is killed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LARGE = 16384 };

static void tell(char what, ino_t file, const char *name)
{
    char line[512];
    const char *log = getenv("DISK_LOG"), *slash = name ? strrchr(name, '/') : NULL;
    int to = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (to < 0) return;
    int length = snprintf(line, sizeof line, "%c %d %llu %s\n", what, (int)getpid(), (unsigned long long)file,
                          slash  ? slash + 1
                          : name ? name
                                 : "");
    if (syscall(SYS_write, to, line, (size_t)length) < 0) abort();
    close(to);
}

/* Whether there is room. */
static int before_write(int file, size_t count)
{
    char link[64], name[4096];
    struct stat about;
    const char *full = getenv("DISK_FULL"), *slow = getenv("DISK_SLOW");
    if (fstat(file, &about) || !S_ISREG(about.st_mode)) return 1;
    if (slow && count >= LARGE && gettid() != getpid()) usleep((useconds_t)atoi(slow));
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length >= 0 && full && count >= LARGE) {
        name[length] = '\0';
        if (strstr(name, full)) return 0;
    }
    tell('W', about.st_ino, NULL);
    return 1;
}

static ssize_t write_at(int file, const void *bytes, size_t count, off_t at)
{
    if (before_write(file, count)) return syscall(SYS_pwrite64, file, bytes, count, at);
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    return write_at(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t at)
{
    return write_at(file, bytes, count, at);
}

ssize_t write(int file, const void *bytes, size_t count)
{
    before_write(file, 0);
    return syscall(SYS_write, file, bytes, count);
}

int fsync(int file)
{
    struct stat about;
    int status = (int)syscall(SYS_fsync, file);
    if (!status && !fstat(file, &about)) tell(S_ISDIR(about.st_mode) ? 'D' : 'S', about.st_ino, NULL);
    return status;
}

int close(int file)
{
    const char *slow = getenv("DISK_SLOW");
    if (slow && gettid() != getpid()) usleep((useconds_t)atoi(slow));
    return (int)syscall(SYS_close, file);
}

static void tell_named(const char *from, const char *to)
{
    struct stat about;
    if (!stat(from, &about)) tell('R', about.st_ino, to);
}

static int named(const char *to, int status)
{
    const char *last = getenv("DISK_LAST");
    size_t all = strlen(to), end = last ? strlen(last) : 0;
    if (!status && last && end <= all && strcmp(to + all - end, last) == 0) raise(SIGKILL);
    return status;
}

int rename(const char *from, const char *to)
{
    tell_named(from, to);
    return named(to, (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int renameat2(int folder, const char *from, int other, const char *to, unsigned flags)
{
    tell_named(from, to);
    return named(to, (int)syscall(SYS_renameat2, folder, from, other, to, flags));
}

int unlink(const char *name)
{
    tell('U', 0, name);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0);
}
