/* checkpoint_file.h - a checkpoint (checkpoint_layout.h) made, signed and checked; its values are others' to move. */
#ifndef SIM_FILE_CHECKPOINT_FILE_H
#define SIM_FILE_CHECKPOINT_FILE_H
#include "models/machine/real.h"
#include "sim/file/checkpoint_image.h"
#include "sim/file/checkpoint_layout.h"

/* What `count` values of `bytes` each, of which the first is element `first` of its tensor, add to a checksum; and
 * what those of a slab do. */
uint64_t checkpoint_sum_values(size_t first, const void *values, size_t bytes, size_t count);
uint64_t checkpoint_sum(const Parameter *p, const H5Slab *slab, const real *values);

/* Of one process: the draft of a file at `path`, lent (h5_lend) and with room for all its values; `place` (tensors):
 * where those of each are, in bytes. `image`: NULL at first; kept there, to be freed, for the next of the run. NULL:
 * there is no room, or no such place, and nothing is left of it; what cannot be undone ends the job. */
H5 *checkpoint_make(const char *path, const Gpt *gpt, const Config *config, const CheckpointState *state,
                    uint64_t *place, CheckpointImage **image, Error *error);
/* When all values are in it, and it is taken back: gives it its checksums (tensors). */
bool checkpoint_sign(H5 *file, const Gpt *gpt, const Config *config, const uint64_t *sum, Error *error);

/* Whether the file can be gone on from under this config: of this model, with what its optimizer needs, on the same
 * tokens; or is another run's; or is not as it was written, or by none. `data`: this run's text. */
typedef enum { CHECKPOINT_FITS, CHECKPOINT_REFUSED, CHECKPOINT_DAMAGED } CheckpointFit;
CheckpointFit checkpoint_check(H5 *file, const Gpt *gpt, const Config *config, uint64_t data,
                               CheckpointState *state, Error *error);
/* The same of any build's, by what the file says of itself; `kind` is what its values are. */
bool checkpoint_state(H5 *file, CheckpointState *state, H5Kind *kind, Error *error);
/* Whether a tensor's values add up to what is written with it. */
bool checkpoint_tensor_is_whole(H5 *file, const char *tensor, uint64_t sum, Error *error);
/* Whether what was read adds up to (tensors) what was written. */
bool checkpoint_is_whole(H5 *file, const Gpt *gpt, const Config *config, const uint64_t *sum, Error *error);
#endif
