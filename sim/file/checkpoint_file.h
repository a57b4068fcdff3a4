/* checkpoint_file.h - the file "sim-checkpoint/1": all that a run needs to go on, whatever the split.
 *
 *   /            attributes: schema, sim_version, created, precision, run, and the fields of CheckpointState
 *   /config      as in a run file
 *   /model       a dataset a parameter, whole, by its name: what the optimizer updates, so the masters where there are
 *   /optimizer   a group a running value of the optimizer (adam_m, adam_v), with the same datasets
 *
 * Every dataset has the attribute checksum: the sum over its values of a hash of place and bits, which those who
 * write parts of it add up in any order. */
#ifndef SIM_FILE_CHECKPOINT_FILE_H
#define SIM_FILE_CHECKPOINT_FILE_H
#include "models/layers/gpt_parameters.h"
#include "sim/config/config.h"
#include "sim/file/h5.h"

/* What is no tensor. */
typedef struct CheckpointState {
    int64_t step;        /* how many are done: the number of the next, from 0 */
    int64_t updates;     /* of the weights: those of them that were not skipped */
    int64_t next_sample; /* of all the run's, the first that no step has seen */
    int64_t fine;        /* steps since the loss scale changed */
    double loss_scale;
    bool scaled;   /* in fp16, which alone has these two */
    uint64_t data; /* which text: data_mark() */
    char run[32];  /* which run it is of: who goes on from it has the same */
} CheckpointState;

/* A model's tensors in the file, `parts` times its parameters: part 0 is the parameters themselves, the others are the
 * optimizer's states. Tensor i is parameter i % parameters of part i / parameters; copies have none. */
int checkpoint_parts(const Config *config);
/* What `which` of parallel/data/kept.h a part is. */
int checkpoint_which(int part);
enum { CHECKPOINT_PATH = 96 };
void checkpoint_dataset(const Config *config, int part, const Parameter *p, char path[CHECKPOINT_PATH]);
/* About what the file takes. */
size_t checkpoint_bytes(const Gpt *gpt, const Config *config);
extern const H5Kind checkpoint_kind; /* of the values: REAL */

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
