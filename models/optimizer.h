/* optimizer.h - SGD, momentum, Adam and AdamW over a flat range.
 *
 * An optimizer knows no tensors by name: it updates a range of parameters from
 * the same range of gradients, so a shard is updated exactly as the whole. */
#ifndef MODELS_OPTIMIZER_H
#define MODELS_OPTIMIZER_H
#include <stdint.h>
#include "models/tensor.h"

typedef enum { OPTIMIZER_SGD, OPTIMIZER_MOMENTUM, OPTIMIZER_ADAM, OPTIMIZER_ADAMW } OptimizerKind;
typedef struct OptimizerConfig {
    int kind;
    double weight_decay; /* on matrices only, never on biases and norms */
    double beta1, beta2, epsilon, momentum;
} OptimizerConfig;

/* Values of state a parameter needs: 0 (SGD), 1 (momentum), 2 (Adam's m and v). */
int optimizer_states(OptimizerKind kind);

/* One step on a range. state: optimizer_states() tensors of the same count.
 * `scale` multiplies the gradient first (clipping); `step` counts from 1.
 * Decay: L2 in SGD, momentum and Adam (PyTorch's convention), decoupled in
 * AdamW (Loshchilov & Hutter 1711.05101, algorithm 2). */
void optimizer_update(const OptimizerConfig *config, Tensor parameters, Tensor gradients,
                      const Tensor state[2], double learning_rate, double scale, bool decay, int64_t step);
#endif
