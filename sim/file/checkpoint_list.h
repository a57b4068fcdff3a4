/* checkpoint_list.h - the checkpoints of a run in their folder, in the order in which they were written.
 *
 * No clock of the day decides on that alone: it may go back, or be another machine's. Each has a moment of its own, which
 * is that clock's or, where it is behind, just after the newest there is: a hybrid logical clock [Kulkarni et al. 2014]. */
#ifndef SIM_FILE_CHECKPOINT_LIST_H
#define SIM_FILE_CHECKPOINT_LIST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sim/base/discard.h"

/* "results/ck-000120.h5" of "results/ck.h5". */
void checkpoint_name(const char *path, int64_t step, char *name, size_t size);

typedef struct CheckpointFound {
    char *path;
    int64_t step;   /* by its name */
    int64_t moment; /* microseconds since 1970; when it was last written to, where it does not say */
    char run[32];   /* whose it is; "": it does not say */
} CheckpointFound;

/* Those whose names are of `path`, the newest first; malloc'd. Whether one is whole, only reading it tells. */
size_t checkpoint_list(const char *path, CheckpointFound **found);
void checkpoint_list_free(CheckpointFound *found, size_t count);
/* The newest one's moment, 0 where there is none; and that of one which is written now. */
int64_t checkpoint_newest(const char *path);
int64_t checkpoint_moment(int64_t newest);

/* Whether a file is a checkpoint of that run. */
bool checkpoint_is_of(const char *path, const char *run);
/* Removes what killed runs have left of those they were writing. */
void checkpoint_clear(const char *path);
/* Discards those of the run but the newest `keep`. */
void checkpoint_prune(const char *path, const char *run, size_t keep, Discard *gone);
#endif
