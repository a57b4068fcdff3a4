/* block_parameters.c - a row of the table at a time. */
#include "models/layers/block_parameters.h"

TensorShape block_tensor_shape(const GptShape *shape, int ranks, Branch branch, BranchTensor which)
{
    bool mlp = branch == BRANCH_MLP;
    int64_t C = shape->hidden, out = mlp ? shape->ffn : C,
            in = mlp ? inner_width(shape) : qkv_width(shape, 1);
    int64_t kv = C / shape->heads * shape->kv_heads;
    switch (which) {
    case NORM_GAIN: return (TensorShape){.columns = C};
    case NORM_BIAS: return (TensorShape){.columns = shape->norm == NORM_LAYERNORM ? C : 0};
    case OUT_WEIGHT: return (TensorShape){.rows = out, .columns = C, .cut = CUT_ROWS};
    case OUT_BIAS: return (TensorShape){.columns = shape->bias ? C : 0};
    default: break;
    }
    TensorShape s = {.columns = in, .cut = CUT_COLUMNS, .sharing = mlp ? 1 : kv_sharing(shape, ranks)};
    if (which == IN_WEIGHT) s.rows = C;
    if (which == IN_BIAS && !shape->bias) s.columns = 0;
    const int64_t qkv[] = {C, kv, kv}, gated[] = {out, out, 0}, plain[] = {in, 0, 0};
    for (int i = 0; i < CUT_PARTS; i++) s.part[i] = (mlp ? is_gated(shape) ? gated : plain : qkv)[i];
    return s;
}

BlockParameters block_parameters(const GptShape *shape, int ranks, Tensor flat)
{
    BlockParameters p;
    int64_t offset = 0;
    for (int i = 0; i < BLOCK_TENSORS; i++) {
        Branch branch = (Branch)(i / BRANCH_TENSORS);
        TensorShape s = block_tensor_shape(shape, ranks, branch, (BranchTensor)(i % BRANCH_TENSORS));
        int64_t count = tensor_shape_count(&s, ranks);
        p.branch[branch][i % BRANCH_TENSORS] = tensor_view(flat, offset, count);
        offset += count;
    }
    return p;
}
