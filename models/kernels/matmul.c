/* matmul.c - the only file that knows cblas. */
#include "models/kernels/matmul.h"
#include <cblas.h>
#include <stdio.h>
#include "models/kernels/openblas.h"
#include "models/kernels/product.h"
#include "models/machine/team.h"
#include "models/machine/tensor_values.h"

/* Of two factors in reals, of two of bf16, and of any others, or a causal one. NULL: BLAS. */
static const ProductTiles *own, *own_bf16, *own_other;

void matmul_one_thread(void)
{
    openblas_set_num_threads(1);
}

/* Ours are level with OpenBLAS's of AVX-512, and add a bias as they store; of narrower instructions they are a little
 * behind. */
static bool own_by_auto(const ProductTiles *fastest)
{
    enum { AVX512 = 16 };
    int lanes = product_lanes(fastest);
    return lanes >= AVX512 || openblas_lanes(openblas_get_corename()) < lanes;
}

void matmul_choose(MatmulChoice choice)
{
    const ProductTiles *fastest = product_fastest(REAL, REAL);
    bool any = choice != MATMUL_BLAS && sizeof(real) == sizeof(float),
         all = choice == MATMUL_OWN || own_by_auto(fastest);
    own = any && all ? fastest : NULL;
    own_other = any ? fastest : NULL;
    own_bf16 = any ? product_fastest(BF16, BF16) : NULL;
}

/* NULL: by BLAS. */
static const ProductTiles *tiles_for(DType A, DType B)
{
    if (A == BF16 && B == BF16) return own_bf16;
    return is_half(A) || is_half(B) ? own_other : own;
}

const char *matmul_chosen(void)
{
    static char text[128];
    int said = own ? 0 : snprintf(text, sizeof text, "OpenBLAS, %s", openblas_get_corename());
    if (own_other)
        said += snprintf(text + said, sizeof text - (size_t)said, "%sown, %s",
                         own ? "" : "; causal and of 16 bits ", product_tiles_name(own_other));
    if (own_bf16 != own_other)
        snprintf(text + said, sizeof text - (size_t)said, " and %s for bf16", product_tiles_name(own_bf16));
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

/* Rows r0..r1-1 and columns c0..c1-1 of op(p). */
static Piece part_of(Piece p, int64_t r0, int64_t r1, int64_t c0, int64_t c1)
{
    const char *at = p.at;
    int64_t first = p.transposed ? c0 * p.ld + r0 : r0 * p.ld + c0;
    p.at = at + first * (int64_t)dtype_bytes(p.type);
    p.rows = p.transposed ? c1 - c0 : r1 - r0;
    p.columns = p.transposed ? r1 - r0 : c1 - c0;
    return p;
}

/* C = alpha op(A) op(B) + beta C. */
typedef struct BlasProduct {
    real alpha, beta;
    Piece A, B;
    real *C;
    int64_t ldc;
    bool columns; /* of C are divided among threads, or its rows */
} BlasProduct;

static void call_blas(void *context, int64_t first, int64_t end)
{
    const BlasProduct *p = context;
    int64_t k = columns_of(p->A);
    Piece A = p->columns ? p->A : part_of(p->A, first, end, 0, k),
          B = p->columns ? part_of(p->B, 0, k, first, end) : p->B;
#ifdef SIM_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif
    GEMM(CblasRowMajor, A.transposed ? CblasTrans : CblasNoTrans, B.transposed ? CblasTrans : CblasNoTrans,
         (blasint)rows_of(A), (blasint)columns_of(B), (blasint)k, p->alpha, A.at, (blasint)A.ld, B.at,
         (blasint)B.ld, p->beta, p->C + (p->columns ? first : first * p->ldc), (blasint)p->ldc);
}

/* Divided where own ones are (product.c), in whole tiles of any of its kernels. */
static void multiply_blas(real alpha, Piece A, Piece B, real beta, real *C, int64_t ldc)
{
    enum { SIDE = 64 };
    assert(A.type == REAL && B.type == REAL);
    int64_t m = rows_of(A), n = columns_of(B), each = (m < n ? m : n) * columns_of(A) + 1;
    BlasProduct p = {alpha, beta, A, B, C, ldc, .columns = n > m};
    team_divide(p.columns ? n : m, (PRODUCT_SHARE / each / SIDE + 1) * SIDE, call_blas, &p);
}

static Factor factor_of(Piece p)
{
    return (Factor){p.at, p.ld, p.transposed, p.type};
}

bool matmul_takes(DType type)
{
    return !is_half(type) || own_other;
}

/* BLAS knows no causal factor: a few rows of C at a time, with what any of them needs. */
static void multiply_causal_blas(real alpha, Piece A, Piece B, real beta, real *C, int64_t ldc, Causal causal)
{
    enum { ROWS = 64 };
    int64_t m = rows_of(A), n = columns_of(B), k = columns_of(A);
    for (int64_t i = 0; i < m; i += ROWS) {
        int64_t end = i + ROWS < m ? i + ROWS : m, seen = end + causal.first, k0 = 0, k1 = k, columns = n;
        if (causal.part == CAUSAL_C && seen < n) columns = seen;
        if (causal.part == CAUSAL_A && seen < k) k1 = seen;
        if (causal.part == CAUSAL_A_TRANSPOSED && i > causal.first) k0 = i - causal.first;
        if (k0 > k) k0 = k;
        multiply_blas(alpha, part_of(A, i, end, k0, k1), part_of(B, k0, k1, 0, columns), beta, C + i * ldc,
                      ldc);
    }
}

void matmul_causal(real alpha, Piece A, Piece B, real beta, real *C, int64_t ldc, Causal causal)
{
    assert(columns_of(A) == rows_of(B));
    const ProductTiles *tiles = A.type == BF16 && B.type == BF16 ? own_bf16 : own_other;
    if (tiles)
        product(tiles, &(Product){.m = rows_of(A),
                                  .n = columns_of(B),
                                  .k = columns_of(A),
                                  .A = factor_of(A),
                                  .B = factor_of(B),
                                  .alpha = (float)alpha,
                                  .beta = (float)beta,
                                  .C = {C, ldc, REAL},
                                  .causal = causal});
    else
        multiply_causal_blas(alpha, A, B, beta, C, ldc, causal);
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

/* Without what lies between its rows, which may be as much again. */
static Matrix rows_widened(Matrix m)
{
    Tensor wide = wide_for(tensor_view(m.values, 0, m.rows * m.columns));
    for (int64_t i = 0; i < m.rows; i++)
        tensor_read(m.values, i * m.ld, m.columns, reals(wide) + i * m.columns);
    return matrix(wide, m.rows, m.columns);
}

static Matrix factor_open(const ProductTiles *tiles, Matrix m)
{
    bool turned = m.transposed;
    if (tiles) return m;
    if (is_half(m.values.dtype) && m.ld > m.columns)
        m = rows_widened(m);
    else
        m.values = wide_of(m.values);
    m.transposed = turned;
    return m;
}

static void factor_close(const ProductTiles *tiles, Matrix *open, Matrix m)
{
    if (!tiles) wide_free(&open->values, m.values);
}

/* Of factors that are open. */
static void multiply(const ProductTiles *tiles, Matrix A, Matrix B, real beta, Tensor bias, Tensor C)
{
    if (tiles) {
        product(tiles, &(Product){.m = height(A),
                                  .n = width(B),
                                  .k = width(A),
                                  .A = {A.values.data, A.ld, A.transposed, A.values.dtype},
                                  .B = {B.values.data, B.ld, B.transposed, B.values.dtype},
                                  .alpha = 1,
                                  .beta = (float)beta,
                                  .C = {C.data, width(B), C.dtype},
                                  .bias = bias.count > 0 ? bias.data : NULL,
                                  .bias_type = bias.dtype});
        return;
    }
    assert(bias.count == 0);
    Tensor wide = beta == 0 ? wide_for(C) : wide_of(C);
    multiply_blas(1, (Piece){reals(A.values), REAL, A.rows, A.columns, A.ld, A.transposed},
                  (Piece){reals(B.values), REAL, B.rows, B.columns, B.ld, B.transposed}, beta, reals(wide),
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

Work matmul_work(Matrix A, Matrix B, real beta, Tensor C)
{
    return work_of(A, B, height(A), beta, C);
}

/* Into `to`: C, or what it is opened in. */
static void multiply_all(Matrix A, Matrix B, real beta, Tensor bias, Tensor C, Tensor to)
{
    if (!device_kernel(C.device, matmul_work(A, B, beta, C))) return;
    const ProductTiles *tiles = tiles_for(A.values.dtype, B.values.dtype);
    Matrix a = factor_open(tiles, A), b = factor_open(tiles, B);
    multiply(tiles, a, b, C.blank ? 0 : beta, bias, to);
    factor_close(tiles, &a, A);
    factor_close(tiles, &b, B);
}

void matmul(Matrix A, Matrix B, real beta, Tensor C)
{
    multiply_all(A, B, beta, (Tensor){0}, C, C);
}

void matmul_open(Matrix A, Matrix B, real beta, Tensor C, Tensor wide)
{
    multiply_all(A, B, beta, (Tensor){0}, C, wide);
}

bool matmul_adds_bias(Matrix A, Matrix B)
{
    return tiles_for(A.values.dtype, B.values.dtype);
}

void matmul_biased(Matrix A, Matrix B, Tensor bias, Tensor C)
{
    multiply_all(A, B, 0, bias, C, C);
}

int64_t row_blocks_count(const RowBlocks *r)
{
    int64_t without = r->of > 0 ? r->blocks / r->of : 0;
    return (r->blocks - without) * r->rows;
}

static void multiply_rows(Matrix A, Matrix B, RowBlocks rows, Tensor C, Tensor to)
{
    int64_t K = A.columns, N = width(B);
    assert(!A.transposed && A.ld == K && (rows.of == 0 || rows.blocks % rows.of == 0));
    if (!device_kernel(C.device, work_of(A, B, row_blocks_count(&rows), 0, C))) return;
    const ProductTiles *tiles = tiles_for(A.values.dtype, B.values.dtype);
    Matrix b = factor_open(tiles, B);
    for (int64_t i = 0; i < rows.blocks; i++) {
        int64_t first = rows.first + i * rows.apart;
        if (rows.of > 0 && i % rows.of == rows.out) continue;
        Matrix some = matrix(tensor_view(A.values, first * K, rows.rows * K), rows.rows, K),
               a = factor_open(tiles, some);
        multiply(tiles, a, b, 0, (Tensor){0}, tensor_view(to, first * N, rows.rows * N));
        factor_close(tiles, &a, some);
    }
    factor_close(tiles, &b, B);
}

void matmul_rows(Matrix A, Matrix B, RowBlocks rows, Tensor C)
{
    multiply_rows(A, B, rows, C, C);
}

void matmul_rows_open(Matrix A, Matrix B, RowBlocks rows, Tensor C, Tensor wide)
{
    multiply_rows(A, B, rows, C, wide);
}
