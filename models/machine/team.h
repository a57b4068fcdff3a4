/* team.h - the threads of one rank, among which a kernel's parts are divided.
 *
 * A part has the same numbers whoever computes it, so that a run's do not depend on how many threads there are. The first
 * thread is the rank itself, and has a part of its own; the others wait for work without sleeping for some tens of
 * microseconds, about as long as the way to the next kernel, and then sleep. No part calls MPI or HDF5, or reports to the
 * device or allocates of it (device_aside() may be called). */
#ifndef MODELS_MACHINE_TEAM_H
#define MODELS_MACHINE_TEAM_H
#include <stdint.h>

enum { TEAM_MOST = 256 };

/* So many threads from here on, this one included, as far as the system gives them; returns how many there are. For all
 * ranks of a process, which has one thread at first. May be called again. */
int team_start(int threads);
/* Back to one. */
void team_end(void);
/* Which of them this is, 0 .. TEAM_MOST - 1: for what each has of its own. */
int team_place(void);

/* Part of a kernel: of its items those from `first` up to `end`. */
typedef void TeamPart(void *context, int64_t first, int64_t end);
/* All `count` items, in parts side by side of a multiple of `grain`, as many parts as there are threads, or fewer; and back
 * when all are done. In a part: all of them, here. Called by the rank itself and in parts, by no thread of another kind. */
void team_divide(int64_t count, int64_t grain, TeamPart *part, void *context);
#endif
