/* optimizer.h - SGD, momentum, Adam, AdamW, RMSProp and AdaGrad over a flat range.
 *
 * An optimizer knows no tensors by name: it updates a range of parameters from
 * the same range of gradients, so a shard is updated exactly as the whole. */
#ifndef MODELS_TRAINING_OPTIMIZER_H
#define MODELS_TRAINING_OPTIMIZER_H
#include <stdint.h>
#include "models/machine/tensor.h"

typedef enum {
    OPTIMIZER_SGD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_ADAM,
    OPTIMIZER_ADAMW,
    OPTIMIZER_RMSPROP,
    OPTIMIZER_ADAGRAD
} OptimizerKind;
typedef struct OptimizerConfig {
    int kind;
    double weight_decay; /* on matrices only, never on biases and norms */
    double beta1, beta2, epsilon, momentum;
    double alpha; /* RMSProp's */
} OptimizerConfig;

/* Running values a parameter needs, kept in REAL: 0 (SGD), 1 (momentum's,
 * RMSProp's, AdaGrad's) or 2 (Adam's m and v). They start at zero. */
int optimizer_states(OptimizerKind kind);
/* What they are called in files: "adam_m". */
const char *optimizer_state_name(OptimizerKind kind, int state);

/* Where parameters are rounded, state[OPTIMIZER_MASTER] holds their values in REAL
 * (Micikevicius et al. 1710.03740): a small update is not lost. Else it is a zero tensor. */
enum { OPTIMIZER_MASTER = 2, OPTIMIZER_STATES };

typedef struct OptimizerStep {
    double learning_rate;
    double scale; /* of the gradient, before all else: clipping */
    bool decay;   /* the range is of a matrix */
    int64_t step; /* from 1 */
} OptimizerStep;

/* One step on a range. state: OPTIMIZER_STATES, the first optimizer_states() of them
 * tensors of the same count, and the master as above, which is updated and rounded into the parameters.
 * Decay: decoupled in AdamW (Loshchilov & Hutter 1711.05101, algorithm 2), L2 in
 * the others (PyTorch's convention). */
void optimizer_update(const OptimizerConfig *config, OptimizerStep step, Tensor parameters, Tensor gradients,
                      const Tensor *state);
/* What it reports. */
Work optimizer_work(const OptimizerConfig *config, Tensor parameters, Tensor gradients, const Tensor *state);
#endif
