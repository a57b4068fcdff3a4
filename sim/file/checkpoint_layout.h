/* checkpoint_layout.h - the file "sim-checkpoint/2": all that a run needs to go on, whatever the split.
 *
 *   /            attributes: schema, sim_version, created, precision, run, and the fields of CheckpointState
 *   /config      as in a run file
 *   /model       a dataset a parameter, whole, by its name: what the optimizer updates, so the masters where there are
 *   /buffers     of a model that has any, a dataset each, by its name: what the gradient changes nothing of
 *   /optimizer   a group a running value of the optimizer (adam_m, adam_v), with the same datasets
 *   /checksums   a row a dataset of these: tensor (its path), checksum (checkpoint_sums.h) */
#ifndef SIM_FILE_CHECKPOINT_LAYOUT_H
#define SIM_FILE_CHECKPOINT_LAYOUT_H
#include "models/layers/gpt_parameters.h"
#include "sim/config/config.h"
#include "sim/file/h5.h"

/* What is no tensor. */
typedef struct CheckpointState {
    int64_t step;        /* how many are done: the number of the next, from 0 */
    int64_t updates;     /* of the weights: those of them that were not skipped */
    int64_t next_sample; /* of all the run's, the first that no step has seen */
    int64_t fine;        /* steps since the loss scale changed */
    int64_t moment;      /* which it is of those of its name (checkpoint_list.h) */
    double loss_scale;
    bool scaled; /* in fp16, which alone has these two */
    bool
        unused; /* not in the file: it has running values of an optimizer, and who reads it, none of its own */
    uint64_t data; /* which text: data_mark() */
    char run[32];  /* which run it is of: who goes on from it has the same */
} CheckpointState;

/* A model's tensors in the file, `parts` times its parameters and then its buffers: part 0 is the parameters themselves,
 * the others are the optimizer's states. Of n parameters, those of experts on other ranks too, tensor i is number i % n of
 * part i / n; copies have none. Buffers are a part of their own behind these. */
int checkpoint_parts(const Config *config);
size_t checkpoint_tensors(const Gpt *gpt, const Config *config); /* copies among them */
/* Whose place in the file is known: the values of each tensor, and behind these the rows of /checksums. */
size_t checkpoint_places(const Gpt *gpt, const Config *config);
/* What `which` of parallel/data/kept.h a part is, not of buffers. */
int checkpoint_which(int part);
enum { CHECKPOINT_PATH = 96 };
void checkpoint_group(const Config *config, int part, char path[CHECKPOINT_PATH]);
void checkpoint_dataset(const Config *config, int part, const Parameter *p, char path[CHECKPOINT_PATH]);
/* Bytes of its values: every parameter once, and each of the optimizer's states; and buffers. */
size_t checkpoint_values(const Gpt *gpt, const Config *config);
/* What the file takes at most. */
size_t checkpoint_bytes(const Gpt *gpt, const Config *config);

/* A parameter's rank and extents. */
int checkpoint_shape(const Parameter *p, size_t dims[H5_MAX_RANK]);
/* Of a model that has all experts: calls `visit` for every tensor until it returns false, which is returned. */
bool checkpoint_each(const Gpt *gpt, const Config *config,
                     bool (*visit)(const Parameter *p, const char *path, int tensor, void *context),
                     void *context);
#endif
