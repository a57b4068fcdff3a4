/* batch_loads.h - losses of loads over a whole global batch: what forward adds up of each layer here in a step, and its
 * sum over the replicas.
 *
 * Choices are counted in whole numbers, so no split changes a bit of the weights that come of them. All layers of a rank
 * go at once, between its last forward and its first backward; ranks of a tensor group have routed the same tokens, and
 * each sums its own. Nothing of the scores is sent: each rank has its tokens' part of the loss. */
#ifndef SIM_RUN_BATCH_LOADS_H
#define SIM_RUN_BATCH_LOADS_H
#include "models/layers/gpt_parameters.h"
#include "parallel/mesh.h"

typedef struct BatchLoads {
    const Gpt *gpt;
    Tensor counts;      /* (layers here with experts, batch_load_counts) INT32: load, then sent */
    Tensor probability; /* (those, E) REAL */
    Tensor weights;     /* (those, E) REAL */
    BatchLoad *layer;   /* (L): views of them; NULL: no losses are of a global batch */
} BatchLoads;

/* Zeros; nothing where there are no such losses. */
void batch_loads_make(BatchLoads *b, const Gpt *gpt, int64_t samples, Device *device);
void batch_loads_free(BatchLoads *b);

/* After a step's last forward: weights, and zeros for the next step. This rank's part of each layer's loss is added to
 * `routing` (L, routing_width). All ranks of the mesh call it together. */
void batch_loads_sum(BatchLoads *b, const Mesh *mesh, double *routing);
#endif
