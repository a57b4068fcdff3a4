/* matmul.c - the only file that knows cblas. */
#include "models/kernels/matmul.h"
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
    double bytes = tensor_traffic(A, M * K) + tensor_traffic(B, K * N) + tensor_traffic(C, M * N);
    Tensor wide_a = wide_of(A), wide_b = wide_of(B), wide_c = beta == 0 ? wide_for(C) : wide_of(C);
    if (device_kernel(C.device, 2.0 * (double)M * (double)N * (double)K, bytes))
        matmul_strided(ta, tb, M, N, K, 1, reals(wide_a), ta ? M : K, reals(wide_b), tb ? K : N, beta,
                       reals(wide_c), N);
    wide_free(&wide_a, A);
    wide_free(&wide_b, B);
    wide_store(&wide_c, C);
}
