/* load_losses.h - of a layer's routing, the losses of its load: over a sequence, a microbatch or a global batch. */
#ifndef MODELS_LAYERS_LOAD_LOSSES_H
#define MODELS_LAYERS_LOAD_LOSSES_H
#include "models/layers/batch_load.h"
#include "models/layers/branch.h"

/* Of scores (n, E) and experts (n, k) new weights (scopes, E), and the losses times their scopes' tokens, added up, 0 on a
 * dry device; where the scope is a batch neither: the step has them once it knows all of it (batch_load.h). */
double load_losses_forward(const BlockRun *run, MemoryCategory kept, Tensor scores, Tensor experts,
                           Tensor *weights);
/* dscores (n, E) += `share` times the gradients of the losses' sums over tokens. */
void load_losses_backward(const BlockRun *run, Tensor scores, Tensor weights, double share, Tensor dscores);

/* Between a step's last forward and its first backward: weights, of loads that are those of all ranks. Returns this
 * rank's part of the loss, times the batch's tokens; 0 on a dry device. */
double batch_load_weights(const GptShape *shape, const BatchLoad *layer);
#endif
