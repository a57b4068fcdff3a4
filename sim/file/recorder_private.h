/* recorder_private.h - what the files of a recorder share. */
#ifndef SIM_FILE_RECORDER_PRIVATE_H
#define SIM_FILE_RECORDER_PRIVATE_H
#include <stdint.h>
#include <sys/stat.h>
#include "sim/file/h5.h"
#include "sim/file/run_info.h"

/* Actions on their way into the file. */
typedef struct RecorderBlock {
    char *rows; /* packed */
    size_t count;
} RecorderBlock;

/* What an action held, and which row that is. */
typedef struct RecorderLast {
    uint64_t memory[MEMORY_CATEGORIES], peak;
    int32_t row;
    bool known;
} RecorderLast;

/* What actions held, on its way into the file. */
enum { RECORDER_LASTS = 41 }; /* the fewest by which names of kinds of actions leave different rests */
typedef struct RecorderHeld {
    int32_t *number;
    uint64_t *memory, *peak; /* [row][MEMORY_CATEGORIES], [row] */
    size_t count;
    size_t rows, room; /* with those that are written; of the file */
    RecorderLast last[RECORDER_LASTS];
} RecorderHeld;

typedef struct Recorder {
    H5 *file; /* NULL between the old file and its larger copy */
    char *path;
    Error apart;        /* why it does not go on in an earlier file */
    int recorded;       /* ranks that have rows */
    int actions, timed; /* rows of the timeline, and of them written or on their way */
    RecorderBlock block;
    RecorderHeld held;
    H5Row row; /* of an action */
    bool dry;
    size_t rows_bytes;          /* of rows of experts, a step */
    size_t planned, rows, done; /* steps: asked for, allocated, written */
    dev_t device;               /* which file ours is: to notice when another takes its name */
    ino_t inode;
    bool full; /* as if the disk were */
} Recorder;
#endif
