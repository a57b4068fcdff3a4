/* matmul.c - the only file that knows cblas. */
#include "models/kernels/matmul.h"
#include <cblas.h>
#include <stdio.h>
#include "models/kernels/product.h"
#include "models/machine/tensor_values.h"

static const ProductTiles *own, *own_bf16; /* the second for two factors of it; NULL: BLAS */

void matmul_one_thread(void)
{
    openblas_set_num_threads(1);
}

void matmul_choose(MatmulChoice choice)
{
    bool ours = choice == MATMUL_OWN && sizeof(real) == sizeof(float);
    own = ours ? product_fastest(REAL, REAL) : NULL;
    own_bf16 = ours ? product_fastest(BF16, BF16) : NULL;
}

const char *matmul_chosen(void)
{
    static char text[64];
    if (own && own_bf16 != own)
        snprintf(text, sizeof text, "own, %s and %s for bf16", product_tiles_name(own),
                 product_tiles_name(own_bf16));
    else if (own)
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

static Factor factor_of(Piece p)
{
    return (Factor){p.at, p.ld, p.transposed, REAL};
}

void matmul_pieces(real alpha, Piece A, Piece B, real beta, real *C, int64_t ldc)
{
    assert(columns_of(A) == rows_of(B));
    if (own)
        product(own, &(Product){.m = rows_of(A),
                                .n = columns_of(B),
                                .k = columns_of(A),
                                .A = factor_of(A),
                                .B = factor_of(B),
                                .alpha = (float)alpha,
                                .beta = (float)beta,
                                .C = {C, ldc, REAL}});
    else
        multiply_blas(alpha, A, B, beta, C, ldc);
}

/* ---- tensors: BLAS is given copies in reals of what is of 16 bits ---- */

static int64_t height(Matrix m)
{
    return m.transposed ? m.columns : m.rows;
}

static int64_t width(Matrix m)
{
    return m.transposed ? m.rows : m.columns;
}

static Matrix factor_open(Matrix m)
{
    if (!own) m.values = wide_of(m.values);
    return m;
}

static void factor_close(Matrix *open, Matrix m)
{
    if (!own) wide_free(&open->values, m.values);
}

/* Of factors that are open. */
static void multiply(Matrix A, Matrix B, real beta, Tensor C)
{
    if (own) {
        bool bf16 = A.values.dtype == BF16 && B.values.dtype == BF16;
        product(bf16 ? own_bf16 : own,
                &(Product){.m = height(A),
                           .n = width(B),
                           .k = width(A),
                           .A = {A.values.data, A.columns, A.transposed, A.values.dtype},
                           .B = {B.values.data, B.columns, B.transposed, B.values.dtype},
                           .alpha = 1,
                           .beta = (float)beta,
                           .C = {C.data, width(B), C.dtype}});
        return;
    }
    Tensor wide = beta == 0 ? wide_for(C) : wide_of(C);
    multiply_blas(1, (Piece){reals(A.values), A.rows, A.columns, A.columns, A.transposed},
                  (Piece){reals(B.values), B.rows, B.columns, B.columns, B.transposed}, beta, reals(wide),
                  width(B));
    wide_store(&wide, C);
}

/* Of M rows of C. */
static Work work_of(Matrix A, Matrix B, int64_t M, real beta, Tensor C)
{
    int64_t K = width(A), N = width(B);
    Work work = {.kind = WORK_MATMUL, .adds = beta != 0, .batch = 1, .m = M, .n = N, .k = K};
    work.type = is_half(A.values.dtype) ? A.values.dtype : B.values.dtype;
    work.flops = work_products(&work);
    work.bytes = tensor_traffic(A.values, M * K) + tensor_traffic(B.values, K * N) +
                 tensor_traffic(C, beta == 0 ? M * N : 2 * M * N);
    return work;
}

/* Into `to`: C, or what it is opened in. */
static void multiply_all(Matrix A, Matrix B, real beta, Tensor C, Tensor to)
{
    if (!device_kernel(C.device, work_of(A, B, height(A), beta, C))) return;
    Matrix a = factor_open(A), b = factor_open(B);
    multiply(a, b, beta, to);
    factor_close(&a, A);
    factor_close(&b, B);
}

void matmul(Matrix A, Matrix B, real beta, Tensor C)
{
    multiply_all(A, B, beta, C, C);
}

void matmul_open(Matrix A, Matrix B, real beta, Tensor C, Tensor wide)
{
    multiply_all(A, B, beta, C, wide);
}

int64_t row_blocks_count(const RowBlocks *r)
{
    int64_t without = r->of > 0 ? r->blocks / r->of : 0;
    return (r->blocks - without) * r->rows;
}

static void multiply_rows(Matrix A, Matrix B, RowBlocks rows, Tensor C, Tensor to)
{
    int64_t K = A.columns, N = width(B);
    assert(!A.transposed && (rows.of == 0 || rows.blocks % rows.of == 0));
    if (!device_kernel(C.device, work_of(A, B, row_blocks_count(&rows), 0, C))) return;
    Matrix b = factor_open(B);
    for (int64_t i = 0; i < rows.blocks; i++) {
        int64_t first = rows.first + i * rows.apart;
        if (rows.of > 0 && i % rows.of == rows.out) continue;
        Matrix some = matrix(tensor_view(A.values, first * K, rows.rows * K), rows.rows, K),
               a = factor_open(some);
        multiply(a, b, 0, tensor_view(to, first * N, rows.rows * N));
        factor_close(&a, some);
    }
    factor_close(&b, B);
}

void matmul_rows(Matrix A, Matrix B, RowBlocks rows, Tensor C)
{
    multiply_rows(A, B, rows, C, C);
}

void matmul_rows_open(Matrix A, Matrix B, RowBlocks rows, Tensor C, Tensor wide)
{
    multiply_rows(A, B, rows, C, wide);
}
