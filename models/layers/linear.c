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
static Tensor multiply_arriving(const BlockRun *run, Tensor local, int64_t n, Matrix W, Tensor y, Tensor wide)
{
    const Region *r = run->region;
    Pieces pieces = region_pieces(r, run->shape->sequence);
    Crossing c = region_gather_begin(r, local, run->B, pieces);
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

/* ---- into the region ---- */

Tensor column_forward(const BlockRun *run, BranchSizes z, Tensor input, const Tensor *w,
                      MemoryCategory category)
{
    Tensor inner, whole;
    if (pipelined(run)) {
        inner = tensor_new(input.device, category, input.dtype, z.n * z.in);
        Tensor wide = wide_for(inner); /* rounded once, with the bias in it */
        whole = multiply_arriving(run, input, z.n, matrix(w[0], z.C, z.in), inner, wide);
        bias_open(inner, w[1], z.n, z.in, wide);
        wide_store(&wide, inner);
    } else {
        whole = region_enter(run->region, input, run->B);
        inner = tensor_new(input.device, category, input.dtype, z.n * z.in);
        linear_forward(whole, w[0], w[1], inner, z.n, z.C, z.in);
    }
    region_release(run->region, &whole);
    return inner;
}

void column_backward_input(const BlockRun *run, BranchSizes z, Tensor dinner, Tensor W, Tensor dinput)
{
    Tensor dwhole = region_result(run->region, dinput);
    linear_backward_input(dinner, W, dwhole, z.n, z.C, z.in);
    region_enter_backward(run->region, dwhole, dinput, run->B);
    region_release(run->region, &dwhole);
}

void column_backward_weight(const BlockRun *run, BranchSizes z, Tensor *input, Tensor *dinner,
                            const Tensor *d)
{
    Tensor whole = region_enter(run->region, *input, run->B);
    linear_backward_weight(whole, *dinner, d[0], d[1], z.n, z.C, z.in);
    region_release(run->region, &whole);
    tensor_free(dinner);
    tensor_free(input);
}

void column_backward(const BlockRun *run, BranchSizes z, Tensor *input, Tensor *dinner, Tensor W,
                     const Tensor *d, Tensor dinput)
{
    const Region *r = run->region;
    Crossing in = region_gather_begin(r, *input, run->B, ONE_PIECE);
    Tensor dwhole = region_result(r, dinput);
    linear_backward_input(*dinner, W, dwhole, z.n, z.C, z.in);
    Tensor whole = region_gather_end(r, &in);
    Crossing out = region_sum_open(dwhole, dinput, run->B, ONE_PIECE);
    region_sum_piece_begin(r, &out, 0);
    linear_backward_weight(whole, *dinner, d[0], d[1], z.n, z.C, z.in);
    region_release(r, &whole);
    tensor_free(dinner);
    tensor_free(input);
    region_sum_end(r, &out);
    region_release(r, &dwhole);
}

/* ---- out of it ---- */

void row_forward(const BlockRun *run, BranchSizes z, Tensor outer, Tensor W, Tensor result)
{
    const Region *r = run->region;
    Tensor part = region_result(r, result);
    Matrix x = matrix(outer, z.n, z.out), w = matrix(W, z.out, z.C);
    if (pipelined(run)) {
        multiply_leaving(run, x, w, part, result);
    } else {
        matmul(x, w, 0, part);
        region_leave(r, part, result, run->B);
    }
    region_release(r, &part);
}

void row_backward(const BlockRun *run, BranchSizes z, Tensor dresult, Tensor outer, const Tensor *W,
                  Tensor douter, const Tensor *d)
{
    Tensor whole;
    if (W && pipelined(run)) {
        Tensor wide = wide_for(douter);
        whole = multiply_arriving(run, dresult, z.n, transposed(matrix(*W, z.out, z.C)), douter, wide);
        wide_store(&wide, douter);
    } else {
        whole = region_leave_backward(run->region, dresult, run->B);
        if (W) linear_backward_input(whole, *W, douter, z.n, z.out, z.C);
    }
    if (d) {
        matmul(transposed(matrix(outer, z.n, z.out)), matrix(whole, z.n, z.C), 1, d[0]);
        bias_backward(dresult, d[1], dresult.count / z.C, z.C);
    }
    region_release(run->region, &whole);
}
