/* matmul.h - matrix products, by BLAS, to which this is the one door, or by our own (product.h). Matrices are row-major. */
#ifndef MODELS_KERNELS_MATMUL_H
#define MODELS_KERNELS_MATMUL_H
#include "models/kernels/factor.h"
#include "models/kernels/kinds.h"
#include "models/machine/real.h"
#include "models/machine/tensor.h"

/* BLAS has one thread: ranks are the parallelism here, and in a rank its team (team.h), by which products are divided. Call
 * once at start. */
void matmul_one_thread(void);

/* Whose products are taken from here on, by all ranks of this process; at first BLAS's. Ours are of no fp64, and open
 * no copies of what is of 16 bits. By MATMUL_AUTO they are taken of factors of 16 bits, of causal ones, and of all where
 * they are of AVX-512, or where the kernels that OpenBLAS has chosen are of narrower instructions. Nothing is timed, so that
 * a run has the same bits again. */
void matmul_choose(MatmulChoice choice);
/* "own, AVX2", "own, AVX-512 and AMX for bf16", "OpenBLAS, SkylakeX" or "OpenBLAS, Zen; causal and of 16 bits own,
 * AVX2": what was chosen, as whoever wants the same bits has to know. */
const char *matmul_chosen(void);

/* A factor of a product: rows and columns as they lie in memory, which the product may read transposed. */
typedef struct Matrix {
    Tensor values;             /* REAL, BF16 or FP16 */
    int64_t rows, columns, ld; /* ld: from one row to the next */
    bool transposed;
} Matrix;
static inline Matrix matrix(Tensor values, int64_t rows, int64_t columns)
{
    return (Matrix){.values = values, .rows = rows, .columns = columns, .ld = columns};
}
/* The first `columns` of rows that fill the tensor. */
static inline Matrix matrix_within(Tensor values, int64_t rows, int64_t columns)
{
    return (Matrix){
        .values = values, .rows = rows, .columns = columns, .ld = rows ? values.count / rows : columns};
}
static inline Matrix transposed(Matrix m)
{
    m.transposed = !m.transposed;
    return m;
}

/* C = A B + beta C. Products and sums are in reals, rounded into C once. What C holds is not read where beta is 0, or
 * where it is blank (tensor.h), which the report does not tell. */
void matmul(Matrix A, Matrix B, real beta, Tensor C);
Work matmul_work(Matrix A, Matrix B, real beta, Tensor C); /* and what is reported of it */

/* Whether these would be multiplied by our products, which add a row to each of C's as they store it, rounded once with
 * that in it: C = A B + bias. A bias without elements is none. */
bool matmul_adds_bias(Matrix A, Matrix B);
void matmul_biased(Matrix A, Matrix B, Tensor bias, Tensor C);

/* Without one, where C is open: into `wide`, which wide_for(C), or unless beta is 0 wide_of(C), gave. */
void matmul_open(Matrix A, Matrix B, real beta, Tensor C, Tensor wide);

/* Some rows of a matrix: `blocks` blocks of `rows` of them, the first at `first`, each `apart` after the one before;
 * but of every `of` blocks not that of number `out`. of = 0: none is left out. */
typedef struct RowBlocks {
    int64_t first, rows, apart, blocks, of, out;
} RowBlocks;
int64_t row_blocks_count(const RowBlocks *rows);
/* These rows of C = A B alone, of A (which is not read transposed) the same; and where C is open. */
void matmul_rows(Matrix A, Matrix B, RowBlocks rows, Tensor C);
void matmul_rows_open(Matrix A, Matrix B, RowBlocks rows, Tensor C, Tensor wide);

/* Whether a factor of this type is multiplied as it lies; otherwise a piece of one has to be of its values in reals. */
bool matmul_takes(DType type);

/* A piece of a larger matrix, of a type that is taken: `ld` values from one row to the next. */
typedef struct Piece {
    const void *at;
    DType type;
    int64_t rows, columns, ld;
    bool transposed;
} Piece;
static inline Piece piece(const real *at, int64_t rows, int64_t columns, int64_t ld)
{
    return (Piece){.at = at, .type = REAL, .rows = rows, .columns = columns, .ld = ld};
}
/* Of a tensor's values from `first` on. */
static inline Piece piece_lying(Tensor t, int64_t first, int64_t rows, int64_t columns, int64_t ld)
{
    const void *at = (const char *)t.data + first * (int64_t)dtype_bytes(t.dtype);
    return (Piece){.at = at, .type = t.dtype, .rows = rows, .columns = columns, .ld = ld};
}
static inline Piece piece_transposed(Piece p)
{
    p.transposed = !p.transposed;
    return p;
}
/* Rows first..end-1 of it, as they lie. */
static inline Piece piece_rows(Piece p, int64_t first, int64_t end)
{
    p.at = (const char *)p.at + first * p.ld * (int64_t)dtype_bytes(p.type);
    p.rows = end - first;
    return p;
}

/* C = alpha A B + beta C, of which one may be causal: with about half of the work. No report to the device (the caller
 * reports the whole of its work). */
void matmul_causal(real alpha, Piece A, Piece B, real beta, real *C, int64_t ldc, Causal causal);
#endif
