/* branch.c - what tables of branches share. */
#include "models/layers/branch.h"

TensorShape norm_gain_shape(const GptShape *shape, int ranks)
{
    (void)ranks;
    return (TensorShape){.columns = shape->hidden};
}

TensorShape norm_bias_shape(const GptShape *shape, int ranks)
{
    (void)ranks;
    return (TensorShape){.columns = shape->norm == NORM_LAYERNORM ? shape->hidden : 0};
}

TensorShape bias_shape(const GptShape *shape, TensorShape weight)
{
    weight.rows = 0;
    if (!shape->bias) weight.columns = 0;
    if (weight.cut == CUT_ROWS) weight.cut = CUT_NONE;
    return weight;
}

Tensor *branch_input(const BlockRun *run, BranchSaved *s)
{
    return run->shape->post_norm ? &s->x : &s->norm;
}
