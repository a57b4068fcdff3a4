/* block_parameters.c - the kinds of blocks, and walks over their tables. */
#include "models/layers/block_parameters.h"
#include "models/layers/branch_attention.h"
#include "models/layers/branch_experts.h"
#include "models/layers/branch_latent.h"
#include "models/layers/branch_mlp.h"

const Block block_kind[BLOCK_KINDS] = {
    [BLOCK_DENSE] = {.branches = 2, .branch = {&branch_attention, &branch_mlp}},
    [BLOCK_LATENT] = {.branches = 2, .branch = {&branch_latent, &branch_mlp}},
    [BLOCK_SPARSE] = {.branches = 2, .branch = {&branch_attention, &branch_experts}},
    [BLOCK_LATENT_SPARSE] = {.branches = 2, .branch = {&branch_latent, &branch_experts}},
};

BlockKind block_of(const GptShape *shape, int64_t layer)
{
    if (has_experts(shape, layer)) return is_latent(shape) ? BLOCK_LATENT_SPARSE : BLOCK_SPARSE;
    return is_latent(shape) ? BLOCK_LATENT : BLOCK_DENSE;
}

int64_t branch_tensor_copies(int64_t experts, const BranchTensor *t)
{
    return t->unit == BLOCK_EXPERTS ? experts : 1;
}

int64_t block_tensors(int64_t experts, const Block *block)
{
    int64_t tensors = 0;
    for (int b = 0; b < block->branches; b++)
        for (int i = 0; i < block->branch[b]->tensors; i++)
            tensors += branch_tensor_copies(experts, &block->branch[b]->tensor[i]);
    return tensors;
}

BlockLayout block_layout(const GptShape *shape, int ranks, int64_t experts, const Block *block)
{
    BlockLayout l = {.block = block};
    for (int b = 0; b < block->branches; b++)
        for (int i = 0; i < block->branch[b]->tensors; i++) {
            const BranchTensor *t = &block->branch[b]->tensor[i];
            TensorShape s = t->shape(shape, ranks);
            l.tensor[b][i].first = l.values[t->unit];
            l.tensor[b][i].count = tensor_shape_count(&s, ranks) * branch_tensor_copies(experts, t);
            l.values[t->unit] += l.tensor[b][i].count;
        }
    return l;
}

BlockParameters block_parameters(const BlockLayout *layout, const Tensor flat[BLOCK_UNITS])
{
    BlockParameters p = {0};
    for (int b = 0; b < layout->block->branches; b++)
        for (int i = 0; i < layout->block->branch[b]->tensors; i++)
            p.branch[b][i] = tensor_view(flat[layout->block->branch[b]->tensor[i].unit],
                                         layout->tensor[b][i].first, layout->tensor[b][i].count);
    return p;
}
