/* attention_core.c - plain or flash attention of the heads that a rank has. */
#include "models/layers/attention_core.h"

TensorShape attention_out_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return (TensorShape){.rows = heads_width(s), .columns = s->hidden, .cut = CUT_ROWS};
}

TensorShape attention_out_bias(const GptShape *s, int ranks)
{
    return bias_shape(s, attention_out_weight(s, ranks));
}

AttentionShape attention_core_shape(const BlockRun *run)
{
    const GptShape *s = run->shape;
    int64_t t = run->region->size;
    return (AttentionShape){.B = run->B,
                            .T = s->sequence,
                            .heads = s->heads / t,
                            .kv_heads = kv_held(s, t) / t,
                            .hd = key_width(s),
                            .hd_v = value_width(s)};
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
    int64_t cells = attention_cells(attention_core_shape(run));
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

void attention_core_forget(BranchSaved *s)
{
    tensor_free(&s->kept[ATTENTION_PROBABILITIES]);
    tensor_free(&s->kept[ATTENTION_MASK]);
    tensor_free(&s->kept[ATTENTION_DROPPED]);
}

void attention_core_recover(const BlockRun *run, BranchSaved *s)
{
    AttentionDropout at;
    if (is_flash(run)) return;
    scores_new(run, MEM_WORKSPACE, s);
    attention_probabilities(attention_core_shape(run), s->kept[ATTENTION_QKV], attention_dropout(run, &at),
                            scores_of(s));
}

void attention_core_forward(const BlockRun *run, Booking booking, BranchSaved *s)
{
    AttentionShape a = attention_core_shape(run);
    AttentionDropout at;
    const AttentionDropout *dropout = attention_dropout(run, &at);
    Tensor qkv = s->kept[ATTENTION_QKV], *heads = &s->kept[ATTENTION_HEADS];
    *heads = tensor_new(qkv.device, booking.kept, qkv.dtype, a.B * a.T * a.heads * a.hd_v);
    if (is_flash(run)) {
        s->kept[ATTENTION_LSE] = tensor_new(qkv.device, booking.kept, REAL, a.B * a.heads * a.T);
        flash_forward(a, qkv, dropout, s->kept[ATTENTION_LSE], *heads);
    } else {
        scores_new(run, booking.again, s);
        attention_forward(a, qkv, dropout, scores_of(s), *heads);
    }
}

Tensor attention_core_backward(const BlockRun *run, Tensor dheads, BranchSaved *s)
{
    AttentionShape a = attention_core_shape(run);
    AttentionDropout at;
    const AttentionDropout *dropout = attention_dropout(run, &at);
    Tensor *qkv = &s->kept[ATTENTION_QKV];
    Tensor dqkv = tensor_new(dheads.device, MEM_WORKSPACE, dheads.dtype, qkv->count);
    if (is_flash(run))
        flash_backward(a, dheads, *qkv, dropout, s->kept[ATTENTION_LSE], s->kept[ATTENTION_HEADS], dqkv);
    else
        attention_backward(a, dheads, *qkv, dropout, scores_of(s), dqkv);
    attention_core_forget(s);
    tensor_free(&s->kept[ATTENTION_LSE]);
    tensor_free(qkv);
    tensor_free(&dheads);
    return dqkv;
}
