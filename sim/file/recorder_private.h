/* recorder_private.h - what the files of a recorder share. */
#ifndef SIM_FILE_RECORDER_PRIVATE_H
#define SIM_FILE_RECORDER_PRIVATE_H
#include <stdint.h>
#include <sys/stat.h>
#include "sim/file/h5.h"

/* Actions on their way into the file. */
typedef struct RecorderBlock {
    char *rows;            /* packed */
    uint64_t *held, *peak; /* [row][MEMORY_CATEGORIES], [row] */
    size_t count;
} RecorderBlock;

struct Recorder {
    H5 *file; /* NULL between the old file and its larger copy */
    char *path;
    Error apart;        /* why it does not go on in an earlier file */
    int recorded;       /* ranks that have rows */
    int actions, timed; /* rows of the timeline, and of them written or on their way */
    RecorderBlock block;
    size_t rows_bytes;          /* of rows of experts, a step */
    size_t planned, rows, done; /* steps: asked for, allocated, written */
    dev_t device;               /* which file ours is: to notice when another takes its name */
    ino_t inode;
    bool full; /* as if the disk were */
};
#endif
