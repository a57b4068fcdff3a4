/* activation.c - GELU, ReLU, SiLU, and SwiGLU, which gates by SiLU. */
#include "models/kernels/kernels.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* x s(u), with s the sigmoid: of SiLU u = x, of GELU's tanh form u = 2 c (x + a x^3), as (1 + tanh(u / 2)) / 2 = s(u).
 * Its derivative is s + x s (1 - s) du/dx. */
static const real GELU_2C = (real)1.59576912160573071176, GELU_A = (real)0.044715; /* 2 sqrt(2/pi) */

static inline real slope(real x, real s, real du)
{
    return s + x * s * (1 - s) * du;
}

VECTORISED static void gelu(const real *restrict x, real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i];
        y[i] = v * sigmoid(v * (GELU_2C + GELU_2C * GELU_A * v * v));
    }
}

VECTORISED static void gelu_derivative(const real *restrict x, const real *dy, real *dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i], s = sigmoid(v * (GELU_2C + GELU_2C * GELU_A * v * v));
        dx[i] = dy[i] * slope(v, s, GELU_2C + 3 * GELU_2C * GELU_A * v * v);
    }
}

/* x becomes the derivative. */
VECTORISED static void gelu_slope(real *restrict x, real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i], s = sigmoid(v * (GELU_2C + GELU_2C * GELU_A * v * v));
        y[i] = v * s;
        x[i] = slope(v, s, GELU_2C + 3 * GELU_2C * GELU_A * v * v);
    }
}

VECTORISED static void relu(const real *restrict x, real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

VECTORISED static void relu_derivative(const real *restrict x, const real *dy, real *dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

VECTORISED static void silu(const real *restrict x, real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = x[i] * sigmoid(x[i]);
}

VECTORISED static void silu_derivative(const real *restrict x, const real *dy, real *dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * slope(x[i], sigmoid(x[i]), 1);
}

VECTORISED static void silu_slope(real *restrict x, real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i], s = sigmoid(v);
        y[i] = v * s;
        x[i] = slope(v, s, 1);
    }
}

VECTORISED static void times_slope(const real *restrict slopes, const real *dy, real *dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * slopes[i];
}

/* So many operations for each value of the result, and of its gradient. */
static Work forward_work(Tensor x, Tensor y, double flops)
{
    return work_through(WORK_ACTIVATION, y, 1, flops * (double)y.count,
                        (double)(tensor_bytes(x) + tensor_bytes(y)));
}

static Work backward_work(Tensor x, Tensor dy, Tensor dx, double flops)
{
    return work_backward(work_through(WORK_ACTIVATION, dy, 1, flops * (double)dy.count,
                                      (double)(tensor_bytes(x) + tensor_bytes(dy) + tensor_bytes(dx))));
}

static void forward(Tensor x, Tensor y, double flops, void (*loop)(const real *x, real *y, int64_t count))
{
    if (!device_kernel(y.device, forward_work(x, y, flops))) return;
    Opened ox = opened_new(x, TENSOR_PIECE), oy = opened_new(y, TENSOR_PIECE);
    for (int64_t i = 0, count; i < x.count; i += count) {
        count = tensor_piece(x.count - i);
        loop(opened_read(&ox, i, count), opened_for(&oy, i), count);
        opened_write(&oy, i, count);
    }
    opened_free(&ox);
    opened_free(&oy);
}

static void backward(Tensor x, Tensor dy, Tensor dx, double flops,
                     void (*loop)(const real *x, const real *dy, real *dx, int64_t count))
{
    if (!device_kernel(dx.device, backward_work(x, dy, dx, flops))) return;
    Opened ox = opened_new(x, TENSOR_PIECE), ody = opened_new(dy, TENSOR_PIECE),
           odx = opened_new(dx, TENSOR_PIECE);
    for (int64_t i = 0, count; i < x.count; i += count) {
        count = tensor_piece(x.count - i);
        loop(opened_read(&ox, i, count), opened_read(&ody, i, count), opened_for(&odx, i), count);
        opened_write(&odx, i, count);
    }
    opened_free(&ox);
    opened_free(&ody);
    opened_free(&odx);
}

/* Of reals, and whole, as nothing is opened. */
static void forward_slope(Tensor x, Tensor y, double flops, void (*loop)(real *x, real *y, int64_t count))
{
    if (device_kernel(y.device, forward_work(x, y, flops))) loop(reals(x), reals(y), x.count);
}

void gelu_forward(Tensor x, Tensor y)
{
    forward(x, y, 10, gelu);
}

void gelu_backward(Tensor x, Tensor dy, Tensor dx)
{
    backward(x, dy, dx, 16, gelu_derivative);
}

void gelu_forward_slope(Tensor x, Tensor y)
{
    if (is_half(x.dtype))
        gelu_forward(x, y);
    else
        forward_slope(x, y, 10, gelu_slope);
}

void gelu_backward_slope(Tensor slope, Tensor dy, Tensor dx)
{
    backward(slope, dy, dx, 16, is_half(slope.dtype) ? gelu_derivative : times_slope);
}

void relu_forward(Tensor x, Tensor y)
{
    forward(x, y, 1, relu);
}

void relu_backward(Tensor x, Tensor dy, Tensor dx)
{
    backward(x, dy, dx, 1, relu_derivative);
}

void silu_forward(Tensor x, Tensor y)
{
    forward(x, y, 4, silu);
}

void silu_backward(Tensor x, Tensor dy, Tensor dx)
{
    backward(x, dy, dx, 8, silu_derivative);
}

void silu_forward_slope(Tensor x, Tensor y)
{
    if (is_half(x.dtype))
        silu_forward(x, y);
    else
        forward_slope(x, y, 4, silu_slope);
}

void silu_backward_slope(Tensor slope, Tensor dy, Tensor dx)
{
    backward(slope, dy, dx, 8, is_half(slope.dtype) ? silu_derivative : times_slope);
}

/* ---- SwiGLU ---- */

VECTORISED static void swiglu_rows(const real *restrict x, real *restrict y, int64_t n, int64_t F)
{
    for (int64_t i = 0; i < n; i++, x += 2 * F, y += F)
        for (int64_t j = 0; j < F; j++) y[j] = x[j] * sigmoid(x[j]) * x[F + j];
}

VECTORISED static void swiglu_rows_backward(const real *restrict x, const real *restrict dy,
                                            real *restrict dx, int64_t n, int64_t F)
{
    for (int64_t i = 0; i < n; i++, x += 2 * F, dx += 2 * F, dy += F)
        for (int64_t j = 0; j < F; j++) {
            real gate = x[j], s = sigmoid(gate);
            dx[j] = dy[j] * x[F + j] * slope(gate, s, 1);
            dx[F + j] = dy[j] * gate * s;
        }
}

/* What dy is to be multiplied by takes the places of gates and ups. */
VECTORISED static void swiglu_rows_slope(real *restrict x, real *restrict y, int64_t n, int64_t F)
{
    for (int64_t i = 0; i < n; i++, x += 2 * F, y += F)
        for (int64_t j = 0; j < F; j++) {
            real gate = x[j], up = x[F + j], s = sigmoid(gate);
            y[j] = gate * s * up;
            x[j] = up * slope(gate, s, 1);
            x[F + j] = gate * s;
        }
}

VECTORISED static void times_slopes(const real *restrict slopes, const real *restrict dy, real *restrict dx,
                                    int64_t n, int64_t F)
{
    for (int64_t i = 0; i < n; i++, slopes += 2 * F, dx += 2 * F, dy += F)
        for (int64_t j = 0; j < F; j++) {
            dx[j] = dy[j] * slopes[j];
            dx[F + j] = dy[j] * slopes[F + j];
        }
}

void swiglu_forward(Tensor x, Tensor y, int64_t n, int64_t F)
{
    if (!device_kernel(y.device, forward_work(x, y, 5))) return;
    int64_t most = tensor_piece_rows(n, 2 * F);
    Opened ox = opened_new(x, most * 2 * F), oy = opened_new(y, most * F);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, 2 * F);
        swiglu_rows(opened_read(&ox, i * 2 * F, rows * 2 * F), opened_for(&oy, i * F), rows, F);
        opened_write(&oy, i * F, rows * F);
    }
    opened_free(&ox);
    opened_free(&oy);
}

void swiglu_forward_slope(Tensor x, Tensor y, int64_t n, int64_t F)
{
    if (is_half(x.dtype))
        swiglu_forward(x, y, n, F);
    else if (device_kernel(y.device, forward_work(x, y, 5)))
        swiglu_rows_slope(reals(x), reals(y), n, F);
}

static void backward_rows(Tensor x, Tensor dy, Tensor dx, int64_t n, int64_t F,
                          void (*loop)(const real *x, const real *dy, real *dx, int64_t n, int64_t F))
{
    if (!device_kernel(dx.device, backward_work(x, dy, dx, 11))) return;
    int64_t most = tensor_piece_rows(n, 2 * F);
    Opened ox = opened_new(x, most * 2 * F), ody = opened_new(dy, most * F),
           odx = opened_new(dx, most * 2 * F);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, 2 * F);
        loop(opened_read(&ox, i * 2 * F, rows * 2 * F), opened_read(&ody, i * F, rows * F),
             opened_for(&odx, i * 2 * F), rows, F);
        opened_write(&odx, i * 2 * F, rows * 2 * F);
    }
    opened_free(&ox);
    opened_free(&ody);
    opened_free(&odx);
}

void swiglu_backward(Tensor x, Tensor dy, Tensor dx, int64_t n, int64_t F)
{
    backward_rows(x, dy, dx, n, F, swiglu_rows_backward);
}

void swiglu_backward_slope(Tensor slopes, Tensor dy, Tensor dx, int64_t n, int64_t F)
{
    backward_rows(slopes, dy, dx, n, F, is_half(slopes.dtype) ? swiglu_rows_backward : times_slopes);
}
