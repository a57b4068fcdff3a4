/* attention.c - causal multi-head attention over BLAS, with the score matrix kept.
 *
 * Rows are taken in blocks: the queries r0..r1-1 see the keys 0..r1-1 only, so
 * what lies right of a block's last row is never computed. Within the block
 * the triangle above the diagonal is computed and then set to zero. */
#include <string.h>
#include "models/kernels.h"
#include "models/matmul.h"
#include "models/vector.h"

enum { ROWS = 64 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* scores (rows, T) -> probabilities, row r seeing r0 + r + 1 keys */
VECTORISED static void causal_softmax(real *scores, int64_t r0, int64_t r1, int64_t T)
{
    for (int64_t r = r0; r < r1; r++) {
        real *row = scores + r * T;
        softmax_in_place(row, r + 1);
        memset(row + r + 1, 0, (size_t)(T - r - 1) * sizeof *row);
    }
}

/* dS = P * (dP - sum(dP * P)), row by row */
VECTORISED static void causal_softmax_backward(const real *probabilities, real *dscores, int64_t r0,
                                               int64_t r1, int64_t T)
{
    for (int64_t r = r0; r < r1; r++) {
        const real *p = probabilities + r * T;
        real *d = dscores + r * T;
        real dot = dot_of(p, d, r + 1);
        for (int64_t j = 0; j <= r; j++) d[j] = p[j] * (d[j] - dot);
        for (int64_t j = r + 1; j < r1; j++) d[j] = 0;
    }
}

/* two products of 2 T T hd flops a head, of which causality needs half */
static bool report(Device *device, double products, int64_t B, int64_t T, int64_t C, int64_t heads)
{
    double cells = (double)B * (double)heads * (double)T * (double)T;
    return device_kernel(device, products * (double)B * (double)T * (double)T * (double)C + 6 * cells,
                         (double)sizeof(real) * (3 * cells + 4.0 * (double)(B * T * C)));
}

/* scores = softmax(q k^T / sqrt(hd)) of the queries r0..r1-1 of one head */
static void probabilities_of(const real *q, real *P, int64_t r0, int64_t r1, int64_t T, int64_t C, int64_t hd)
{
    int64_t ld = 3 * C;
    real scale = (real)(1 / sqrt((double)hd));
    matmul_strided(false, true, r1 - r0, r1, hd, scale, q + r0 * ld, ld, q + C, ld, 0, P + r0 * T, T);
    causal_softmax(P, r0, r1, T);
}

void attention_forward(Tensor qkv, Tensor probabilities, Tensor y, int64_t B, int64_t T, int64_t C,
                       int64_t heads)
{
    if (!report(y.device, 2, B, T, C, heads)) return;
    int64_t hd = C / heads, ld = 3 * C;
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < heads; h++) {
            const real *q = reals(qkv) + b * T * ld + h * hd, *v = q + 2 * C;
            real *P = reals(probabilities) + (b * heads + h) * T * T, *out = reals(y) + b * T * C + h * hd;
            for (int64_t r0 = 0; r0 < T; r0 += ROWS) {
                int64_t r1 = least(r0 + ROWS, T);
                probabilities_of(q, P, r0, r1, T, C, hd);
                matmul_strided(false, false, r1 - r0, hd, r1, 1, P + r0 * T, T, v, ld, 0, out + r0 * C, C);
            }
        }
}

void attention_probabilities(Tensor qkv, Tensor probabilities, int64_t B, int64_t T, int64_t C, int64_t heads)
{
    if (!report(qkv.device, 1, B, T, C, heads)) return;
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t r0 = 0; r0 < T; r0 += ROWS)
                probabilities_of(reals(qkv) + b * T * 3 * C + h * (C / heads),
                                 reals(probabilities) + (b * heads + h) * T * T, r0, least(r0 + ROWS, T), T,
                                 C, C / heads);
}

void attention_backward(Tensor dy, Tensor qkv, Tensor probabilities, Tensor dqkv, int64_t B, int64_t T,
                        int64_t C, int64_t heads)
{
    Tensor scratch = tensor_new(dqkv.device, MEM_WORKSPACE, REAL, T * T);
    int64_t hd = C / heads, ld = 3 * C;
    real scale = (real)(1 / sqrt((double)hd));
    bool compute = report(dqkv.device, 4, B, T, C, heads);
    for (int64_t b = 0; compute && b < B; b++)
        for (int64_t h = 0; h < heads; h++) {
            int64_t at = b * T * ld + h * hd;
            const real *q = reals(qkv) + at, *k = q + C, *v = k + C;
            real *dq = reals(dqkv) + at, *dk = dq + C, *dv = dk + C, *dS = reals(scratch);
            const real *P = reals(probabilities) + (b * heads + h) * T * T;
            const real *dout = reals(dy) + b * T * C + h * hd;
            /* from the last block up: it reaches every key, so it may write dk and dv; the others add */
            for (int64_t r0 = (T - 1) / ROWS * ROWS; r0 >= 0; r0 -= ROWS) {
                int64_t r1 = least(r0 + ROWS, T), n = r1 - r0;
                real beta = r1 == T ? 0 : 1;
                matmul_strided(true, false, r1, hd, n, 1, P + r0 * T, T, dout + r0 * C, C, beta, dv, ld);
                matmul_strided(false, true, n, r1, hd, 1, dout + r0 * C, C, v, ld, 0, dS + r0 * T, T);
                causal_softmax_backward(P, dS, r0, r1, T);
                matmul_strided(false, false, n, hd, r1, scale, dS + r0 * T, T, k, ld, 0, dq + r0 * ld, ld);
                matmul_strided(true, false, r1, hd, n, scale, dS + r0 * T, T, q + r0 * ld, ld, beta, dk, ld);
            }
        }
    tensor_free(&scratch);
}
