/* matmul.h - the one door to BLAS. Matrices are row-major. */
#ifndef MODELS_KERNELS_MATMUL_H
#define MODELS_KERNELS_MATMUL_H
#include "models/machine/tensor.h"

/* One thread a rank: ranks are the parallelism here. Call once at start. */
void matmul_one_thread(void);

/* C (M, N) = op(A) op(B) + beta C, with op a transpose where asked:
 * A is (M, K), or (K, M) when ta; B is (K, N), or (N, K) when tb. Each may be
 * REAL, BF16 or FP16; products and sums are in reals, rounded into C once. */
void matmul(bool ta, bool tb, int64_t M, int64_t N, int64_t K, Tensor A, Tensor B, real beta, Tensor C);

/* The same on pieces of larger matrices: `lda` values from one row to the
 * next; no report to the device (the caller reports the whole of its work). */
void matmul_strided(bool ta, bool tb, int64_t M, int64_t N, int64_t K, real alpha, const real *A, int64_t lda,
                    const real *B, int64_t ldb, real beta, real *C, int64_t ldc);
#endif
