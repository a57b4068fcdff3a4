/* checkpoint_sums.h - the checksum of each tensor of a checkpoint, and the table /checksums that has them all.
 *
 * A tensor's is the sum over its values of a hash of place and bits, which those who write parts of it add up in any
 * order. The table is made with the file, and its rows are written like values, to where they lie: HDF5 would have to
 * open the file once more, while training waits. */
#ifndef SIM_FILE_CHECKPOINT_SUMS_H
#define SIM_FILE_CHECKPOINT_SUMS_H
#include "models/machine/real.h"
#include "sim/file/checkpoint_layout.h"

/* What `count` values of `bytes` each, of which the first is element `first` of its tensor, add to a checksum; and
 * what those of a slab do. */
uint64_t checkpoint_sum_values(size_t first, const void *values, size_t bytes, size_t count);
uint64_t checkpoint_sum(const Parameter *p, const H5Slab *slab, const real *values);

/* Of a new file: the table, with nothing in it yet; `place`: where its rows are to lie, in bytes. */
bool checkpoint_sums_make(H5 *file, const Gpt *gpt, const Config *config, uint64_t *place, Error *error);
/* Writes these (tensors) there, into a draft that HDF5 has closed. */
bool checkpoint_sums_write(const Draft *draft, uint64_t place, const Gpt *gpt, const Config *config,
                           const uint64_t *sum, Error *error);

typedef struct CheckpointSums {
    struct CheckpointSum *row; /* (tensors), those that the file has */
    size_t tensors;
} CheckpointSums;
/* To be freed in any case. */
bool checkpoint_sums_read(CheckpointSums *sums, H5 *file, Error *error);
void checkpoint_sums_free(CheckpointSums *sums);
/* Whether a tensor's values add up to what is written of it. */
bool checkpoint_sums_fit(const CheckpointSums *sums, const H5 *file, const char *tensor, uint64_t sum,
                         Error *error);
/* Whether what was read adds up to (tensors) what was written: of all that this config needs. */
bool checkpoint_is_whole(H5 *file, const Gpt *gpt, const Config *config, const uint64_t *sum, Error *error);
#endif
