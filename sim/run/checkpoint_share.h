/* checkpoint_share.h - a rank's share of a checkpoint: which values it writes, and which it reads. Decided here alone,
 * for checkpoint_save.c, which writes them, checkpoint_load.c, which reads them, and checkpoint_traffic.c, which counts.
 *
 * A value lies in a unit of a part: the parameters as they are updated, or one of the optimizer's states
 * (checkpoint_layout.h). Of the ranks that have it one owns it: over the replicas kept_alone() says who, over a tensor
 * group the first that holds it; a copy of a parameter is nobody's. Or it lies in a buffer, which the first of a stage's
 * ranks owns. Its way to the disk:
 *
 *     owner    its range of the unit, copied aside where training goes on       sim/run/checkpoint_save.c
 *              cut into slabs of the file's tensors                             here
 *              in blocks to their place in the draft, and into the checksums    sim/file/checkpoint_writer.c
 *              the draft's bytes reach the disk; its checksums rank 0           sim/run/verdict.c
 *     rank 0   adds these up, writes them into the draft                        sim/file/checkpoint_sums.c
 *              and puts it in its place                                         sim/base/draft.c
 *
 * And back: every rank reads for itself all that it needs, and of what it owns tells rank 0 the checksums. */
#ifndef SIM_RUN_CHECKPOINT_SHARE_H
#define SIM_RUN_CHECKPOINT_SHARE_H
#include "sim/file/checkpoint_layout.h"
#include "sim/run/step.h"

/* Elements first..first+count-1 of a unit, in a part of the file; or, of buffers, of one of these. */
typedef struct CheckpointRange {
    int part, unit;
    int64_t first, count; /* count 0: none */
} CheckpointRange;

/* Units of all parts, one part after the other, and behind them the buffers. */
int checkpoint_units(const Trainer *t);
/* Of the i-th of them: what this rank owns, where `values` are now; what it needs, where they belong: not of part 0, the
 * parameters, which data_parallel_take() takes. */
CheckpointRange checkpoint_owned(const Trainer *t, int i, Tensor *values);
CheckpointRange checkpoint_needed(const Trainer *t, int i, Tensor *values);

/* Some of a range, as it lies in a tensor of the file. */
typedef struct CheckpointSlab {
    const Parameter *parameter; /* whose tensor that is: of a copy the original */
    size_t tensor;              /* its number */
    H5Slab slab;                /* in memory: from where the range has `in_range` */
    int64_t in_range;
    bool owned; /* if the range is: by this rank of its tensor group */
} CheckpointSlab;

/* Calls `visit` for all that a range is, without what pads it. */
void checkpoint_slabs(const Trainer *t, const CheckpointRange *range,
                      void (*visit)(const CheckpointSlab *slab, void *context), void *context);
#endif
