/* branch.c - the sizes of a branch on one rank. */
#include "models/layers/branch.h"

BranchSizes branch_sizes(const BlockRun *run, Branch branch)
{
    const GptShape *s = run->shape;
    int64_t t = run->region->size;
    bool mlp = branch == BRANCH_MLP;
    return (BranchSizes){.n = run->B * s->sequence,
                         .C = s->hidden,
                         .in = mlp ? inner_width(s) / t : qkv_width(s, t),
                         .out = (mlp ? s->ffn : s->hidden) / t};
}
