/* gpt_count.c - a layer of each kind is counted once, on paper. */
#include "models/layers/gpt_count.h"
#include "models/layers/gpt_parameters.h"

int64_t gpt_parameter_count(const GptShape *shape)
{
    Device none = {.dry = true};
    GptShape outside = *shape; /* embedding and head */
    outside.layers = 0;
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &outside, .device = &none});
    int64_t count = 0, each[BLOCK_KINDS] = {0};
    for (int u = 0; u < gpt->units; u++) count += gpt->unit[u].count;
    for (int64_t layer = 1; layer <= shape->layers; layer++) {
        BlockKind kind = block_of(shape, layer);
        if (!each[kind]) {
            BlockLayout layout = block_layout(shape, 1, shape->experts.count, &block_kind[kind]);
            for (int u = 0; u < BLOCK_UNITS; u++) each[kind] += layout.values[u];
        }
        count += each[kind];
    }
    gpt_free(gpt);
    return count;
}

/* Of so many in each layer that has any. */
static int64_t count_experts(const GptShape *shape, int64_t experts)
{
    int64_t each = shape->hidden * (expert_inner_width(shape) + shape->experts.ffn);
    return layers_with_experts(shape, 1, shape->layers) * experts * each;
}

int64_t gpt_expert_parameter_count(const GptShape *shape)
{
    return count_experts(shape, shape->experts.count);
}

int64_t gpt_active_parameter_count(const GptShape *shape)
{
    return gpt_parameter_count(shape) - count_experts(shape, shape->experts.count - shape->experts.top_k);
}

int64_t gpt_multiplied_parameter_count(const GptShape *shape)
{
    int64_t count = shape->vocab * shape->hidden;
    for (int64_t layer = 1; layer <= shape->layers; layer++) {
        const Block *block = &block_kind[block_of(shape, layer)];
        for (int b = 0; b < block->branches; b++)
            for (int i = 0; i < block->branch[b]->tensors; i++) {
                const BranchTensor *t = &block->branch[b]->tensor[i];
                const TensorShape s = t->shape(shape, 1);
                count += s.rows * s.columns * branch_tensor_copies(shape->experts.top_k, t);
            }
    }
    return count;
}
