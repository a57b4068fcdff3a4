/* control_group.h - the groups of processes (Linux's control groups) that this one is in: each bounds what its processes
 * use together. */
#ifndef PARALLEL_WIRE_CONTROL_GROUP_H
#define PARALLEL_WIRE_CONTROL_GROUP_H

/* Calls `visit` with the folder of each group that bounds `controller`, "cpu" or "memory", for this process: its own, and
 * up from there all that this one is in. `version`, 1 or 2, says what the files there are called. `root`: of /proc and
 * /sys, "" but in tests. Where there are no such groups nothing is visited. */
void control_groups_visit(const char *root, const char *controller,
                          void (*visit)(void *context, const char *folder, int version), void *context);
#endif
