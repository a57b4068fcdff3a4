/* branch_attention.c - attention's table, and what turns its queries and keys. */
#include "models/layers/branch_attention.h"
#include "models/layers/linear.h"

/* ---- tensors ---- */

static TensorShape qkv_weight(const GptShape *s, int ranks)
{
    int64_t C = s->hidden, kv = C / s->heads * s->kv_heads;
    return (TensorShape){.rows = C,
                         .columns = C + 2 * kv,
                         .part = {C, kv, kv},
                         .sharing = kv_sharing(s, ranks),
                         .cut = CUT_COLUMNS};
}

static TensorShape qkv_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, qkv_weight(s, ranks));
}

static const BranchTensor TENSORS[ATTENTION_TENSORS] = {
    [NORM_GAIN] = {"ln_1.weight", norm_gain_shape, INIT_ONE},
    [NORM_BIAS] = {"ln_1.bias", norm_bias_shape, INIT_ZERO},
    [QKV_WEIGHT] = {"attn.c_attn.weight", qkv_weight, INIT_NORMAL},
    [QKV_BIAS] = {"attn.c_attn.bias", qkv_bias, INIT_ZERO},
    [ATTENTION_OUT_WEIGHT] = {"attn.c_proj.weight", attention_out_weight, INIT_NORMAL_RESIDUAL},
    [ATTENTION_OUT_BIAS] = {"attn.c_proj.bias", attention_out_bias, INIT_ZERO},
};

/* ---- the branch ---- */

static Tensor forward(const BlockRun *run, Booking booking, const Tensor *w, Tensor input, BranchSaved *s)
{
    Tensor *qkv = &s->kept[ATTENTION_QKV];
    RotaryShape turned = attention_rotary(attention_core_shape(run));
    *qkv = column_forward(run, input, &w[QKV_WEIGHT], booking.kept);
    if (run->shape->position == POSITION_ROPE) rope_forward(turned, *qkv, 0, run->shape->rope_base);
    attention_core_forward(run, booking, s);
    return row_forward(run, s->kept[ATTENTION_HEADS], &w[ATTENTION_OUT_WEIGHT], booking.output);
}

static Tensor backward(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dresult, BranchSaved *s)
{
    Tensor *heads = &s->kept[ATTENTION_HEADS], *dqkv = &s->kept[ATTENTION_DQKV];
    RotaryShape turned = attention_rotary(attention_core_shape(run));
    Tensor dheads =
        row_backward(run, dresult, *heads, w[ATTENTION_OUT_WEIGHT], d ? &d[ATTENTION_OUT_WEIGHT] : NULL);
    *dqkv = attention_core_backward(run, dheads, s);
    if (run->shape->position == POSITION_ROPE) rope_backward(turned, *dqkv, 0, run->shape->rope_base);
    if (d) tensor_free(heads);
    return column_backward(run, branch_input(run, s), dqkv, w[QKV_WEIGHT], d ? &d[QKV_WEIGHT] : NULL);
}

static void backward_weight(const BlockRun *run, const Tensor *d, BranchSaved *s)
{
    row_backward_weight(run, &s->dresult, &s->kept[ATTENTION_HEADS], &d[ATTENTION_OUT_WEIGHT]);
    column_backward_weight(run, branch_input(run, s), &s->kept[ATTENTION_DQKV], &d[QKV_WEIGHT]);
}

const Branch branch_attention = {.tensor = TENSORS,
                                 .tensors = ATTENTION_TENSORS,
                                 .dropout = DROPOUT_PROJ,
                                 .forward = forward,
                                 .backward = backward,
                                 .backward_weight = backward_weight,
                                 .forget = attention_core_forget,
                                 .recover = attention_core_recover};
