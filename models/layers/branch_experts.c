/* branch_experts.c - the experts' table, and their walk. */
#include "models/layers/branch_experts.h"
#include <stdlib.h>
#include "models/kernels/grouped.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/layers/activate.h"
#include "models/layers/routing.h"

_Static_assert((int)EXPERTS_TENSORS <= (int)BRANCH_TENSORS && (int)EXPERTS_KEPT <= (int)BRANCH_KEPT,
               "a branch has room for them");

/* ---- tensors ---- */

static TensorShape router_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return (TensorShape){.rows = s->hidden, .columns = s->experts.count, .partial = true};
}

/* Of an MLP of so many experts' width. */
static TensorShape in_weight(const GptShape *s, int64_t experts)
{
    int64_t f = experts * s->experts.ffn;
    return (TensorShape){.rows = s->hidden,
                         .columns = experts * expert_inner_width(s),
                         .part = {f, is_gated(s) ? f : 0},
                         .sharing = 1,
                         .cut = CUT_COLUMNS};
}

static TensorShape out_weight(const GptShape *s, int64_t experts)
{
    return (TensorShape){
        .rows = experts * s->experts.ffn, .columns = experts ? s->hidden : 0, .cut = CUT_ROWS};
}

static TensorShape shared_in_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return in_weight(s, s->experts.shared);
}

static TensorShape shared_out_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return out_weight(s, s->experts.shared);
}

static TensorShape expert_in_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return in_weight(s, 1);
}

static TensorShape expert_out_weight(const GptShape *s, int ranks)
{
    (void)ranks;
    return out_weight(s, 1);
}

static const BranchTensor TENSORS[EXPERTS_TENSORS] = {
    [NORM_GAIN] = {"ln_2.weight", norm_gain_shape, INIT_ONE, BLOCK_OWN},
    [NORM_BIAS] = {"ln_2.bias", norm_bias_shape, INIT_ZERO, BLOCK_OWN},
    [ROUTER_WEIGHT] = {"mlp.gate.weight", router_weight, INIT_NORMAL, BLOCK_OWN},
    [SHARED_IN_WEIGHT] = {"mlp.shared_experts.c_fc.weight", shared_in_weight, INIT_NORMAL, BLOCK_OWN},
    [SHARED_OUT_WEIGHT] = {"mlp.shared_experts.c_proj.weight", shared_out_weight, INIT_NORMAL_RESIDUAL,
                           BLOCK_OWN},
    [EXPERTS_IN_WEIGHT] = {"c_fc.weight", expert_in_weight, INIT_NORMAL, BLOCK_EXPERTS},
    [EXPERTS_OUT_WEIGHT] = {"c_proj.weight", expert_out_weight, INIT_NORMAL_RESIDUAL, BLOCK_EXPERTS},
};

/* ---- sizes ---- */

static Routing routing_of(BranchSaved *s)
{
    Tensor *kept = s->kept;
    return (Routing){.logits = &kept[EXPERTS_LOGITS],
                     .scores = &kept[EXPERTS_SCORES],
                     .experts = &kept[EXPERTS_CHOSEN],
                     .gates = &kept[EXPERTS_GATES],
                     .weights = &kept[EXPERTS_BALANCE],
                     .row = &kept[EXPERTS_ROW],
                     .counts = &kept[EXPERTS_COUNTS],
                     .dlogits = &kept[EXPERTS_DLOGITS]};
}

/* The rows, and both products over them; the counts are to be freed. */
typedef struct Rows {
    int64_t *counts, room; /* `room`: rows that tensors have */
    Permutation permutation;
    Grouped in, out;
} Rows;

static Rows rows_of(const BlockRun *run, BranchSaved *s)
{
    const GptShape *shape = run->shape;
    int64_t E = shape->experts.count, C = shape->hidden, t = run->region->size;
    Rows r = {.counts = routing_counts(run, s->kept[EXPERTS_COUNTS]), .room = routing_room(shape, run->B)};
    r.permutation = routing_permutation(run, routing_of(s), r.counts);
    r.in = (Grouped){E, r.counts, C, expert_inner_width(shape) / t};
    r.out = (Grouped){E, r.counts, shape->experts.ffn / t, C};
    return r;
}

static Tensor like(Tensor x, MemoryCategory category, int64_t count)
{
    return tensor_new(x.device, category, x.dtype, count);
}

/* Room for rows of this width; and those there are of a tensor with it. */
static Tensor rows_new(const Rows *r, Tensor x, MemoryCategory category, int64_t width)
{
    return like(x, category, r->room * width);
}

static Tensor used(const Rows *r, Tensor rows)
{
    return tensor_view(rows, 0, rows.count / r->room * r->permutation.rows);
}

/* Of (n, width) x: as a factor. */
static Matrix rows_matrix(const BlockRun *run, Tensor x)
{
    int64_t n = block_rows(run);
    return matrix(x, n, x.count / n);
}

/* ---- forward ---- */

/* whole -> part, this rank's of the sum */
static void experts_forward(const BlockRun *run, MemoryCategory kept, const Tensor *w, Tensor whole,
                            BranchSaved *s, Tensor part)
{
    int64_t C = run->shape->hidden;
    Rows r = rows_of(run, s);
    Tensor rows = rows_new(&r, whole, MEM_WORKSPACE, C);
    permute_forward(&r.permutation, whole, used(&r, rows), C);
    Tensor inner = s->kept[EXPERTS_INNER] = rows_new(&r, whole, kept, r.in.out);
    grouped_forward(&r.in, used(&r, rows), w[EXPERTS_IN_WEIGHT], used(&r, inner));
    tensor_free(&rows);
    Tensor outer = s->kept[EXPERTS_OUTER] = rows_new(&r, whole, kept, r.out.in);
    activate(run->shape, used(&r, inner), used(&r, outer), r.permutation.rows);
    Tensor results = s->kept[EXPERTS_RESULTS] = rows_new(&r, whole, kept, C);
    grouped_forward(&r.out, used(&r, outer), w[EXPERTS_OUT_WEIGHT], used(&r, results));
    combine_forward(&r.permutation, used(&r, results), s->kept[EXPERTS_GATES], part, C);
    free(r.counts);
}

/* Added to part. */
static void shared_forward(const BlockRun *run, MemoryCategory kept, const Tensor *w, Tensor whole,
                           BranchSaved *s, Tensor part)
{
    const GptShape *shape = run->shape;
    int64_t n = block_rows(run), C = shape->hidden, t = run->region->size, f = shape->experts.ffn;
    if (!shape->experts.shared) return;
    int64_t in = shape->experts.shared * expert_inner_width(shape) / t, out = shape->experts.shared * f / t;
    Tensor *inner = &s->kept[SHARED_INNER], *outer = &s->kept[SHARED_OUTER];
    *inner = like(whole, kept, n * in);
    linear_forward(whole, w[SHARED_IN_WEIGHT], (Tensor){0}, *inner, n, C, in);
    *outer = like(whole, kept, n * out);
    activate(shape, *inner, *outer, n);
    matmul(rows_matrix(run, *outer), matrix(w[SHARED_OUT_WEIGHT], out, C), 1, part);
}

static Tensor forward(const BlockRun *run, Booking booking, const Tensor *w, Tensor input, BranchSaved *s)
{
    const Region *r = run->region;
    Tensor whole = region_enter(r, input, run->B);
    routing_forward(run, booking.kept, whole, w[ROUTER_WEIGHT], routing_of(s));
    Tensor y = like(input, booking.output, input.count), part = region_result(r, y);
    experts_forward(run, booking.kept, w, whole, s, part);
    shared_forward(run, booking.kept, w, whole, s, part);
    region_release(r, &whole);
    region_leave(r, part, y, run->B);
    region_release(r, &part);
    return y;
}

/* ---- backward ---- */

/* dy (n, C), of all ranks -> the gradient of rows, which it returns; that of results, and of gates. */
static Tensor experts_backward(const BlockRun *run, const Rows *r, const Tensor *w, Tensor dy, Tensor dgates,
                               BranchSaved *s)
{
    int64_t C = run->shape->hidden;
    Tensor *inner = &s->kept[EXPERTS_INNER], results = used(r, s->kept[EXPERTS_RESULTS]);
    combine_backward(&r->permutation, dy, results, s->kept[EXPERTS_GATES], results, dgates, C);
    Tensor douter = rows_new(r, dy, MEM_WORKSPACE, r->out.in);
    grouped_backward_input(&r->out, results, w[EXPERTS_OUT_WEIGHT], used(r, douter));
    Tensor dinner = s->kept[EXPERTS_DINNER] = rows_new(r, dy, MEM_WORKSPACE, r->in.out);
    activate_backward(run->shape, used(r, *inner), used(r, douter), used(r, dinner), r->permutation.rows);
    tensor_free(&douter);
    tensor_free(inner);
    Tensor drows = rows_new(r, dy, MEM_WORKSPACE, C);
    grouped_backward_input(&r->in, used(r, dinner), w[EXPERTS_IN_WEIGHT], used(r, drows));
    return drows;
}

static void shared_backward(const BlockRun *run, const Tensor *w, Tensor dy, BranchSaved *s)
{
    Tensor *inner = &s->kept[SHARED_INNER], outer = s->kept[SHARED_OUTER], *dinner = &s->kept[SHARED_DINNER];
    int64_t n = block_rows(run), C = run->shape->hidden;
    if (!run->shape->experts.shared) return;
    Tensor douter = like(dy, MEM_WORKSPACE, outer.count);
    linear_backward_input(dy, w[SHARED_OUT_WEIGHT], douter, n, outer.count / n, C);
    *dinner = like(dy, MEM_WORKSPACE, inner->count);
    activate_backward(run->shape, *inner, douter, *dinner, n);
    tensor_free(&douter);
    tensor_free(inner);
}

/* What is added to the gradients of the second layers; dy as it was gathered. */
static void out_backward_weight(const BlockRun *run, const Rows *r, const Tensor *d, Tensor dy,
                                BranchSaved *s)
{
    Tensor *outer = &s->kept[EXPERTS_OUTER], *results = &s->kept[EXPERTS_RESULTS],
           *shared = &s->kept[SHARED_OUTER];
    grouped_backward_weight(&r->out, used(r, *outer), used(r, *results), d[EXPERTS_OUT_WEIGHT]);
    if (run->shape->experts.shared)
        matmul(transposed(rows_matrix(run, *shared)), rows_matrix(run, dy), 1, d[SHARED_OUT_WEIGHT]);
    tensor_free(outer);
    tensor_free(results);
    tensor_free(shared);
}

/* The gradient of whole, this rank's part of the sum. */
static void input_backward(const BlockRun *run, const Rows *r, const Tensor *w, Tensor drows, BranchSaved *s,
                           Tensor dwhole)
{
    int64_t C = run->shape->hidden;
    Tensor dlogits = s->kept[EXPERTS_DLOGITS], shared = s->kept[SHARED_DINNER];
    permute_backward(&r->permutation, used(r, drows), dwhole, C);
    matmul(rows_matrix(run, dlogits), transposed(matrix(w[ROUTER_WEIGHT], C, run->shape->experts.count)), 1,
           dwhole);
    if (!shared.device) return;
    Matrix dinner = rows_matrix(run, shared);
    matmul(dinner, transposed(matrix(w[SHARED_IN_WEIGHT], C, dinner.columns)), 1, dwhole);
}

static Tensor backward(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dresult, BranchSaved *s)
{
    const Region *region = run->region;
    Rows r = rows_of(run, s);
    Tensor input = *branch_input(run, s), dy = region_leave_backward(region, dresult, run->B);
    Tensor dgates = tensor_new(dy.device, MEM_WORKSPACE, REAL, s->kept[EXPERTS_GATES].count);
    Tensor drows = experts_backward(run, &r, w, dy, dgates, s);
    routing_backward(run, dgates, routing_of(s));
    tensor_free(&dgates);
    shared_backward(run, w, dy, s);
    if (d) out_backward_weight(run, &r, d, dy, s);
    region_release(region, &dy);
    Tensor dx = like(input, MEM_WORKSPACE, input.count), dwhole = region_result(region, dx);
    input_backward(run, &r, w, drows, s, dwhole);
    tensor_free(&drows);
    free(r.counts);
    region_enter_backward(region, dwhole, dx, run->B);
    region_release(region, &dwhole);
    return dx;
}

/* Of the second layers, where backward has not seen to it. dy's whole is what the shared experts' want. */
static void out_backward_later(const BlockRun *run, const Rows *r, const Tensor *d, BranchSaved *s)
{
    bool shared = run->shape->experts.shared > 0;
    if (!s->dresult.device) return;
    Tensor dy = shared ? region_leave_backward(run->region, s->dresult, run->B) : s->dresult;
    out_backward_weight(run, r, d, dy, s);
    if (shared) region_release(run->region, &dy);
    tensor_free(&s->dresult);
}

static void backward_weight(const BlockRun *run, const Tensor *d, BranchSaved *s)
{
    int64_t n = block_rows(run), C = run->shape->hidden, E = run->shape->experts.count;
    Rows r = rows_of(run, s);
    Tensor *input = branch_input(run, s), *dinner = &s->kept[EXPERTS_DINNER],
           *dlogits = &s->kept[EXPERTS_DLOGITS], *shared = &s->kept[SHARED_DINNER], none = {0};
    out_backward_later(run, &r, d, s);
    Tensor whole = region_enter(run->region, *input, run->B);
    Tensor rows = rows_new(&r, whole, MEM_WORKSPACE, C);
    permute_forward(&r.permutation, whole, used(&r, rows), C);
    grouped_backward_weight(&r.in, used(&r, rows), used(&r, *dinner), d[EXPERTS_IN_WEIGHT]);
    tensor_free(&rows);
    linear_backward_weight(whole, *dlogits, d[ROUTER_WEIGHT], none, n, C, E);
    if (shared->device)
        linear_backward_weight(whole, *shared, d[SHARED_IN_WEIGHT], none, n, C, shared->count / n);
    region_release(run->region, &whole);
    free(r.counts);
    Tensor *read[] = {input, dinner, dlogits, shared, &s->kept[EXPERTS_ROW], &s->kept[EXPERTS_COUNTS]};
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) tensor_free(read[i]);
}

const Branch branch_experts = {.tensor = TENSORS,
                               .tensors = EXPERTS_TENSORS,
                               .dropout = DROPOUT_OUT,
                               .forward = forward,
                               .backward = backward,
                               .backward_weight = backward_weight};
