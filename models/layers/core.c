/* core.c - the two cores of a block. */
#include "models/layers/core.h"
#include "models/kernels/kernels.h"

/* ---- attention ---- */

static AttentionShape attention_of(const BlockRun *run)
{
    const GptShape *s = run->shape;
    int64_t t = run->region->size;
    return (AttentionShape){.B = run->B,
                            .T = s->sequence,
                            .heads = s->heads / t,
                            .kv_heads = kv_held(s, t) / t,
                            .hd = s->hidden / s->heads};
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

static AttentionSaved scores_new(const BlockRun *run, Tensor like, MemoryCategory category)
{
    AttentionShape a = attention_of(run);
    int64_t cells = a.B * a.heads * a.T * a.T;
    AttentionSaved s = {.probabilities = tensor_new(like.device, category, like.dtype, cells)};
    if (run->dropout.rate == 0) return s;
    s.mask = tensor_new(like.device, category, UINT8, cells);
    s.dropped = tensor_new(like.device, category, like.dtype, cells);
    return s;
}

static void attend(const BlockRun *run, MemoryCategory category, MemoryCategory scores, BranchSaved *s)
{
    AttentionShape a = attention_of(run);
    AttentionDropout at;
    const AttentionDropout *dropout = attention_dropout(run, &at);
    if (run->shape->position == POSITION_ROPE) rope_forward(a, s->inner, 0, run->shape->rope_base);
    if (is_flash(run)) {
        s->lse = tensor_new(s->inner.device, category, REAL, a.B * a.heads * a.T);
        flash_forward(a, s->inner, dropout, s->lse, s->outer);
    } else {
        s->scores = scores_new(run, s->inner, scores);
        attention_forward(a, s->inner, dropout, s->scores, s->outer);
    }
}

static void attend_backward(const BlockRun *run, Tensor douter, BranchSaved *s)
{
    AttentionShape a = attention_of(run);
    AttentionDropout at;
    const AttentionDropout *dropout = attention_dropout(run, &at);
    if (is_flash(run))
        flash_backward(a, douter, s->inner, dropout, s->lse, s->outer, s->dinner);
    else
        attention_backward(a, douter, s->inner, dropout, s->scores, s->dinner);
    if (run->shape->position == POSITION_ROPE) rope_backward(a, s->dinner, 0, run->shape->rope_base);
    core_free(s);
}

void core_forget(BranchSaved *s)
{
    tensor_free(&s->scores.probabilities);
    tensor_free(&s->scores.mask);
    tensor_free(&s->scores.dropped);
}

void core_free(BranchSaved *s)
{
    core_forget(s);
    tensor_free(&s->lse);
}

void core_recover(const BlockRun *run, BranchSaved *s)
{
    AttentionDropout at;
    if (is_flash(run)) return;
    s->scores = scores_new(run, s->inner, MEM_WORKSPACE);
    attention_probabilities(attention_of(run), s->inner, attention_dropout(run, &at), s->scores);
}

/* ---- an activation ---- */

static void activate(const BlockRun *run, Tensor x, Tensor y)
{
    BranchSizes z = branch_sizes(run, BRANCH_MLP);
    switch ((ActivationKind)run->shape->activation) {
    case ACTIVATION_GELU: gelu_forward(x, y); break;
    case ACTIVATION_RELU: relu_forward(x, y); break;
    case ACTIVATION_SILU: silu_forward(x, y); break;
    case ACTIVATION_SWIGLU: swiglu_forward(x, y, z.n, z.out); break;
    }
}

static void activate_backward(const BlockRun *run, Tensor x, Tensor dy, Tensor dx)
{
    BranchSizes z = branch_sizes(run, BRANCH_MLP);
    switch ((ActivationKind)run->shape->activation) {
    case ACTIVATION_GELU: gelu_backward(x, dy, dx); break;
    case ACTIVATION_RELU: relu_backward(x, dy, dx); break;
    case ACTIVATION_SILU: silu_backward(x, dy, dx); break;
    case ACTIVATION_SWIGLU: swiglu_backward(x, dy, dx, z.n, z.out); break;
    }
}

/* ---- either ---- */

void core_forward(const BlockRun *run, Branch branch, MemoryCategory category, MemoryCategory scores,
                  BranchSaved *s)
{
    if (branch == BRANCH_MLP)
        activate(run, s->inner, s->outer);
    else
        attend(run, category, scores, s);
}

void core_backward(const BlockRun *run, Branch branch, Tensor douter, BranchSaved *s)
{
    bool in_place = branch == BRANCH_MLP && !is_gated(run->shape);
    s->dinner = in_place ? douter : tensor_new(douter.device, MEM_WORKSPACE, douter.dtype, s->inner.count);
    if (branch == BRANCH_MLP)
        activate_backward(run, s->inner, douter, s->dinner);
    else
        attend_backward(run, douter, s);
    tensor_free(&s->inner);
    if (!in_place) tensor_free(&douter);
}
