/* block_parameters.c - the kinds of blocks, and walks over their tables. */
#include "models/layers/block_parameters.h"
#include "models/layers/branch_attention.h"
#include "models/layers/branch_latent.h"
#include "models/layers/branch_mlp.h"

const Block block_kind[BLOCK_KINDS] = {
    [BLOCK_DENSE] = {.branches = 2, .branch = {&branch_attention, &branch_mlp}},
    [BLOCK_LATENT] = {.branches = 2, .branch = {&branch_latent, &branch_mlp}},
};

BlockKind block_of(const GptShape *shape, int64_t layer)
{
    (void)layer;
    return is_latent(shape) ? BLOCK_LATENT : BLOCK_DENSE;
}

int block_tensors(const Block *block)
{
    int tensors = 0;
    for (int b = 0; b < block->branches; b++) tensors += block->branch[b]->tensors;
    return tensors;
}

BlockLayout block_layout(const GptShape *shape, int ranks, const Block *block)
{
    BlockLayout l = {.block = block};
    for (int b = 0; b < block->branches; b++)
        for (int i = 0; i < block->branch[b]->tensors; i++) {
            TensorShape s = block->branch[b]->tensor[i].shape(shape, ranks);
            l.tensor[b][i].first = l.values;
            l.values += l.tensor[b][i].count = tensor_shape_count(&s, ranks);
        }
    return l;
}

BlockParameters block_parameters(const BlockLayout *layout, Tensor flat)
{
    BlockParameters p = {0};
    for (int b = 0; b < layout->block->branches; b++)
        for (int i = 0; i < layout->block->branch[b]->tensors; i++)
            p.branch[b][i] = tensor_view(flat, layout->tensor[b][i].first, layout->tensor[b][i].count);
    return p;
}
