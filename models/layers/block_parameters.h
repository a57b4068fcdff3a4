/* block_parameters.h - the tensors of a block: their shapes, how they are cut, and where they lie. */
#ifndef MODELS_LAYERS_BLOCK_PARAMETERS_H
#define MODELS_LAYERS_BLOCK_PARAMETERS_H
#include "models/layers/gpt_shape.h"
#include "models/layers/tensor_shape.h"
#include "models/machine/tensor.h"

/* A block's tensors, in the order they lie in its flat range, a branch after the other. With t ranks in a
 * tensor-parallel region IN is cut by columns (attention by heads), OUT by rows; the rest is the same on all. A
 * shape without biases has those with no elements. */
typedef enum { NORM_GAIN, NORM_BIAS, IN_WEIGHT, IN_BIAS, OUT_WEIGHT, OUT_BIAS, BRANCH_TENSORS } BranchTensor;
typedef enum { BRANCH_ATTENTION, BRANCH_MLP, BRANCHES } Branch;
enum { BLOCK_TENSORS = BRANCHES * BRANCH_TENSORS };
typedef struct BlockParameters {
    Tensor branch[BRANCHES][BRANCH_TENSORS]; /* views */
} BlockParameters;

TensorShape block_tensor_shape(const GptShape *shape, int ranks, Branch branch, BranchTensor which);
/* Views of this rank's tensors in its flat range. */
BlockParameters block_parameters(const GptShape *shape, int ranks, Tensor flat);
#endif
