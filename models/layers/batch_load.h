/* batch_load.h - losses of loads whose scope is a global batch (balance.h; Qiu et al. 2501.11873 on why one wants it).
 *
 * What is chosen in the batch is known when its last forward has ended, and the first backward reads weights that are of
 * all of it: so forward adds a microbatch's loads and scores to those of the step, loads are summed over the ranks that
 * have other tokens, weights are made of them, and backward reads these. How the batch is cut into microbatches changes
 * nothing. (Megatron-LM's global_aux_loss has, in the place of the batch's load, the mean over the microbatches so far.) */
#ifndef MODELS_LAYERS_BATCH_LOAD_H
#define MODELS_LAYERS_BATCH_LOAD_H
#include "models/layers/gpt_shape.h"
#include "models/machine/tensor.h"

/* A layer's. E experts, D groups of them. */
typedef struct BatchLoad {
    int64_t tokens;     /* of the batch, all ranks' */
    Tensor load;        /* (E) INT32 */
    Tensor sent;        /* (D) INT32; without elements where no loss is of it */
    Tensor probability; /* (E) REAL, of the tokens here alone */
    Tensor weights;     /* (E) REAL */
} BatchLoad;
#endif
