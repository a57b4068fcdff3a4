/* held.h - a file of any kind that sim writes, opened and checked to be whole, and what it holds. */
#ifndef SIM_INSPECT_HELD_H
#define SIM_INSPECT_HELD_H
#include "sim/file/checkpoint_layout.h"
#include "sim/file/run_file.h"
#include "sim/file/schema.h"
#include "sim/inspect/arrays.h"
#include "sim/sweep/result.h"

extern const char *const held_kind[SCHEMAS]; /* "a run's file", "a checkpoint", ... */

typedef struct Held {
    char *path;
    Schema kind; /* what it is taken for */
    H5 *file;
    Arrays arrays;
    RunFile *run;          /* of a run's */
    CheckpointState state; /* of a checkpoint, */
    H5Kind real;           /* and what its values are */
    Sweep sweep;           /* of a sweep's */
} Held;

/* False, with nothing to close and a line that names the file: it is of no such kind, or not whole. A run that is
 * complete, a checkpoint and a sweep are held against their checksums; weights and gradients have none, and may be
 * another's; a table of sim goodput has none. */
bool held_open(Held *held, const char *path, Error *error);
void held_close(Held *held);
#endif
