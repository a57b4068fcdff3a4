/* branch_experts.c - the experts' table, and their walk. */
#include "models/layers/branch_experts.h"
#include "models/kernels/grouped.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/layers/activate.h"
#include "models/layers/expert_rows.h"
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

/* Both products over the rows here. */
static Grouped in_of(const BlockRun *run, const ExpertRows *r)
{
    return (Grouped){r->experts, r->counts, run->shape->hidden,
                     expert_inner_width(run->shape) / run->region->size};
}

static Grouped out_of(const BlockRun *run, const ExpertRows *r)
{
    return (Grouped){r->experts, r->counts, run->shape->experts.ffn / run->region->size, run->shape->hidden};
}

static Tensor like(Tensor x, MemoryCategory category, int64_t count)
{
    return tensor_new(x.device, category, x.dtype, count);
}

/* Of (n, width) x: as a factor. */
static Matrix rows_matrix(const BlockRun *run, Tensor x)
{
    int64_t n = block_rows(run);
    return matrix(x, n, x.count / n);
}

/* ---- forward ---- */

/* rows, which it takes over -> results, of `category` */
static Tensor experts_forward(const BlockRun *run, const ExpertRows *r, MemoryCategory kept,
                              MemoryCategory category, const Tensor *w, Tensor rows, BranchSaved *s)
{
    Grouped in = in_of(run, r), out = out_of(run, r);
    Tensor inner = s->kept[EXPERTS_INNER] = expert_rows_room(r, rows, kept, in.out);
    grouped_forward(&in, expert_rows_used(r, rows), w[EXPERTS_IN_WEIGHT], expert_rows_used(r, inner));
    if (r->between)
        s->kept[EXPERTS_ROWS] = rows;
    else
        tensor_free(&rows);
    Tensor outer = s->kept[EXPERTS_OUTER] = expert_rows_room(r, inner, kept, out.in);
    activate(run->shape, expert_rows_used(r, inner), expert_rows_used(r, outer), r->rows);
    Tensor results = expert_rows_room(r, inner, category, out.out);
    grouped_forward(&out, expert_rows_used(r, outer), w[EXPERTS_OUT_WEIGHT], expert_rows_used(r, results));
    return results;
}

/* part, this rank's of the sum, where there are any. */
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
    matmul(rows_matrix(run, *outer), matrix(w[SHARED_OUT_WEIGHT], out, C), 0, part);
}

static Tensor forward(const BlockRun *run, Booking booking, const Tensor *w, Tensor input, BranchSaved *s)
{
    const Region *region = run->region;
    MemoryCategory kept = booking.kept;
    Tensor whole = region_enter(region, input, run->B);
    routing_forward(run, kept, whole, w[ROUTER_WEIGHT], routing_of(s));
    ExpertRows r = expert_rows_new(run, kept, s);
    RowsMoving moving = dispatch_begin(run, &r, kept, whole);
    Tensor y = like(input, booking.output, input.count), part = region_result(region, y);
    shared_forward(run, kept, w, whole, s, part);
    Tensor rows = dispatch_end(run, &r, kept, whole, &moving);
    region_release(region, &whole);
    Tensor results =
        experts_forward(run, &r, kept, expert_rows_return(run, &r) ? MEM_WORKSPACE : kept, w, rows, s);
    s->kept[EXPERTS_RESULTS] =
        combine(run, &r, kept, results, s->kept[EXPERTS_GATES], run->shape->experts.shared ? 1 : 0, part);
    expert_rows_free(&r);
    region_leave(region, part, y, run->B);
    region_release(region, &part);
    return y;
}

/* ---- backward ---- */

/* Of the gradient of results, which it keeps, that of rows, which it returns. */
static Tensor experts_backward(const BlockRun *run, const ExpertRows *r, const Tensor *w, Tensor dresults,
                               BranchSaved *s)
{
    Grouped in = in_of(run, r), out = out_of(run, r);
    Tensor *inner = &s->kept[EXPERTS_INNER];
    s->kept[EXPERTS_RESULTS] = dresults;
    Tensor douter = expert_rows_room(r, dresults, MEM_WORKSPACE, out.in);
    grouped_backward_input(&out, expert_rows_used(r, dresults), w[EXPERTS_OUT_WEIGHT],
                           expert_rows_used(r, douter));
    Tensor dinner = s->kept[EXPERTS_DINNER] = expert_rows_room(r, dresults, MEM_WORKSPACE, in.out);
    activate_backward(run->shape, expert_rows_used(r, *inner), expert_rows_used(r, douter),
                      expert_rows_used(r, dinner), r->rows);
    tensor_free(&douter);
    tensor_free(inner);
    Tensor drows = expert_rows_room(r, dresults, MEM_WORKSPACE, in.in);
    grouped_backward_input(&in, expert_rows_used(r, dinner), w[EXPERTS_IN_WEIGHT],
                           expert_rows_used(r, drows));
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
static void out_backward_weight(const BlockRun *run, const ExpertRows *r, const Tensor *d, Tensor dy,
                                BranchSaved *s)
{
    Grouped out = out_of(run, r);
    Tensor *outer = &s->kept[EXPERTS_OUTER], *results = &s->kept[EXPERTS_RESULTS],
           *shared = &s->kept[SHARED_OUTER];
    grouped_backward_weight(&out, expert_rows_used(r, *outer), expert_rows_used(r, *results),
                            d[EXPERTS_OUT_WEIGHT]);
    if (run->shape->experts.shared)
        matmul(transposed(rows_matrix(run, *shared)), rows_matrix(run, dy), 1, d[SHARED_OUT_WEIGHT]);
    tensor_free(outer);
    tensor_free(results);
    tensor_free(shared);
}

/* Added to the gradient of whole, this rank's part of the sum. */
static void input_backward(const BlockRun *run, const Tensor *w, BranchSaved *s, Tensor dwhole)
{
    int64_t C = run->shape->hidden;
    Tensor dlogits = s->kept[EXPERTS_DLOGITS], shared = s->kept[SHARED_DINNER];
    matmul(rows_matrix(run, dlogits), transposed(matrix(w[ROUTER_WEIGHT], C, run->shape->experts.count)), 1,
           dwhole);
    if (!shared.device) return;
    Matrix dinner = rows_matrix(run, shared);
    matmul(dinner, transposed(matrix(w[SHARED_IN_WEIGHT], C, dinner.columns)), 1, dwhole);
}

static Tensor backward(const BlockRun *run, const Tensor *w, const Tensor *d, Tensor dresult, BranchSaved *s)
{
    const Region *region = run->region;
    ExpertRows r = expert_rows_again(run, s);
    Tensor input = *branch_input(run, s), dy = region_leave_backward(region, dresult, run->B);
    Tensor gates = s->kept[EXPERTS_GATES], dgates = tensor_new(dy.device, MEM_WORKSPACE, REAL, gates.count);
    RowsMoving moving = combine_backward_begin(run, &r, dy, s->kept[EXPERTS_RESULTS], gates, dgates);
    shared_backward(run, w, dy, s);
    Tensor drows = experts_backward(run, &r, w, combine_backward_end(run, &r, &moving), s);
    moving = dispatch_backward_begin(run, &r, drows);
    routing_backward(run, dgates, routing_of(s));
    tensor_free(&dgates);
    if (d) out_backward_weight(run, &r, d, dy, s);
    region_release(region, &dy);
    Tensor dx = like(input, MEM_WORKSPACE, input.count), dwhole = region_result(region, dx);
    dispatch_backward_end(run, &r, &moving, dwhole);
    input_backward(run, w, s, dwhole);
    expert_rows_free(&r);
    region_enter_backward(region, dwhole, dx, run->B);
    region_release(region, &dwhole);
    return dx;
}

/* Of the second layers, where backward has not seen to it. dy's whole is what the shared experts' want. */
static void out_backward_later(const BlockRun *run, const ExpertRows *r, const Tensor *d, BranchSaved *s)
{
    bool shared = run->shape->experts.shared > 0;
    if (!s->dresult.device) return;
    Tensor dy = shared ? region_leave_backward(run->region, s->dresult, run->B) : s->dresult;
    out_backward_weight(run, r, d, dy, s);
    if (shared) region_release(run->region, &dy);
    tensor_free(&s->dresult);
}

/* Of the first layers: of rows that are here still, or are put together once more. */
static void in_backward_weight(const BlockRun *run, const ExpertRows *r, const Tensor *d, Tensor whole,
                               BranchSaved *s)
{
    Grouped in = in_of(run, r);
    Tensor rows = s->kept[EXPERTS_ROWS];
    RowsMoving nothing = {.moving = NULL};
    if (!r->between) rows = dispatch_end(run, r, MEM_WORKSPACE, whole, &nothing);
    grouped_backward_weight(&in, expert_rows_used(r, rows), expert_rows_used(r, s->kept[EXPERTS_DINNER]),
                            d[EXPERTS_IN_WEIGHT]);
    tensor_free(&rows);
    s->kept[EXPERTS_ROWS] = (Tensor){0};
}

static void backward_weight(const BlockRun *run, const Tensor *d, BranchSaved *s)
{
    int64_t n = block_rows(run), C = run->shape->hidden, E = run->shape->experts.count;
    ExpertRows r = expert_rows_again(run, s);
    Tensor *input = branch_input(run, s), *dlogits = &s->kept[EXPERTS_DLOGITS],
           *shared = &s->kept[SHARED_DINNER], none = {0};
    out_backward_later(run, &r, d, s);
    Tensor whole = region_enter(run->region, *input, run->B);
    in_backward_weight(run, &r, d, whole, s);
    linear_backward_weight(whole, *dlogits, d[ROUTER_WEIGHT], none, n, C, E);
    if (shared->device)
        linear_backward_weight(whole, *shared, d[SHARED_IN_WEIGHT], none, n, C, shared->count / n);
    region_release(run->region, &whole);
    expert_rows_free(&r);
    Tensor *read[] = {input,
                      dlogits,
                      shared,
                      &s->kept[EXPERTS_DINNER],
                      &s->kept[EXPERTS_ROW],
                      &s->kept[EXPERTS_COUNTS],
                      &s->kept[EXPERTS_PLACES],
                      &s->kept[EXPERTS_ALL_GATES]};
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) tensor_free(read[i]);
}

const Branch branch_experts = {.tensor = TENSORS,
                               .tensors = EXPERTS_TENSORS,
                               .dropout = DROPOUT_OUT,
                               .forward = forward,
                               .backward = backward,
                               .backward_weight = backward_weight};
