/* standard.c - standard output is a file like another. */
#include "sim/base/standard.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void standard_prepare(void)
{
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        if (fcntl(file, F_GETFD) >= 0) continue;
        /* the lowest free number is this one */
        if (open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY) != file) break;
    }
    signal(SIGXFSZ, SIG_IGN);
}

bool standard_printed(Error *error)
{
    const char *why = fflush(stdout) ? strerror(errno) : NULL;
    if (!why && !ferror(stdout)) return true;
    return error_set(error, "standard output: cannot write%s%s; not all that was to be printed is there",
                     why ? ": " : "", why ? why : "");
}
