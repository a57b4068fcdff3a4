/* block_parameters.h - which branches a block has, and where their tensors lie. */
#ifndef MODELS_LAYERS_BLOCK_PARAMETERS_H
#define MODELS_LAYERS_BLOCK_PARAMETERS_H
#include "models/layers/branch.h"

/* The blocks there are; and which layer 1..L is. Those of one kind are alike. */
typedef enum { BLOCK_DENSE, BLOCK_LATENT, BLOCK_KINDS } BlockKind;
extern const Block block_kind[BLOCK_KINDS];
BlockKind block_of(const GptShape *shape, int64_t layer);
/* Entries of its branches' tables. */
int block_tensors(const Block *block);

/* Where tensors lie in the flat range that one of the ranks of a region holds of a block: one after the other, by the
 * numbers of their tables. */
typedef struct BlockLayout {
    const Block *block;
    int64_t values; /* in all */
    struct {
        int64_t first, count;
    } tensor[BLOCK_BRANCHES][BRANCH_TENSORS];
} BlockLayout;
BlockLayout block_layout(const GptShape *shape, int ranks, const Block *block);

/* Views of them. */
typedef struct BlockParameters {
    Tensor branch[BLOCK_BRANCHES][BRANCH_TENSORS];
} BlockParameters;
BlockParameters block_parameters(const BlockLayout *layout, Tensor flat);
#endif
