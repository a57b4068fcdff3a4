/* block.c - the skeleton of a branch, and a block of them. */
#include "models/layers/block.h"
#include "models/kernels/kernels.h"
#include "models/machine/tensor_values.h"

/* ---- a branch ---- */

static Tensor made(Tensor like, MemoryCategory category)
{
    return tensor_new(like.device, category, like.dtype, like.count);
}

static Tensor copied(Tensor t)
{
    Tensor copy = made(t, MEM_WORKSPACE);
    tensor_copy(copy, t);
    return copy;
}

/* In place. */
static void drop(const BlockRun *run, const Branch *branch, MemoryCategory category, BranchSaved *s,
                 Tensor result)
{
    const Region *region = run->region;
    int64_t T = run->shape->sequence;
    if (run->dropout.rate == 0) return;
    Dropout d = run->dropout;
    d.place = branch->dropout;
    s->mask = tensor_new(result.device, category, UINT8, result.count);
    SampleRows here = {.B = run->B,
                       .first = region_first_row(region, T),
                       .rows = region_rows(region, T),
                       .T = T,
                       .C = run->shape->hidden};
    dropout_forward(&d, here, result, s->mask, result);
}

/* Fills saved; returns a new x + branch(x), normed where that is the order. */
static Tensor branch_forward(const BlockRun *run, const Branch *branch, Booking booking, const Tensor *w,
                             Tensor x, BranchSaved *s)
{
    NormKind norm = run->shape->norm;
    MemoryCategory output = booking.output;
    bool post = run->shape->post_norm;
    *s = (BranchSaved){.x = x};
    if (post) {
        booking.output = booking.kept;
    } else {
        s->norm = made(x, booking.kept);
        norm_forward(norm, x, w[NORM_GAIN], w[NORM_BIAS], s->norm);
    }
    Tensor sum = branch->forward(run, booking, w, *branch_input(run, s), s);
    drop(run, branch, booking.kept, s, sum);
    residual_forward(sum, x);
    if (!post) return sum;
    s->norm = sum;
    Tensor y = made(x, output);
    norm_forward(norm, sum, w[NORM_GAIN], w[NORM_BIAS], y);
    return y;
}

/* Both halves, or without d the input's: turns dy from the gradient of the branch's sum into that of its x. The norm's
 * gradients come with dx and wait in dnorm (2, C), whichever way backward is cut: a sum over rows and then one addition
 * to d has the same bits whatever d held when the rows were summed. */
static void branch_backward(const BlockRun *run, const Branch *branch, const Tensor *w, const Tensor *d,
                            BranchSaved *s, Tensor dnorm, Tensor dy)
{
    NormKind norm = run->shape->norm;
    int64_t C = run->shape->hidden;
    Tensor dgain = tensor_view(dnorm, 0, C), dbias = tensor_view(dnorm, C, C), dresult = dy;
    bool post = run->shape->post_norm, drops = run->dropout.rate > 0;
    if (post) {
        Tensor dnormed = copied(dy);
        tensor_zero(dy);
        norm_backward(norm, dnormed, s->norm, w[NORM_GAIN], dy, dgain, dbias);
        tensor_free(&dnormed);
        tensor_free(&s->norm);
    }
    if (drops) {
        dresult = made(dy, MEM_WORKSPACE);
        dropout_backward(run->dropout.rate, dy, s->mask, dresult);
        tensor_free(&s->mask);
    }
    Tensor dinput = branch->backward(run, w, d, dresult, s);
    if (!d) s->dresult = drops ? dresult : copied(dy);
    if (d && drops) tensor_free(&dresult);
    if (!post) norm_backward(norm, dinput, s->x, w[NORM_GAIN], dy, dgain, dbias);
    residual_backward(dy, dinput, !post);
    tensor_free(&dinput);
    if (!post) tensor_free(&s->x);
    if (d) branch->backward_weight(run, d, s);
}

static void each_kept(BranchSaved *s, void (*call)(Tensor *t))
{
    Tensor *common[] = {&s->x, &s->norm, &s->mask, &s->dresult};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) call(common[i]);
    for (int i = 0; i < BRANCH_KEPT; i++) call(&s->kept[i]);
}

static void keep(Tensor *t)
{
    tensor_rebook(t, MEM_ACTIVATIONS);
}

/* ---- a block ---- */

static Tensor forward(const BlockRun *run, Booking booking, const BlockParameters *p, Tensor x,
                      BlockSaved *saved)
{
    const Block *block = run->block;
    for (int b = 0; b < block->branches; b++) {
        Booking at = booking;
        if (b < block->branches - 1) at.output = booking.kept;
        x = branch_forward(run, block->branch[b], at, p->branch[b], x, &saved->branch[b]);
    }
    return x;
}

Tensor block_forward(const BlockRun *run, MemoryCategory output, const BlockParameters *p, Tensor x,
                     BlockSaved *saved)
{
    /* what will be computed again is scratch, here and there */
    bool full = run->recompute == RECOMPUTE_FULL, none = run->recompute == RECOMPUTE_NONE;
    Booking booking = {.kept = full ? MEM_WORKSPACE : MEM_ACTIVATIONS,
                       .again = none ? MEM_ACTIVATIONS : MEM_WORKSPACE,
                       .output = output};
    *saved = (BlockSaved){0};
    Tensor y = forward(run, booking, p, x, saved);
    if (full) saved->branch[0].x = (Tensor){0};
    for (int b = 0; b < run->block->branches; b++) {
        if (full)
            each_kept(&saved->branch[b], tensor_free);
        else if (!none && run->block->branch[b]->forget)
            run->block->branch[b]->forget(&saved->branch[b]);
    }
    saved->branch[0].x = x;
    return y;
}

/* Bring back what forward did not keep, of all branches or of one. */
static void recover_all(const BlockRun *run, const BlockParameters *p, BlockSaved *saved)
{
    Tensor x = saved->branch[0].x;
    Part before = lanes_part(&x.device->lanes, PART_RECOMPUTE);
    Tensor y = forward(run, (Booking){MEM_WORKSPACE, MEM_WORKSPACE, MEM_WORKSPACE}, p, x, saved);
    tensor_free(&y);
    lanes_part(&x.device->lanes, before);
}

static void recover(const BlockRun *run, const Branch *branch, BranchSaved *s)
{
    if (!branch->recover) return;
    Part before = lanes_part(&s->x.device->lanes, PART_RECOMPUTE);
    branch->recover(run, s);
    lanes_part(&s->x.device->lanes, before);
}

/* (2, C) of branch b. */
static Tensor dnorm_of(const BlockRun *run, const BlockSaved *saved, int b)
{
    int64_t count = NORM_TENSORS * run->shape->hidden;
    return tensor_view(saved->dnorms, b * count, count);
}

static void norms_backward_weight(const BlockRun *run, const BlockParameters *d, BlockSaved *saved)
{
    int64_t C = run->shape->hidden;
    for (int b = 0; b < run->block->branches; b++)
        for (int i = 0; i < NORM_TENSORS; i++) {
            Tensor to = d->branch[b][i];
            tensor_add(to, tensor_view(dnorm_of(run, saved, b), i * C, to.count), WORK_ACCUMULATE);
        }
    tensor_free(&saved->dnorms);
}

/* Both halves, or without d the input's, which leaves in saved what the weights' needs. */
static void backward(const BlockRun *run, const BlockParameters *p, const BlockParameters *d,
                     BlockSaved *saved, Tensor dy)
{
    const Block *block = run->block;
    if (run->recompute == RECOMPUTE_FULL) recover_all(run, p, saved);
    saved->dnorms =
        tensor_new(dy.device, MEM_WORKSPACE, REAL, block->branches * NORM_TENSORS * run->shape->hidden);
    tensor_zero(saved->dnorms);
    for (int b = block->branches - 1; b >= 0; b--) {
        BranchSaved *s = &saved->branch[b];
        /* only now, when the rest is free */
        if (run->recompute == RECOMPUTE_SELECTIVE) recover(run, block->branch[b], s);
        branch_backward(run, block->branch[b], p->branch[b], d ? d->branch[b] : NULL, s,
                        dnorm_of(run, saved, b), dy);
    }
}

void block_backward(const BlockRun *run, const BlockParameters *p, const BlockParameters *d,
                    BlockSaved *saved, Tensor dy)
{
    backward(run, p, d, saved, dy);
    norms_backward_weight(run, d, saved);
}

void block_backward_input(const BlockRun *run, const BlockParameters *p, BlockSaved *saved, Tensor dy)
{
    backward(run, p, NULL, saved, dy);
    for (int b = 0; b < run->block->branches; b++) each_kept(&saved->branch[b], keep);
    tensor_rebook(&saved->dnorms, MEM_ACTIVATIONS);
}

void block_backward_weight(const BlockRun *run, const BlockParameters *d, BlockSaved *saved)
{
    for (int b = run->block->branches - 1; b >= 0; b--)
        run->block->branch[b]->backward_weight(run, d->branch[b], &saved->branch[b]);
    norms_backward_weight(run, d, saved);
}
