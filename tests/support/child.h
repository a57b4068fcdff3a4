/* child.h - what ends the job, tried in a process of its own. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H
#include <stddef.h>
#include <sys/resource.h>

/* Runs body(context) in a child, whose status is 99 where it comes to its end. `said` gets what the child wrote to
 * standard error, `used` (or NULL) what it took of this machine. Returns its exit status, or -1. */
int child_run(void (*body)(void *context), void *context, char *said, size_t size, struct rusage *used);
#endif
