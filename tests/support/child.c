/* child.c - forking, and listening. */
#include "tests/support/child.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "models/machine/error.h"

int child_run(void (*body)(void *context), void *context, char *said, size_t size, struct rusage *used)
{
    int ends[2], status = 0;
    size_t length = 0;
    ssize_t got;
    struct rusage ignored;
    said[0] = '\0';
    if (pipe(ends)) return -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        fail_through(_exit);
        body(context);
        _exit(99);
    }
    close(ends[1]);
    while (length < size - 1 && (got = read(ends[0], said + length, size - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    if (child < 0 || wait4(child, &status, 0, used ? used : &ignored) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
