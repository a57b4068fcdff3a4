/* block_parameters.h - which branches a block has, and where their tensors lie. */
#ifndef MODELS_LAYERS_BLOCK_PARAMETERS_H
#define MODELS_LAYERS_BLOCK_PARAMETERS_H
#include "models/layers/branch.h"

/* The blocks there are; and which layer 1..L is. Those of one kind are alike. */
typedef enum { BLOCK_DENSE, BLOCK_LATENT, BLOCK_SPARSE, BLOCK_LATENT_SPARSE, BLOCK_KINDS } BlockKind;
extern const Block block_kind[BLOCK_KINDS];
BlockKind block_of(const GptShape *shape, int64_t layer);
/* How many there are of a branch's tensor, where a rank holds so many experts: of an expert's one each; and of all of a
 * block's. */
int64_t branch_tensor_copies(int64_t experts, const BranchTensor *t);
int64_t block_tensors(int64_t experts, const Block *block);

/* Where tensors lie in the flat ranges that one of the ranks of a region, with so many experts, holds of a block: one
 * after the other, by the numbers of their tables. */
typedef struct BlockLayout {
    const Block *block;
    int64_t values[BLOCK_UNITS]; /* in all; without experts none of theirs */
    struct {
        int64_t first, count;
    } tensor[BLOCK_BRANCHES][BRANCH_TENSORS];
} BlockLayout;
BlockLayout block_layout(const GptShape *shape, int ranks, int64_t experts, const Block *block);

/* Views of them. */
typedef struct BlockParameters {
    Tensor branch[BLOCK_BRANCHES][BRANCH_TENSORS];
} BlockParameters;
BlockParameters block_parameters(const BlockLayout *layout, const Tensor flat[BLOCK_UNITS]);
#endif
