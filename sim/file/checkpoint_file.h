/* checkpoint_file.h - a checkpoint (checkpoint_layout.h) made, signed and checked; its values are others' to move. */
#ifndef SIM_FILE_CHECKPOINT_FILE_H
#define SIM_FILE_CHECKPOINT_FILE_H
#include "sim/file/checkpoint_layout.h"

/* What the values of a slab add to a checksum. */
uint64_t checkpoint_sum(const Parameter *p, const H5Slab *slab, const real *values);

/* Of one process: the draft of a file at `path`, lent (h5_lend) and with room for all its values. NULL: there is no
 * room, or no such place, and nothing is left of it; what cannot be undone ends the job. */
H5 *checkpoint_make(const char *path, const Gpt *gpt, const Config *config, const CheckpointState *state,
                    Error *error);
/* When all values are in it: takes it back, and gives it its checksums (tensors). */
bool checkpoint_sign(H5 *file, const Gpt *gpt, const Config *config, const uint64_t *sum, Error *error);

/* Whether the file can be gone on from under this config: of this model, with what its optimizer needs, on the same
 * tokens. `data`: this run's text. */
bool checkpoint_check(H5 *file, const Gpt *gpt, const Config *config, uint64_t data, CheckpointState *state,
                      Error *error);
/* Whether what was read adds up to (tensors) what was written. */
bool checkpoint_is_whole(H5 *file, const Gpt *gpt, const Config *config, const uint64_t *sum, Error *error);
#endif
