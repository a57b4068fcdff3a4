/* checkpoint_file.h - a checkpoint (checkpoint_layout.h) made and checked; its values are others' to move. */
#ifndef SIM_FILE_CHECKPOINT_FILE_H
#define SIM_FILE_CHECKPOINT_FILE_H
#include "sim/file/checkpoint_image.h"
#include "sim/file/checkpoint_layout.h"

/* Of one process: the draft of a file at `path`, lent (h5_lend) and with room for all its values; `place`
 * (checkpoint_places()): where these are, in bytes. `image`: NULL at first; kept there, to be freed, for the next of the
 * run. NULL: there is no room, or no such place, and nothing is left of it; what cannot be undone ends the job. */
H5 *checkpoint_make(const char *path, const Gpt *gpt, const Config *config, const CheckpointState *state,
                    uint64_t *place, CheckpointImage **image, Error *error);

/* Whether the file can be gone on from under this config: of this model, with what its optimizer needs, on the same
 * tokens; or is another run's; or is not as it was written, or by none. `data`: this run's text. */
typedef enum { CHECKPOINT_FITS, CHECKPOINT_REFUSED, CHECKPOINT_DAMAGED } CheckpointFit;
CheckpointFit checkpoint_check(H5 *file, const Gpt *gpt, const Config *config, uint64_t data,
                               CheckpointState *state, Error *error);
/* The same of any build's, by what the file says of itself; `kind` is what its values are. */
bool checkpoint_state(H5 *file, CheckpointState *state, H5Kind *kind, Error *error);
#endif
