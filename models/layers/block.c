/* block.c - the skeleton of a branch, and a block of two. */
#include "models/layers/block.h"
#include "models/layers/core.h"
#include "models/layers/linear.h"
#include "models/kernels/kernels.h"
#include "models/machine/tensor_values.h"

/* ---- a branch ---- */

static Tensor made(Tensor like, MemoryCategory category, int64_t count)
{
    return tensor_new(like.device, category, like.dtype, count);
}

static Tensor scratch(Tensor like, int64_t count)
{
    return made(like, MEM_WORKSPACE, count);
}

static Tensor copied(Tensor t)
{
    Tensor copy = scratch(t, t.count);
    tensor_copy(copy, t);
    return copy;
}

/* result (B, T', C) = dropout(outer W + b), with outer and W cut over the region's ranks (row-parallel) */
static void leave_forward(const BlockRun *run, Branch branch, MemoryCategory category, const Tensor *w,
                          BranchSaved *s, Tensor result)
{
    const Region *region = run->region;
    int64_t T = run->shape->sequence;
    BranchSizes z = branch_sizes(run, branch);
    row_forward(run, z, s->outer, w[OUT_WEIGHT], result);
    bias_forward(result, w[OUT_BIAS], result.count / z.C, z.C);
    if (run->dropout.rate == 0) return;
    Dropout d = run->dropout;
    d.place = branch == BRANCH_MLP ? DROPOUT_OUT : DROPOUT_PROJ;
    s->mask = tensor_new(result.device, category, UINT8, result.count);
    SampleRows here = {
        .B = run->B, .first = region_first_row(region, T), .rows = region_rows(region, T), .T = T, .C = z.C};
    dropout_forward(&d, here, result, s->mask, result);
}

/* What the tensors that forward makes are booked as. */
typedef struct Booking {
    MemoryCategory kept, scores, output;
} Booking;

/* Fills saved; returns a new x + branch(x), normed where that is the order. */
static Tensor branch_forward(const BlockRun *run, Branch branch, Booking booking, const Tensor *w, Tensor x,
                             BranchSaved *s)
{
    const GptShape *shape = run->shape;
    BranchSizes z = branch_sizes(run, branch);
    bool post = shape->post_norm;
    *s = (BranchSaved){.x = x};
    if (!post) {
        s->norm = made(x, booking.kept, x.count);
        norm_forward(shape->norm, x, w[NORM_GAIN], w[NORM_BIAS], s->norm);
    }
    s->inner = column_forward(run, z, post ? x : s->norm, &w[IN_WEIGHT], booking.kept);
    s->outer = made(x, booking.kept, z.n * z.out);
    core_forward(run, branch, booking.kept, booking.scores, s);
    Tensor sum = made(x, post ? booking.kept : booking.output, x.count);
    leave_forward(run, branch, booking.kept, w, s, sum);
    residual_forward(sum, x);
    if (!post) return sum;
    s->norm = sum;
    Tensor y = made(x, booking.output, x.count);
    norm_forward(shape->norm, sum, w[NORM_GAIN], w[NORM_BIAS], y);
    return y;
}

/* The norms' gradients come with dx and wait in dnorms, whichever way backward is cut: a sum over rows and then
 * one addition to d has the same bits whatever d held when the rows were summed. Adds to dx. */
static void branch_norm_backward(const BlockRun *run, Branch branch, Tensor dnorm, Tensor x, Tensor gain,
                                 Tensor dx, Tensor dnorms)
{
    int64_t C = run->shape->hidden;
    norm_backward(run->shape->norm, dnorm, x, gain, dx, tensor_view(dnorms, 2 * branch * C, C),
                  tensor_view(dnorms, (2 * branch + 1) * C, C));
}

/* What the linear layer into the region read. */
static Tensor *input_of(const BlockRun *run, BranchSaved *s)
{
    return run->shape->post_norm ? &s->x : &s->norm;
}

/* Both halves, or without dw the input's: turns dy from the gradient of the branch's sum into that of its x. */
static void branch_backward(const BlockRun *run, Branch branch, const Tensor *w, const Tensor *dw,
                            BranchSaved *s, Tensor dnorms, Tensor dy)
{
    BranchSizes z = branch_sizes(run, branch);
    bool post = run->shape->post_norm, drops = run->dropout.rate > 0;
    if (post) {
        Tensor normed = copied(dy);
        tensor_zero(dy);
        branch_norm_backward(run, branch, normed, s->norm, w[NORM_GAIN], dy, dnorms);
        tensor_free(&normed);
        tensor_free(&s->norm);
    }
    Tensor dresult = dy;
    if (drops) {
        dresult = scratch(dy, dy.count);
        dropout_backward(run->dropout.rate, dy, s->mask, dresult);
        tensor_free(&s->mask);
    }
    Tensor douter = scratch(dy, z.n * z.out);
    row_backward(run, z, dresult, s->outer, &w[OUT_WEIGHT], douter, dw ? &dw[OUT_WEIGHT] : NULL);
    core_backward(run, branch, douter, s);
    if (dw) tensor_free(&s->outer);
    bool beside = dw && run->region->overlap != REGION_WAITS;
    Tensor dinput = scratch(dy, dy.count);
    if (beside)
        column_backward(run, z, input_of(run, s), &s->dinner, w[IN_WEIGHT], &dw[IN_WEIGHT], dinput);
    else
        column_backward_input(run, z, s->dinner, w[IN_WEIGHT], dinput);
    if (dw) {
        if (drops) tensor_free(&dresult);
    } else {
        s->dresult = drops ? dresult : copied(dy);
    }
    if (!post) branch_norm_backward(run, branch, dinput, s->x, w[NORM_GAIN], dy, dnorms);
    residual_backward(dy, dinput, !post);
    tensor_free(&dinput);
    if (!post) tensor_free(&s->x);
    if (dw && !beside) column_backward_weight(run, z, input_of(run, s), &s->dinner, &dw[IN_WEIGHT]);
}

/* ---- a block ---- */

static Tensor forward(const BlockRun *run, Booking booking, const BlockParameters *p, Tensor x,
                      BlockSaved *saved)
{
    Booking within = booking;
    within.output = booking.kept;
    Tensor between = branch_forward(run, BRANCH_ATTENTION, within, p->branch[BRANCH_ATTENTION], x,
                                    &saved->branch[BRANCH_ATTENTION]);
    return branch_forward(run, BRANCH_MLP, booking, p->branch[BRANCH_MLP], between,
                          &saved->branch[BRANCH_MLP]);
}

static void branch_free(BranchSaved *s)
{
    Tensor *all[] = {&s->x, &s->norm, &s->inner, &s->outer, &s->mask};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) tensor_free(all[i]);
    core_free(s);
}

Tensor block_forward(const BlockRun *run, MemoryCategory output, const BlockParameters *p, Tensor x,
                     BlockSaved *saved)
{
    /* what will be computed again is scratch, here and there */
    bool full = run->recompute == RECOMPUTE_FULL, none = run->recompute == RECOMPUTE_NONE;
    BranchSaved *attention = &saved->branch[BRANCH_ATTENTION];
    Booking booking = {.kept = full ? MEM_WORKSPACE : MEM_ACTIVATIONS,
                       .scores = none ? MEM_ACTIVATIONS : MEM_WORKSPACE,
                       .output = output};
    *saved = (BlockSaved){0};
    Tensor y = forward(run, booking, p, x, saved);
    if (!none) core_forget(attention);
    if (!full) return y;
    attention->x = (Tensor){0};
    branch_free(attention);
    branch_free(&saved->branch[BRANCH_MLP]);
    attention->x = x;
    return y;
}

/* Brings back what forward did not keep. */
static void recover(const BlockRun *run, const BlockParameters *p, BlockSaved *saved)
{
    BranchSaved *s = &saved->branch[BRANCH_ATTENTION];
    if (run->recompute == RECOMPUTE_NONE) return;
    Part before = lanes_part(&s->x.device->lanes, PART_RECOMPUTE);
    if (run->recompute == RECOMPUTE_FULL) {
        Tensor y = forward(run, (Booking){MEM_WORKSPACE, MEM_WORKSPACE, MEM_WORKSPACE}, p, s->x, saved);
        tensor_free(&y);
    } else {
        core_recover(run, s);
    }
    lanes_part(&s->x.device->lanes, before);
}

static void norms_backward_weight(const BlockRun *run, const BlockParameters *d, Tensor *dnorms)
{
    int64_t C = run->shape->hidden;
    for (int b = 0; b < BRANCHES; b++)
        for (int i = 0; i < 2; i++) {
            Tensor to = d->branch[b][NORM_GAIN + i];
            tensor_add(to, tensor_view(*dnorms, (2 * b + i) * C, to.count), WORK_ACCUMULATE);
        }
    tensor_free(dnorms);
}

/* Both halves, or without d the input's, which leaves in saved what the weights' needs. */
static void backward(const BlockRun *run, const BlockParameters *p, const BlockParameters *d,
                     BlockSaved *saved, Tensor dy)
{
    static const Branch order[] = {BRANCH_MLP, BRANCH_ATTENTION};
    bool selective = run->recompute == RECOMPUTE_SELECTIVE;
    if (!selective) recover(run, p, saved);
    saved->dnorms = tensor_new(dy.device, MEM_WORKSPACE, REAL, 4 * run->shape->hidden);
    tensor_zero(saved->dnorms);
    for (int i = 0; i < BRANCHES; i++) {
        Branch b = order[i];
        if (selective && b == BRANCH_ATTENTION) recover(run, p, saved); /* only now, when the rest is free */
        branch_backward(run, b, p->branch[b], d ? d->branch[b] : NULL, &saved->branch[b], saved->dnorms, dy);
    }
}

void block_backward(const BlockRun *run, const BlockParameters *p, const BlockParameters *d,
                    BlockSaved *saved, Tensor dy)
{
    backward(run, p, d, saved, dy);
    norms_backward_weight(run, d, &saved->dnorms);
}

void block_backward_input(const BlockRun *run, const BlockParameters *p, BlockSaved *saved, Tensor dy)
{
    backward(run, p, NULL, saved, dy);
    for (int b = 0; b < BRANCHES; b++) {
        BranchSaved *s = &saved->branch[b];
        Tensor *kept[] = {input_of(run, s), &s->outer, &s->dinner, &s->dresult};
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) tensor_rebook(kept[i], MEM_ACTIVATIONS);
    }
    tensor_rebook(&saved->dnorms, MEM_ACTIVATIONS);
}

void block_backward_weight(const BlockRun *run, const BlockParameters *d, BlockSaved *saved)
{
    static const Branch order[] = {BRANCH_MLP, BRANCH_ATTENTION};
    for (int i = 0; i < BRANCHES; i++) {
        BranchSaved *s = &saved->branch[order[i]];
        const Tensor *dw = d->branch[order[i]], none = {0};
        BranchSizes z = branch_sizes(run, order[i]);
        row_backward(run, z, s->dresult, s->outer, NULL, none, &dw[OUT_WEIGHT]);
        tensor_free(&s->dresult);
        tensor_free(&s->outer);
        column_backward_weight(run, z, input_of(run, s), &s->dinner, &dw[IN_WEIGHT]);
    }
    norms_backward_weight(run, d, &saved->dnorms);
}
