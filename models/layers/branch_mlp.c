/* branch_mlp.c - an MLP's table, and its walk. */
#include "models/layers/branch_mlp.h"
#include "models/layers/activate.h"
#include "models/layers/linear.h"

/* ---- tensors ---- */

static TensorShape in_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return (TensorShape){.rows = s->hidden,
                         .columns = inner_width(s),
                         .part = {s->ffn, is_gated(s) ? s->ffn : 0},
                         .sharing = 1,
                         .cut = CUT_COLUMNS};
}

static TensorShape in_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, in_weight(s, ranks));
}

static TensorShape out_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return (TensorShape){.rows = s->ffn, .columns = s->hidden, .cut = CUT_ROWS};
}

static TensorShape out_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, out_weight(s, ranks));
}

static const BranchTensor TENSORS[MLP_TENSORS] = {
    [NORM_GAIN] = {"ln_2.weight", norm_gain_shape, INIT_ONE},
    [NORM_BIAS] = {"ln_2.bias", norm_bias_shape, INIT_ZERO},
    [MLP_IN_WEIGHT] = {"mlp.c_fc.weight", in_weight, INIT_NORMAL},
    [MLP_IN_BIAS] = {"mlp.c_fc.bias", in_bias, INIT_ZERO},
    [MLP_OUT_WEIGHT] = {"mlp.c_proj.weight", out_weight, INIT_NORMAL_RESIDUAL},
    [MLP_OUT_BIAS] = {"mlp.c_proj.bias", out_bias, INIT_ZERO},
};

/* ---- the branch ---- */

static Tensor forward(const BlockRun *run, Booking booking, const Tensor *w, Tensor input, BranchSaved *s)
{
    Tensor *inner = &s->kept[MLP_INNER], *outer = &s->kept[MLP_OUTER];
    int64_t gates = is_gated(run->shape) ? 2 : 1;
    *inner = column_forward(run, input, &w[MLP_IN_WEIGHT], booking.kept);
    *outer = tensor_new(input.device, booking.kept, input.dtype, inner->count / gates);
    activate(run->shape, *inner, *outer, block_rows(run));
    return row_forward(run, *outer, &w[MLP_OUT_WEIGHT], booking.output);
}

static Tensor backward(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dresult, BranchSaved *s)
{
    Tensor *inner = &s->kept[MLP_INNER], *outer = &s->kept[MLP_OUTER], *dinner = &s->kept[MLP_DINNER];
    Tensor douter = row_backward(run, dresult, *outer, w[MLP_OUT_WEIGHT], d ? &d[MLP_OUT_WEIGHT] : NULL);
    bool in_place = !is_gated(run->shape);
    *dinner = in_place ? douter : tensor_new(douter.device, MEM_WORKSPACE, douter.dtype, inner->count);
    activate_backward(run->shape, *inner, douter, *dinner, block_rows(run));
    tensor_free(inner);
    if (!in_place) tensor_free(&douter);
    if (d) tensor_free(outer);
    return column_backward(run, branch_input(run, s), dinner, w[MLP_IN_WEIGHT], d ? &d[MLP_IN_WEIGHT] : NULL);
}

static void backward_weight(const BlockRun *run, const Tensor *d, BranchSaved *s)
{
    row_backward_weight(run, &s->dresult, &s->kept[MLP_OUTER], &d[MLP_OUT_WEIGHT]);
    column_backward_weight(run, branch_input(run, s), &s->kept[MLP_DINNER], &d[MLP_IN_WEIGHT]);
}

const Branch branch_mlp = {.tensor = TENSORS,
                           .tensors = MLP_TENSORS,
                           .dropout = DROPOUT_OUT,
                           .forward = forward,
                           .backward = backward,
                           .backward_weight = backward_weight};
