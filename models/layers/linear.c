/* linear.c - products, and borders of a region crossed beside them. */
#include "models/layers/linear.h"
#include "models/kernels/kernels.h"
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"

/* ---- by pieces ---- */

/* Rows of a whole (B, T, C): of each rank's those of a piece; or of others' alone. */
static RowBlocks rows_of_piece(const BlockRun *run, Pieces pieces, int piece, bool others)
{
    const Region *r = run->region;
    int64_t first = piece_first(pieces, piece), end = piece_first(pieces, piece + 1);
    return (RowBlocks){first, end - first, pieces.rows, run->B * r->size, others ? r->size : 0, r->rank};
}

static RowBlocks rows_of_own(const BlockRun *run, Pieces pieces)
{
    const Region *r = run->region;
    return (RowBlocks){r->rank * pieces.rows, pieces.rows, r->size * pieces.rows, run->B, 0, 0};
}

static bool pipelined(const BlockRun *run)
{
    const Region *r = run->region;
    return r->overlap == REGION_PIPELINED && r->sequence && r->size > 1;
}

/* y = gathered(local) W, with y open: the own rows, then those of each piece that has arrived. Returns the gathered. */
static Tensor multiply_arriving(const BlockRun *run, Tensor local, Matrix W, Tensor y, Tensor wide)
{
    const Region *r = run->region;
    Pieces pieces = region_pieces(r, run->shape->sequence);
    Crossing c = region_gather_begin(r, local, run->B, pieces);
    int64_t n = block_rows(run);
    Matrix x = matrix(c.whole, n, c.whole.count / n);
    matmul_rows_open(x, W, rows_of_own(run, pieces), y, wide);
    for (int j = 0; j < pieces.count; j++) {
        region_gather_piece_end(r, &c, j);
        matmul_rows_open(x, W, rows_of_piece(run, pieces, j, true), y, wide);
    }
    return region_gather_end(r, &c);
}

/* local = summed(x W), into whole; each piece leaves when it is multiplied. */
static void multiply_leaving(const BlockRun *run, Matrix x, Matrix W, Tensor whole, Tensor local)
{
    const Region *r = run->region;
    Pieces pieces = region_pieces(r, run->shape->sequence);
    Crossing c = region_sum_open(whole, local, run->B, pieces);
    for (int j = 0; j < pieces.count; j++) {
        matmul_rows(x, W, rows_of_piece(run, pieces, j, false), whole);
        region_sum_piece_begin(r, &c, j);
    }
    region_sum_end(r, &c);
}

/* ---- widths ---- */

/* Of a tensor of all rows of the region; and of one of a rank's rows outside it. */
static int64_t width_inside(const BlockRun *run, Tensor t)
{
    return t.count / block_rows(run);
}

static int64_t width_outside(const BlockRun *run, Tensor t)
{
    return t.count / (run->B * region_rows(run->region, run->shape->sequence));
}

/* ---- into the region ---- */

Tensor column_forward(const BlockRun *run, Tensor x, const Tensor *w, MemoryCategory category)
{
    int64_t n = block_rows(run), in = width_outside(run, x), out = w[0].count / in;
    Tensor y, whole;
    if (pipelined(run)) {
        y = tensor_new(x.device, category, x.dtype, n * out);
        Tensor wide = wide_for(y); /* rounded once, with the bias in it */
        whole = multiply_arriving(run, x, matrix(w[0], in, out), y, wide);
        bias_open(y, w[1], n, out, wide);
        wide_store(&wide, y);
    } else {
        whole = region_enter(run->region, x, run->B);
        y = tensor_new(x.device, category, x.dtype, n * out);
        linear_forward(whole, w[0], w[1], y, n, in, out);
    }
    region_release(run->region, &whole);
    return y;
}

/* dwhole, this rank's part of what leaves as dx. */
static void input_backward(const BlockRun *run, Tensor dy, Tensor W, Tensor dwhole)
{
    int64_t out = width_inside(run, dy);
    linear_backward_input(dy, W, dwhole, block_rows(run), W.count / out, out);
}

/* Frees both. */
static void weight_backward(const BlockRun *run, Tensor whole, Tensor *x, Tensor *dy, const Tensor *d)
{
    linear_backward_weight(whole, *dy, d[0], d[1], block_rows(run), width_inside(run, whole),
                           width_inside(run, *dy));
    region_release(run->region, &whole);
    tensor_free(dy);
    tensor_free(x);
}

static void column_backward_beside(const BlockRun *run, Tensor *x, Tensor *dy, Tensor W, const Tensor *d,
                                   Tensor dx)
{
    const Region *r = run->region;
    Crossing in = region_gather_begin(r, *x, run->B, ONE_PIECE);
    Tensor dwhole = region_result(r, dx);
    input_backward(run, *dy, W, dwhole);
    Tensor whole = region_gather_end(r, &in);
    Crossing out = region_sum_open(dwhole, dx, run->B, ONE_PIECE);
    region_sum_piece_begin(r, &out, 0);
    weight_backward(run, whole, x, dy, d);
    region_sum_end(r, &out);
    region_release(r, &dwhole);
}

Tensor column_backward(const BlockRun *run, Tensor *x, Tensor *dy, Tensor W, const Tensor *d)
{
    const Region *r = run->region;
    Tensor dx = tensor_new(x->device, MEM_WORKSPACE, x->dtype, x->count);
    if (d && r->overlap != REGION_WAITS) {
        column_backward_beside(run, x, dy, W, d, dx);
        return dx;
    }
    Tensor dwhole = region_result(r, dx);
    input_backward(run, *dy, W, dwhole);
    region_enter_backward(r, dwhole, dx, run->B);
    region_release(r, &dwhole);
    return dx;
}

void column_backward_weight(const BlockRun *run, Tensor *x, Tensor *dy, const Tensor *d)
{
    if (!dy->device) return;
    weight_backward(run, region_enter(run->region, *x, run->B), x, dy, d);
}

/* ---- out of it ---- */

Tensor row_forward(const BlockRun *run, Tensor x, const Tensor *w, MemoryCategory category)
{
    const Region *r = run->region;
    int64_t n = block_rows(run), in = width_inside(run, x), out = w[0].count / in;
    Matrix rows = matrix(x, n, in), W = matrix(w[0], in, out);
    int64_t outside = run->B * region_rows(r, run->shape->sequence);
    Tensor y = tensor_new(x.device, category, x.dtype, outside * out), part = region_result(r, y);
    if (pipelined(run)) {
        multiply_leaving(run, rows, W, part, y);
    } else {
        matmul(rows, W, 0, part);
        region_leave(r, part, y, run->B);
    }
    region_release(r, &part);
    bias_forward(y, w[1], outside, out);
    return y;
}

/* whole: dy as it was gathered. */
static void row_weight_backward(const BlockRun *run, Tensor whole, Tensor dy, Tensor x, const Tensor *d)
{
    int64_t n = block_rows(run), out = width_inside(run, whole);
    matmul(transposed(matrix(x, n, width_inside(run, x))), matrix(whole, n, out), 1, d[0]);
    bias_backward(dy, d[1], dy.count / out, out);
}

Tensor row_backward(const BlockRun *run, Tensor dy, Tensor x, Tensor W, const Tensor *d)
{
    int64_t n = block_rows(run), in = width_inside(run, x), out = W.count / in;
    Tensor dx = tensor_new(x.device, MEM_WORKSPACE, x.dtype, x.count), whole;
    if (pipelined(run)) {
        Tensor wide = wide_for(dx);
        whole = multiply_arriving(run, dy, transposed(matrix(W, in, out)), dx, wide);
        wide_store(&wide, dx);
    } else {
        whole = region_leave_backward(run->region, dy, run->B);
        linear_backward_input(whole, W, dx, n, in, out);
    }
    if (d) row_weight_backward(run, whole, dy, x, d);
    region_release(run->region, &whole);
    return dx;
}

void row_backward_weight(const BlockRun *run, Tensor *dy, Tensor *x, const Tensor *d)
{
    if (!x->device) return;
    Tensor whole = region_leave_backward(run->region, *dy, run->B);
    row_weight_backward(run, whole, *dy, *x, d);
    region_release(run->region, &whole);
    tensor_free(dy);
    tensor_free(x);
}
