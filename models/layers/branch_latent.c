/* branch_latent.c - what comes before latent attention's heads. */
#include "models/layers/branch_latent.h"
#include "models/kernels/kernels.h"
#include "models/kernels/latent_heads.h"
#include "models/kernels/matmul.h"
#include "models/layers/latent_tensors.h"
#include "models/layers/linear.h"
#include "models/machine/tensor_values.h"

/* ---- outside the region: down to a latent, and normed ---- */

static int64_t rows_outside(const BlockRun *run)
{
    return run->B * region_rows(run->region, run->shape->sequence);
}

static Tensor down_forward(const BlockRun *run, Tensor x, const Tensor *w, MemoryCategory category)
{
    int64_t n = rows_outside(run), in = x.count / n, out = w[0].count / in;
    Tensor y = tensor_new(x.device, category, x.dtype, n * out);
    linear_forward(x, w[0], w[1], y, n, in, out);
    return y;
}

/* dx = dy W^T, or joins it. */
static void down_backward(const BlockRun *run, Tensor dy, Tensor W, bool joins, Tensor dx)
{
    int64_t n = rows_outside(run), in = dx.count / n, out = dy.count / n;
    matmul(matrix(dy, n, out), transposed(matrix(W, in, out)), joins, dx);
}

static void down_backward_weight(const BlockRun *run, Tensor x, Tensor dy, const Tensor *d)
{
    int64_t n = rows_outside(run);
    linear_backward_weight(x, dy, d[0], d[1], n, x.count / n, dy.count / n);
}

static Tensor normed(Tensor latent, Tensor gain, MemoryCategory category)
{
    Tensor y = tensor_new(latent.device, category, latent.dtype, latent.count);
    norm_forward(NORM_RMSNORM, latent, gain, (Tensor){0}, y);
    return y;
}

/* Frees dnormed and the latent, whose gradient it returns. */
static Tensor norm_back(Tensor dnormed, Tensor *latent, Tensor gain, Tensor dgain)
{
    Tensor d = tensor_new(latent->device, MEM_WORKSPACE, latent->dtype, latent->count);
    tensor_zero(d);
    norm_backward(NORM_RMSNORM, dnormed, *latent, gain, d, dgain, (Tensor){0});
    tensor_free(&dnormed);
    tensor_free(latent);
    return d;
}

/* ---- positions ---- */

/* Inside the region queries of all rows; outside it the shared key of this rank's. */
static RotaryShape queries_turned(const BlockRun *run)
{
    AttentionShape a = attention_core_shape(run);
    return (RotaryShape){a.B, a.T, a.heads * a.hd, a.heads, a.hd, run->shape->qk_rope_head_dim, true};
}

static RotaryShape key_turned(const BlockRun *run)
{
    int64_t rows = region_rows(run->region, run->shape->sequence), width = run->shape->qk_rope_head_dim;
    return (RotaryShape){run->B, rows, width, 1, width, width, true};
}

/* ---- the branch ---- */

/* The latent of keys and values and, in its place, the shared key: what came down, or its gradient. */
static Tensor part_of(const BlockRun *run, Tensor both, bool key, MemoryCategory category)
{
    int64_t n = rows_outside(run), latent = run->shape->kv_lora_rank, rotary = run->shape->qk_rope_head_dim;
    int64_t width = key ? rotary : latent;
    Tensor part = tensor_new(both.device, category, both.dtype, n * width);
    columns_copy(part, width, 0, both, latent + rotary, key ? latent : 0, width);
    return part;
}

static Tensor queries_forward(const BlockRun *run, Booking booking, const Tensor *w, Tensor input,
                              BranchSaved *s)
{
    if (!run->shape->q_lora_rank) return column_forward(run, input, &w[LATENT_Q], MEM_WORKSPACE);
    Tensor *latent = &s->kept[LATENT_OF_Q], *norm = &s->kept[LATENT_OF_Q_NORMED];
    *latent = down_forward(run, input, &w[LATENT_Q_DOWN], booking.kept);
    *norm = normed(*latent, w[LATENT_Q_NORM], booking.kept);
    return column_forward(run, *norm, &w[LATENT_Q_UP], MEM_WORKSPACE);
}

static Tensor forward(const BlockRun *run, Booking booking, const Tensor *w, Tensor input, BranchSaved *s)
{
    AttentionShape a = attention_core_shape(run);
    const Region *r = run->region;
    int64_t T = run->shape->sequence;
    double base = run->shape->rope_base;
    Tensor *latent = &s->kept[LATENT_OF_KV], *norm = &s->kept[LATENT_OF_KV_NORMED],
           *qkv = &s->kept[ATTENTION_QKV];
    Tensor both = down_forward(run, input, &w[LATENT_KV_DOWN], MEM_WORKSPACE);
    *latent = part_of(run, both, false, booking.kept);
    Tensor key = part_of(run, both, true, MEM_WORKSPACE);
    tensor_free(&both);
    *norm = normed(*latent, w[LATENT_KV_NORM], booking.kept);
    rope_forward(key_turned(run), key, region_first_row(r, T), base);
    Tensor q = queries_forward(run, booking, w, input, s);
    rope_forward(queries_turned(run), q, 0, base);
    Tensor kv = column_forward(run, *norm, &w[LATENT_KV_UP], MEM_WORKSPACE);
    Tensor shared = region_enter(r, key, run->B);
    *qkv = tensor_new(q.device, booking.kept, q.dtype, a.B * a.T * attention_width(a));
    latent_heads_join(a, q, kv, shared, *qkv);
    region_release(r, &shared);
    tensor_free(&key);
    tensor_free(&kv);
    tensor_free(&q);
    attention_core_forward(run, booking, s);
    return row_forward(run, s->kept[ATTENTION_HEADS], &w[LATENT_OUT], booking.output);
}

/* dqkv -> the gradients of queries and of keys' parts and values; returns, outside the region, that of the shared
 * key: of every rank's heads. */
static Tensor heads_backward(const BlockRun *run, Tensor dqkv, BranchSaved *s)
{
    AttentionShape a = attention_core_shape(run);
    const Region *r = run->region;
    int64_t rotary = run->shape->qk_rope_head_dim, T = run->shape->sequence, n = a.B * a.T;
    double base = run->shape->rope_base;
    Tensor *dq = &s->kept[LATENT_DQ], *dkv = &s->kept[LATENT_DKV];
    *dq = tensor_new(dqkv.device, MEM_WORKSPACE, dqkv.dtype, n * a.heads * a.hd);
    *dkv = tensor_new(dqkv.device, MEM_WORKSPACE, dqkv.dtype, n * a.heads * (a.hd - rotary + a.hd_v));
    Tensor dkey = tensor_new(dqkv.device, MEM_WORKSPACE, dqkv.dtype, rows_outside(run) * rotary);
    Tensor dshared = region_result(r, dkey);
    latent_heads_part(a, dqkv, *dq, *dkv, dshared);
    region_enter_backward(r, dshared, dkey, run->B);
    region_release(r, &dshared);
    rope_backward(queries_turned(run), *dq, 0, base);
    rope_backward(key_turned(run), dkey, region_first_row(r, T), base);
    return dkey;
}

/* Leaves the gradient of what came down. */
static void keys_backward(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dkey, BranchSaved *s)
{
    const GptShape *shape = run->shape;
    Tensor *latent = &s->kept[LATENT_OF_KV];
    int64_t width = shape->kv_lora_rank, both = width + shape->qk_rope_head_dim;
    Tensor dnormed = column_backward(run, &s->kept[LATENT_OF_KV_NORMED], &s->kept[LATENT_DKV],
                                     w[LATENT_KV_UP], d ? &d[LATENT_KV_UP] : NULL);
    Tensor dgain = tensor_view(s->kept[LATENT_DGAINS], shape->q_lora_rank, width);
    Tensor dlatent = norm_back(dnormed, latent, w[LATENT_KV_NORM], dgain);
    *latent = tensor_new(dkey.device, MEM_WORKSPACE, dkey.dtype, rows_outside(run) * both);
    columns_copy(*latent, both, 0, dlatent, width, 0, width);
    columns_copy(*latent, both, width, dkey, both - width, 0, both - width);
    tensor_free(&dlatent);
    tensor_free(&dkey);
}

/* Returns the input's gradient, through the queries alone. */
static Tensor queries_backward(const BlockRun *run, const Tensor *w, const Tensor *d, BranchSaved *s)
{
    Tensor *latent = &s->kept[LATENT_OF_Q], *input = branch_input(run, s), *dq = &s->kept[LATENT_DQ];
    if (!run->shape->q_lora_rank)
        return column_backward(run, input, dq, w[LATENT_Q], d ? &d[LATENT_Q] : NULL);
    Tensor dnormed =
        column_backward(run, &s->kept[LATENT_OF_Q_NORMED], dq, w[LATENT_Q_UP], d ? &d[LATENT_Q_UP] : NULL);
    Tensor dgain = tensor_view(s->kept[LATENT_DGAINS], 0, run->shape->q_lora_rank);
    *latent = norm_back(dnormed, latent, w[LATENT_Q_NORM], dgain);
    Tensor dinput = tensor_new(latent->device, MEM_WORKSPACE, latent->dtype, input->count);
    down_backward(run, *latent, w[LATENT_Q_DOWN], false, dinput);
    return dinput;
}

static Tensor backward(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dresult, BranchSaved *s)
{
    const GptShape *shape = run->shape;
    Tensor *heads = &s->kept[ATTENTION_HEADS], *dgains = &s->kept[LATENT_DGAINS],
           *dlatent = &s->kept[LATENT_OF_KV];
    Tensor dheads = row_backward(run, dresult, *heads, w[LATENT_OUT], d ? &d[LATENT_OUT] : NULL);
    Tensor dqkv = attention_core_backward(run, dheads, s);
    if (d) tensor_free(heads);
    *dgains = tensor_new(dqkv.device, MEM_WORKSPACE, REAL, shape->q_lora_rank + shape->kv_lora_rank);
    tensor_zero(*dgains);
    Tensor dkey = heads_backward(run, dqkv, s);
    tensor_free(&dqkv);
    keys_backward(run, w, d, dkey, s);
    /* now: with d the queries may be the last to read the input */
    if (d) down_backward_weight(run, *branch_input(run, s), *dlatent, &d[LATENT_KV_DOWN]);
    Tensor dinput = queries_backward(run, w, d, s);
    down_backward(run, *dlatent, w[LATENT_KV_DOWN], true, dinput);
    if (d) tensor_free(dlatent);
    return dinput;
}

static void backward_weight(const BlockRun *run, const Tensor *d, BranchSaved *s)
{
    Tensor *input = branch_input(run, s), *dgains = &s->kept[LATENT_DGAINS],
           *dlatent = &s->kept[LATENT_OF_KV];
    int64_t q = run->shape->q_lora_rank, kv = run->shape->kv_lora_rank;
    row_backward_weight(run, &s->dresult, &s->kept[ATTENTION_HEADS], &d[LATENT_OUT]);
    if (dlatent->device) down_backward_weight(run, *input, *dlatent, &d[LATENT_KV_DOWN]);
    tensor_free(dlatent);
    column_backward_weight(run, &s->kept[LATENT_OF_KV_NORMED], &s->kept[LATENT_DKV], &d[LATENT_KV_UP]);
    if (q) {
        down_backward_weight(run, *input, s->kept[LATENT_OF_Q], &d[LATENT_Q_DOWN]);
        tensor_free(&s->kept[LATENT_OF_Q]);
        tensor_free(input);
        column_backward_weight(run, &s->kept[LATENT_OF_Q_NORMED], &s->kept[LATENT_DQ], &d[LATENT_Q_UP]);
        tensor_add(d[LATENT_Q_NORM], tensor_view(*dgains, 0, q), WORK_ACCUMULATE);
    } else {
        column_backward_weight(run, input, &s->kept[LATENT_DQ], &d[LATENT_Q]);
    }
    tensor_add(d[LATENT_KV_NORM], tensor_view(*dgains, q, kv), WORK_ACCUMULATE);
    tensor_free(dgains);
}

const Branch branch_latent = {.tensor = latent_tensors,
                              .tensors = LATENT_TENSORS,
                              .dropout = DROPOUT_PROJ,
                              .forward = forward,
                              .backward = backward,
                              .backward_weight = backward_weight,
                              .forget = attention_core_forget,
                              .recover = attention_core_recover};
