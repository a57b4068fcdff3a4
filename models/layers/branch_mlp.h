/* branch_mlp.h - an activation between two linear layers (Vaswani et al. 1706.03762, section 3.3), with a gate or without
 * (Shazeer 2002.05202). In a region each rank has its own slice of the inner width. */
#ifndef MODELS_LAYERS_BRANCH_MLP_H
#define MODELS_LAYERS_BRANCH_MLP_H
#include "models/layers/branch.h"

enum { MLP_IN_WEIGHT = NORM_TENSORS, MLP_IN_BIAS, MLP_OUT_WEIGHT, MLP_OUT_BIAS, MLP_TENSORS };

/* On t ranks. */
enum {
    MLP_INNER, /* (B, T, inner width/t) */
    MLP_OUTER, /* (B, T, ffn/t): what the activation made */
    MLP_DINNER /* like inner */
};

extern const Branch branch_mlp;
#endif
