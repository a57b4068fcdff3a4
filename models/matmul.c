/* matmul.c - the only file that knows cblas. */
#include "models/matmul.h"
#include <cblas.h>

void matmul_one_thread(void)
{
    openblas_set_num_threads(1);
}

void matmul_strided(bool ta, bool tb, int64_t M, int64_t N, int64_t K, real alpha, const real *A, int64_t lda,
                    const real *B, int64_t ldb, real beta, real *C, int64_t ldc)
{
    CBLAS_TRANSPOSE a = ta ? CblasTrans : CblasNoTrans, b = tb ? CblasTrans : CblasNoTrans;
#ifdef SIM_DOUBLE
    cblas_dgemm(CblasRowMajor, a, b, (blasint)M, (blasint)N, (blasint)K, alpha, A, (blasint)lda, B,
                (blasint)ldb, beta, C, (blasint)ldc);
#else
    cblas_sgemm(CblasRowMajor, a, b, (blasint)M, (blasint)N, (blasint)K, alpha, A, (blasint)lda, B,
                (blasint)ldb, beta, C, (blasint)ldc);
#endif
}

void matmul(bool ta, bool tb, int64_t M, int64_t N, int64_t K, Tensor A, Tensor B, real beta, Tensor C)
{
    double bytes =
        (double)sizeof(real) * ((double)M * (double)K + (double)K * (double)N + (double)M * (double)N);
    if (!device_kernel(C.device, 2.0 * (double)M * (double)N * (double)K, bytes)) return;
    matmul_strided(ta, tb, M, N, K, 1, reals(A), ta ? M : K, reals(B), tb ? K : N, beta, reals(C), N);
}
