/* kernels.c - linear, LayerNorm, GELU, embedding. */
#include "models/kernels.h"
#include <string.h>
#include "models/matmul.h"
#include "models/vector.h"

static const real NORM_EPSILON = (real)1e-5;

/* ---- linear ---- */

VECTORISED static void add_bias(real *restrict y, const real *restrict b, int64_t n, int64_t out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < out; j++) y[i * out + j] += b[j];
}

VECTORISED static void add_columns(real *restrict db, const real *restrict dy, int64_t n, int64_t out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < out; j++) db[j] += dy[i * out + j];
}

void bias_forward(Tensor y, Tensor b, int64_t n, int64_t out)
{
    Tensor wide_y = wide_of(y), wide_b = wide_of(b);
    if (device_kernel(y.device, (double)(n * out), tensor_traffic(y, 2 * n * out) + tensor_traffic(b, out)))
        add_bias(reals(wide_y), reals(wide_b), n, out);
    wide_free(&wide_b, b);
    wide_store(&wide_y, y);
}

void bias_backward(Tensor dy, Tensor db, int64_t n, int64_t out)
{
    Tensor wide_dy = wide_of(dy), wide_db = wide_of(db);
    if (device_kernel(db.device, (double)(n * out),
                      tensor_traffic(dy, n * out) + tensor_traffic(db, 2 * out)))
        add_columns(reals(wide_db), reals(wide_dy), n, out);
    wide_free(&wide_dy, dy);
    wide_store(&wide_db, db);
}

void linear_forward(Tensor x, Tensor W, Tensor b, Tensor y, int64_t n, int64_t in, int64_t out)
{
    Tensor wide_y = wide_for(y); /* rounded once, with the bias in it */
    matmul(false, false, n, out, in, x, W, 0, wide_y);
    bias_forward(wide_y, b, n, out);
    wide_store(&wide_y, y);
}

void linear_backward_input(Tensor dy, Tensor W, Tensor dx, int64_t n, int64_t in, int64_t out)
{
    matmul(false, true, n, in, out, dy, W, 0, dx);
}

void linear_backward_weight(Tensor x, Tensor dy, Tensor dW, Tensor db, int64_t n, int64_t in, int64_t out)
{
    matmul(true, false, in, out, n, x, dy, 1, dW);
    bias_backward(dy, db, n, out);
}

/* ---- LayerNorm ---- */

static void mean_and_rstd(const real *x, int64_t C, real *mean, real *rstd)
{
    *mean = sum_of(x, C) / (real)C;
    real lane[LANES] = {0}, variance = 0;
    int64_t j = 0;
    for (; j + LANES <= C; j += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += (x[j + k] - *mean) * (x[j + k] - *mean);
    for (int k = 0; k < LANES; k++) variance += lane[k];
    for (; j < C; j++) variance += (x[j] - *mean) * (x[j] - *mean);
    *rstd = (real)(1 / sqrt((double)(variance / (real)C + NORM_EPSILON)));
}

VECTORISED static void layernorm_rows(const real *restrict x, const real *restrict gain,
                                      const real *restrict bias, real *restrict y, int64_t n, int64_t C)
{
    for (int64_t i = 0; i < n; i++, x += C, y += C) {
        real mean, rstd;
        mean_and_rstd(x, C, &mean, &rstd);
        for (int64_t j = 0; j < C; j++) y[j] = (x[j] - mean) * rstd * gain[j] + bias[j];
    }
}

VECTORISED static void layernorm_rows_backward(const real *restrict dy, const real *restrict x,
                                               const real *restrict gain, real *restrict dx,
                                               real *restrict dgain, real *restrict dbias, real *restrict row,
                                               int64_t n, int64_t C)
{
    real *hat = row, *dhat = row + C; /* the normalised row, and its gradient */
    for (int64_t i = 0; i < n; i++, x += C, dy += C, dx += C) {
        real mean, rstd;
        mean_and_rstd(x, C, &mean, &rstd);
        for (int64_t j = 0; j < C; j++) {
            hat[j] = (x[j] - mean) * rstd;
            dhat[j] = dy[j] * gain[j];
            dgain[j] += dy[j] * hat[j];
            dbias[j] += dy[j];
        }
        real dhat_mean = sum_of(dhat, C) / (real)C, dot_mean = dot_of(dhat, hat, C) / (real)C;
        for (int64_t j = 0; j < C; j++) dx[j] += rstd * (dhat[j] - dhat_mean - hat[j] * dot_mean);
    }
}

void layernorm_forward(Tensor x, Tensor gain, Tensor bias, Tensor y, int64_t n, int64_t C)
{
    Tensor wide_x = wide_of(x), wide_gain = wide_of(gain), wide_bias = wide_of(bias), wide_y = wide_for(y);
    if (device_kernel(y.device, 8.0 * (double)(n * C),
                      tensor_traffic(y, 2 * n * C) + tensor_traffic(gain, 2 * C)))
        layernorm_rows(reals(wide_x), reals(wide_gain), reals(wide_bias), reals(wide_y), n, C);
    wide_free(&wide_x, x);
    wide_free(&wide_gain, gain);
    wide_free(&wide_bias, bias);
    wide_store(&wide_y, y);
}

void layernorm_backward(Tensor dy, Tensor x, Tensor gain, Tensor dx, Tensor dgain, Tensor dbias, int64_t n,
                        int64_t C)
{
    Tensor wide_dy = wide_of(dy), wide_x = wide_of(x), wide_gain = wide_of(gain);
    Tensor wide_dx = wide_of(dx), wide_dgain = wide_of(dgain), wide_dbias = wide_of(dbias);
    Tensor row = tensor_new(dx.device, MEM_WORKSPACE, REAL, 2 * C);
    if (device_kernel(dx.device, 16.0 * (double)(n * C),
                      tensor_traffic(dx, 4 * n * C) + tensor_traffic(gain, 5 * C)))
        layernorm_rows_backward(reals(wide_dy), reals(wide_x), reals(wide_gain), reals(wide_dx),
                                reals(wide_dgain), reals(wide_dbias), reals(row), n, C);
    tensor_free(&row);
    wide_free(&wide_dy, dy);
    wide_free(&wide_x, x);
    wide_free(&wide_gain, gain);
    wide_store(&wide_dx, dx);
    wide_store(&wide_dgain, dgain);
    wide_store(&wide_dbias, dbias);
}

/* ---- GELU ---- */

static const real GELU_C = (real)0.79788456080286535588, GELU_A = (real)0.044715; /* sqrt(2/pi) */

VECTORISED static void gelu(const real *restrict x, real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i];
        y[i] = (real)0.5 * v * (1 + real_tanh(GELU_C * (v + GELU_A * v * v * v)));
    }
}

VECTORISED static void gelu_derivative(const real *restrict x, const real *dy, real *dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i], t = real_tanh(GELU_C * (v + GELU_A * v * v * v));
        real inner = GELU_C * (1 + 3 * GELU_A * v * v);
        dx[i] = dy[i] * ((real)0.5 * (1 + t) + (real)0.5 * v * (1 - t * t) * inner);
    }
}

void gelu_forward(Tensor x, Tensor y)
{
    Tensor wide_x = wide_of(x), wide_y = wide_for(y);
    if (device_kernel(y.device, 10.0 * (double)x.count, tensor_traffic(y, 2 * x.count)))
        gelu(reals(wide_x), reals(wide_y), x.count);
    wide_free(&wide_x, x);
    wide_store(&wide_y, y);
}

void gelu_backward(Tensor x, Tensor dy, Tensor dx)
{
    Tensor wide_x = wide_of(x), wide_dy = wide_of(dy), wide_dx = wide_for(dx);
    if (device_kernel(dx.device, 16.0 * (double)x.count, tensor_traffic(dx, 3 * x.count)))
        gelu_derivative(reals(wide_x), reals(wide_dy), reals(wide_dx), x.count);
    wide_free(&wide_x, x);
    wide_free(&wide_dy, dy);
    wide_store(&wide_dx, dx);
}

/* ---- embedding ---- */

/* The row of this slice that position i of (B, T) embeds, or -1 when another slice has it. */
static int64_t row_of(Tensor tokens, int64_t i, int64_t T, int64_t first, int64_t rows)
{
    int64_t row = ints(tokens)[i / T * (T + 1) + i % T] - first;
    return row >= 0 && row < rows ? row : -1;
}

void embedding_forward(Tensor tokens, Tensor wte, int64_t first, int64_t rows, Tensor y, int64_t B, int64_t T,
                       int64_t C)
{
    Tensor wide_y = wide_for(y);
    bool compute = device_kernel(y.device, 0, tensor_traffic(y, 2 * B * T * C));
    for (int64_t i = 0; compute && i < B * T; i++) {
        int64_t row = row_of(tokens, i, T, first, rows);
        real *out = reals(wide_y) + i * C;
        if (row >= 0)
            tensor_read(wte, row * C, C, out); /* of a large table a few rows: it is not widened as a whole */
        else
            memset(out, 0, (size_t)C * sizeof *out);
    }
    wide_store(&wide_y, y);
}

void embedding_backward(Tensor tokens, Tensor dy, Tensor dwte, int64_t first, int64_t rows, int64_t B,
                        int64_t T, int64_t C)
{
    Tensor wide_dy = wide_of(dy), wide_dwte = wide_of(dwte);
    bool compute = device_kernel(dy.device, (double)(B * T * C), tensor_traffic(dy, 3 * B * T * C));
    for (int64_t i = 0; compute && i < B * T; i++) {
        int64_t row = row_of(tokens, i, T, first, rows);
        if (row < 0) continue;
        real *de = reals(wide_dwte) + row * C;
        const real *d = reals(wide_dy) + i * C;
        for (int64_t j = 0; j < C; j++) de[j] += d[j];
    }
    wide_free(&wide_dy, dy);
    wide_store(&wide_dwte, dwte);
}

void position_forward(Tensor wpe, int64_t first, Tensor y, int64_t B, int64_t T, int64_t C)
{
    Tensor used = tensor_view(wpe, first * C, T * C), wide_wpe = wide_of(used), wide_y = wide_of(y);
    bool compute = device_kernel(y.device, (double)(B * T * C), tensor_traffic(y, 3 * B * T * C));
    for (int64_t i = 0; compute && i < B * T; i++) {
        const real *p = reals(wide_wpe) + i % T * C;
        real *out = reals(wide_y) + i * C;
        for (int64_t j = 0; j < C; j++) out[j] += p[j];
    }
    wide_free(&wide_wpe, used);
    wide_store(&wide_y, y);
}

void position_backward(Tensor dy, Tensor dwpe, int64_t first, int64_t B, int64_t T, int64_t C)
{
    Tensor used = tensor_view(dwpe, first * C, T * C), wide_dwpe = wide_of(used), wide_dy = wide_of(dy);
    bool compute = device_kernel(dy.device, (double)(B * T * C), tensor_traffic(dy, 3 * B * T * C));
    for (int64_t i = 0; compute && i < B * T; i++) {
        real *dp = reals(wide_dwpe) + i % T * C;
        const real *d = reals(wide_dy) + i * C;
        for (int64_t j = 0; j < C; j++) dp[j] += d[j];
    }
    wide_free(&wide_dy, dy);
    wide_store(&wide_dwpe, used);
}
