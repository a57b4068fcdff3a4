/* branch_attention.c - attention's table, and its core. */
#include "models/layers/branch_attention.h"
#include "models/kernels/attention.h"
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

static TensorShape out_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return (TensorShape){.rows = s->hidden, .columns = s->hidden, .cut = CUT_ROWS};
}

static TensorShape out_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, out_weight(s, ranks));
}

static const BranchTensor TENSORS[ATTENTION_TENSORS] = {
    [NORM_GAIN] = {"ln_1.weight", norm_gain_shape, INIT_ONE},
    [NORM_BIAS] = {"ln_1.bias", norm_bias_shape, INIT_ZERO},
    [QKV_WEIGHT] = {"attn.c_attn.weight", qkv_weight, INIT_NORMAL},
    [QKV_BIAS] = {"attn.c_attn.bias", qkv_bias, INIT_ZERO},
    [ATTENTION_OUT_WEIGHT] = {"attn.c_proj.weight", out_weight, INIT_NORMAL_RESIDUAL},
    [ATTENTION_OUT_BIAS] = {"attn.c_proj.bias", out_bias, INIT_ZERO},
};

/* ---- the core ---- */

static AttentionShape attention_of(const BlockRun *run)
{
    const GptShape *s = run->shape;
    int64_t t = run->region->size;
    return (AttentionShape){.B = run->B,
                            .T = s->sequence,
                            .heads = s->heads / t,
                            .kv_heads = kv_held(s, t) / t,
                            .hd = s->hidden / s->heads,
                            .hd_v = s->hidden / s->heads};
}

static bool is_flash(const BlockRun *run)
{
    return run->shape->attention == ATTENTION_FLASH;
}

/* NULL without dropout. */
static const AttentionDropout *attention_dropout(const BlockRun *run, AttentionDropout *d)
{
    int64_t heads = run->shape->heads;
    if (run->dropout.rate == 0) return NULL;
    *d = (AttentionDropout){.dropout = run->dropout,
                            .first_head = heads / run->region->size * run->region->rank,
                            .all_heads = heads};
    d->dropout.place = DROPOUT_ATTENTION;
    return d;
}

static void scores_new(const BlockRun *run, MemoryCategory category, BranchSaved *s)
{
    Tensor like = s->kept[ATTENTION_QKV];
    int64_t cells = attention_cells(attention_of(run));
    s->kept[ATTENTION_PROBABILITIES] = tensor_new(like.device, category, like.dtype, cells);
    if (run->dropout.rate == 0) return;
    s->kept[ATTENTION_MASK] = tensor_new(like.device, category, UINT8, cells);
    s->kept[ATTENTION_DROPPED] = tensor_new(like.device, category, like.dtype, cells);
}

static AttentionSaved scores_of(const BranchSaved *s)
{
    return (AttentionSaved){.probabilities = s->kept[ATTENTION_PROBABILITIES],
                            .mask = s->kept[ATTENTION_MASK],
                            .dropped = s->kept[ATTENTION_DROPPED]};
}

static void forget(BranchSaved *s)
{
    tensor_free(&s->kept[ATTENTION_PROBABILITIES]);
    tensor_free(&s->kept[ATTENTION_MASK]);
    tensor_free(&s->kept[ATTENTION_DROPPED]);
}

static void recover(const BlockRun *run, BranchSaved *s)
{
    AttentionDropout at;
    if (is_flash(run)) return;
    scores_new(run, MEM_WORKSPACE, s);
    attention_probabilities(attention_of(run), s->kept[ATTENTION_QKV], attention_dropout(run, &at),
                            scores_of(s));
}

/* qkv -> heads; RoPE turns qkv in place. */
static void attend(const BlockRun *run, Booking booking, BranchSaved *s)
{
    AttentionShape a = attention_of(run);
    AttentionDropout at;
    const AttentionDropout *dropout = attention_dropout(run, &at);
    Tensor qkv = s->kept[ATTENTION_QKV], heads = s->kept[ATTENTION_HEADS];
    if (run->shape->position == POSITION_ROPE)
        rope_forward(attention_rotary(a), qkv, 0, run->shape->rope_base);
    if (is_flash(run)) {
        s->kept[ATTENTION_LSE] = tensor_new(qkv.device, booking.kept, REAL, a.B * a.heads * a.T);
        flash_forward(a, qkv, dropout, s->kept[ATTENTION_LSE], heads);
    } else {
        scores_new(run, booking.again, s);
        attention_forward(a, qkv, dropout, scores_of(s), heads);
    }
}

/* dheads -> dqkv */
static void attend_backward(const BlockRun *run, Tensor dheads, BranchSaved *s)
{
    AttentionShape a = attention_of(run);
    AttentionDropout at;
    const AttentionDropout *dropout = attention_dropout(run, &at);
    Tensor qkv = s->kept[ATTENTION_QKV], dqkv = s->kept[ATTENTION_DQKV];
    if (is_flash(run))
        flash_backward(a, dheads, qkv, dropout, s->kept[ATTENTION_LSE], s->kept[ATTENTION_HEADS], dqkv);
    else
        attention_backward(a, dheads, qkv, dropout, scores_of(s), dqkv);
    if (run->shape->position == POSITION_ROPE)
        rope_backward(attention_rotary(a), dqkv, 0, run->shape->rope_base);
}

/* ---- the branch ---- */

static Tensor forward(const BlockRun *run, Booking booking, const Tensor *w, Tensor input, BranchSaved *s)
{
    AttentionShape a = attention_of(run);
    Tensor *heads = &s->kept[ATTENTION_HEADS];
    s->kept[ATTENTION_QKV] = column_forward(run, input, &w[QKV_WEIGHT], booking.kept);
    *heads = tensor_new(input.device, booking.kept, input.dtype, a.B * a.T * a.heads * a.hd);
    attend(run, booking, s);
    return row_forward(run, *heads, &w[ATTENTION_OUT_WEIGHT], booking.output);
}

static Tensor backward(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dresult, BranchSaved *s)
{
    Tensor *qkv = &s->kept[ATTENTION_QKV], *heads = &s->kept[ATTENTION_HEADS],
           *dqkv = &s->kept[ATTENTION_DQKV];
    Tensor dheads =
        row_backward(run, dresult, *heads, w[ATTENTION_OUT_WEIGHT], d ? &d[ATTENTION_OUT_WEIGHT] : NULL);
    *dqkv = tensor_new(dheads.device, MEM_WORKSPACE, dheads.dtype, qkv->count);
    attend_backward(run, dheads, s);
    forget(s);
    tensor_free(&s->kept[ATTENTION_LSE]);
    tensor_free(qkv);
    tensor_free(&dheads);
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
                                 .forget = forget,
                                 .recover = recover};
