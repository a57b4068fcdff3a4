/* checkpoint_writer.h - one process's part of a checkpoint's values: each block of them goes where it lies in the draft,
 * and into its tensor's checksum on the way. Plain writes: no MPI and no HDF5, so a thread may do it beside training. */
#ifndef SIM_FILE_CHECKPOINT_WRITER_H
#define SIM_FILE_CHECKPOINT_WRITER_H
#include "models/machine/real.h"
#include "sim/file/checkpoint_layout.h"

/* The draft of a checkpoint, as rank 0 tells of it; `place`: (tensors) where their values begin. */
typedef struct CheckpointDraft {
    const char *path, *draft; /* where it will be; where it is written */
    const uint64_t *place;
} CheckpointDraft;

typedef struct CheckpointWriter CheckpointWriter;

/* Copies what it needs of `draft`. `tensors`: checkpoint_tensors(). */
CheckpointWriter *checkpoint_writer_new(const CheckpointDraft *draft, size_t tensors);

/* A slab of a tensor is to be written, from `values`, which stay as they are until the end. */
typedef struct CheckpointBlock {
    const Parameter *parameter;
    size_t tensor;
    H5Slab slab;
    const real *values;
} CheckpointBlock;
void checkpoint_writer_add(CheckpointWriter *w, const CheckpointBlock *block);

/* Begins to write in a thread of its own. Without it all is written at the end. */
void checkpoint_writer_begin(CheckpointWriter *w);
/* Whether all is written and on the disk, or failed. Never waits. */
bool checkpoint_writer_is_done(CheckpointWriter *w);
/* Until it is, taking part in what is left; `shows`: with its progress. False: the first failure, which names the
 * tensor. */
bool checkpoint_writer_end(CheckpointWriter *w, bool shows, Error *error);
/* After the end: (tensors) what was written adds this to their checksums. */
const uint64_t *checkpoint_writer_sums(const CheckpointWriter *w);
void checkpoint_writer_free(CheckpointWriter *w); /* NULL is left alone */
#endif
