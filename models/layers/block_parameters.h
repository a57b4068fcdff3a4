/* block_parameters.h - the tensors of a block: their shapes, how they are cut, and where they lie. */
#ifndef MODELS_LAYERS_BLOCK_PARAMETERS_H
#define MODELS_LAYERS_BLOCK_PARAMETERS_H
#include "models/layers/gpt_shape.h"
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

/* How a tensor of the whole block is cut over the ranks of a region. */
typedef enum { CUT_NONE, CUT_ROWS, CUT_COLUMNS } Cut;
enum { CUT_PARTS = 3 };
typedef struct BlockTensorShape {
    int64_t rows, columns;   /* of the whole; rows 0: a vector; columns 0: there is none */
    int64_t part[CUT_PARTS]; /* the columns' consecutive parts (q, k, v; gate, up), each cut by itself */
    int64_t sharing;         /* so many ranks in a row hold the same of all parts but the first (k, v) */
    Cut cut;
} BlockTensorShape;
BlockTensorShape block_tensor_shape(const GptShape *shape, int ranks, Branch branch, BranchTensor which);
/* Values of it that one of the ranks holds, where they divide. */
int64_t block_tensor_count(const BlockTensorShape *s, int ranks);
/* Views of this rank's tensors in its flat range. */
BlockParameters block_parameters(const GptShape *shape, int ranks, Tensor flat);
#endif
