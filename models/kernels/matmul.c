/* matmul.c - the only file that knows cblas. */
#include "models/kernels/matmul.h"
#include <cblas.h>
#include <stdio.h>
#include "models/kernels/product.h"
#include "models/machine/tensor_values.h"

static const ProductTiles *own; /* NULL: BLAS */

void matmul_one_thread(void)
{
    openblas_set_num_threads(1);
}

void matmul_choose(MatmulChoice choice)
{
    const ProductTiles *tiles[PRODUCT_TILES];
    product_tiles(tiles);
    own = choice == MATMUL_OWN && sizeof(real) == sizeof(float) ? tiles[0] : NULL;
}

const char *matmul_chosen(void)
{
    static char text[64];
    if (own)
        snprintf(text, sizeof text, "own, %s", product_tiles_name(own));
    else
        snprintf(text, sizeof text, "OpenBLAS, %s", openblas_get_corename());
    return text;
}

static int64_t rows_of(Piece p)
{
    return p.transposed ? p.columns : p.rows;
}

static int64_t columns_of(Piece p)
{
    return p.transposed ? p.rows : p.columns;
}

static void multiply_blas(real alpha, Piece A, Piece B, real beta, real *C, int64_t ldc)
{
#ifdef SIM_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif
    GEMM(CblasRowMajor, A.transposed ? CblasTrans : CblasNoTrans, B.transposed ? CblasTrans : CblasNoTrans,
         (blasint)rows_of(A), (blasint)columns_of(B), (blasint)columns_of(A), alpha, A.at, (blasint)A.ld,
         B.at, (blasint)B.ld, beta, C, (blasint)ldc);
}

void matmul_pieces(real alpha, Piece A, Piece B, real beta, real *C, int64_t ldc)
{
    assert(columns_of(A) == rows_of(B));
#ifndef SIM_DOUBLE
    const Product p = {.m = rows_of(A),
                       .n = columns_of(B),
                       .k = columns_of(A),
                       .A = {A.at, A.ld, A.transposed},
                       .B = {B.at, B.ld, B.transposed},
                       .alpha = alpha,
                       .beta = beta,
                       .C = C,
                       .ldc = ldc};
    if (own) {
        product(own, &p);
        return;
    }
#endif
    multiply_blas(alpha, A, B, beta, C, ldc);
}

static Piece whole(Matrix m, Tensor wide)
{
    return (Piece){reals(wide), m.rows, m.columns, m.columns, m.transposed};
}

/* Of M rows of C. */
static Work work_of(Matrix A, Matrix B, int64_t M, real beta, Tensor C)
{
    int64_t K = A.transposed ? A.rows : A.columns, N = B.transposed ? B.rows : B.columns;
    Work work = {.kind = WORK_MATMUL, .adds = beta != 0, .batch = 1, .m = M, .n = N, .k = K};
    work.type = is_half(A.values.dtype) ? A.values.dtype : B.values.dtype;
    work.flops = work_products(&work);
    work.bytes = tensor_traffic(A.values, M * K) + tensor_traffic(B.values, K * N) +
                 tensor_traffic(C, beta == 0 ? M * N : 2 * M * N);
    return work;
}

void matmul_open(Matrix A, Matrix B, real beta, Tensor C, Tensor wide)
{
    int64_t M = A.transposed ? A.columns : A.rows, N = B.transposed ? B.rows : B.columns;
    Tensor wide_a = wide_of(A.values), wide_b = wide_of(B.values);
    if (device_kernel(C.device, work_of(A, B, M, beta, C)))
        matmul_pieces(1, whole(A, wide_a), whole(B, wide_b), beta, reals(wide), N);
    wide_free(&wide_a, A.values);
    wide_free(&wide_b, B.values);
}

void matmul(Matrix A, Matrix B, real beta, Tensor C)
{
    Tensor wide = beta == 0 ? wide_for(C) : wide_of(C);
    matmul_open(A, B, beta, C, wide);
    wide_store(&wide, C);
}

int64_t row_blocks_count(const RowBlocks *r)
{
    int64_t without = r->of > 0 ? r->blocks / r->of : 0;
    return (r->blocks - without) * r->rows;
}

/* wide: of C, open; NULL: it is not, and each block of rows is rounded into it. */
static void multiply_rows(Matrix A, Matrix B, RowBlocks rows, Tensor C, const Tensor *wide)
{
    int64_t K = A.columns, N = B.transposed ? B.rows : B.columns;
    assert(!A.transposed && (rows.of == 0 || rows.blocks % rows.of == 0));
    if (!device_kernel(C.device, work_of(A, B, row_blocks_count(&rows), 0, C))) return;
    Tensor wide_b = wide_of(B.values);
    for (int64_t i = 0; i < rows.blocks; i++) {
        int64_t first = rows.first + i * rows.apart;
        if (rows.of > 0 && i % rows.of == rows.out) continue;
        Tensor a = tensor_view(A.values, first * K, rows.rows * K), wide_a = wide_of(a);
        Tensor c = tensor_view(wide ? *wide : C, first * N, rows.rows * N), wide_c = wide_for(c);
        matmul_pieces(1, piece(reals(wide_a), rows.rows, K, K), whole(B, wide_b), 0, reals(wide_c), N);
        wide_free(&wide_a, a);
        wide_store(&wide_c, c);
    }
    wide_free(&wide_b, B.values);
}

void matmul_rows(Matrix A, Matrix B, RowBlocks rows, Tensor C)
{
    multiply_rows(A, B, rows, C, NULL);
}

void matmul_rows_open(Matrix A, Matrix B, RowBlocks rows, Tensor C, Tensor wide)
{
    multiply_rows(A, B, rows, C, &wide);
}
