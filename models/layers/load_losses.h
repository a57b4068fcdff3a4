/* load_losses.h - of a layer's routing, the losses of its load: over a sequence, a microbatch or a global batch. */
#ifndef MODELS_LAYERS_LOAD_LOSSES_H
#define MODELS_LAYERS_LOAD_LOSSES_H
#include "models/layers/routing.h"

/* Keeps weights, which are of the step where the scope is a batch (batch_load.h), and tells the loss where it is known. */
void load_losses_forward(const BlockRun *run, MemoryCategory kept, Routing r, double *to);
/* Adds to dlogits, there of scores, `share` times the gradients of the losses' sums over tokens. */
void load_losses_backward(const BlockRun *run, Routing r, double share);
#endif
