/* activation.c - GELU, ReLU, SiLU, and SwiGLU, which gates by SiLU. */
#include "models/kernels/kernels.h"
#include "models/machine/tensor_rows.h"
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

/* What goes over values one by one, as threads have parts of it; one of these. */
typedef struct Loop {
    void (*forward)(const real *x, real *y, int64_t count);
    void (*backward)(const real *x, const real *dy, real *dx, int64_t count);
    void (*slope)(real *x, real *y, int64_t count);
} Loop;

static void forward_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)first;
    const Loop *loop = context;
    Opened x = opened_new(t[0], TENSOR_PIECE), y = opened_new(t[1], TENSOR_PIECE);
    for (int64_t i = 0, count; i < all; i += count) {
        count = tensor_piece(all - i);
        loop->forward(opened_read(&x, i, count), opened_for(&y, i), count);
        opened_write(&y, i, count);
    }
    opened_free(&x);
    opened_free(&y);
}

static void forward(Tensor x, Tensor y, double flops, Loop loop)
{
    if (!device_kernel(y.device, forward_work(x, y, flops))) return;
    tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {y, 1}}, 2, forward_values, &loop);
}

static void backward_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)first;
    const Loop *loop = context;
    Opened x = opened_new(t[0], TENSOR_PIECE), dy = opened_new(t[1], TENSOR_PIECE),
           dx = opened_new(t[2], TENSOR_PIECE);
    for (int64_t i = 0, count; i < all; i += count) {
        count = tensor_piece(all - i);
        loop->backward(opened_read(&x, i, count), opened_read(&dy, i, count), opened_for(&dx, i), count);
        opened_write(&dx, i, count);
    }
    opened_free(&x);
    opened_free(&dy);
    opened_free(&dx);
}

static void backward(Tensor x, Tensor dy, Tensor dx, double flops, Loop loop)
{
    if (!device_kernel(dx.device, backward_work(x, dy, dx, flops))) return;
    tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {dy, 1}, {dx, 1}}, 3, backward_values, &loop);
}

/* Of reals, and whole, as nothing is opened. */
static void slope_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)first;
    ((const Loop *)context)->slope(reals(t[0]), reals(t[1]), all);
}

static void forward_slope(Tensor x, Tensor y, double flops, Loop loop)
{
    if (!device_kernel(y.device, forward_work(x, y, flops))) return;
    tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {y, 1}}, 2, slope_values, &loop);
}

void gelu_forward(Tensor x, Tensor y)
{
    forward(x, y, 10, (Loop){.forward = gelu});
}

void gelu_backward(Tensor x, Tensor dy, Tensor dx)
{
    backward(x, dy, dx, 16, (Loop){.backward = gelu_derivative});
}

void gelu_forward_slope(Tensor x, Tensor y)
{
    if (is_half(x.dtype))
        gelu_forward(x, y);
    else
        forward_slope(x, y, 10, (Loop){.slope = gelu_slope});
}

void gelu_backward_slope(Tensor slope, Tensor dy, Tensor dx)
{
    backward(slope, dy, dx, 16, (Loop){.backward = is_half(slope.dtype) ? gelu_derivative : times_slope});
}

void relu_forward(Tensor x, Tensor y)
{
    forward(x, y, 1, (Loop){.forward = relu});
}

void relu_backward(Tensor x, Tensor dy, Tensor dx)
{
    backward(x, dy, dx, 1, (Loop){.backward = relu_derivative});
}

void silu_forward(Tensor x, Tensor y)
{
    forward(x, y, 4, (Loop){.forward = silu});
}

void silu_backward(Tensor x, Tensor dy, Tensor dx)
{
    backward(x, dy, dx, 8, (Loop){.backward = silu_derivative});
}

void silu_forward_slope(Tensor x, Tensor y)
{
    if (is_half(x.dtype))
        silu_forward(x, y);
    else
        forward_slope(x, y, 4, (Loop){.slope = silu_slope});
}

void silu_backward_slope(Tensor slope, Tensor dy, Tensor dx)
{
    backward(slope, dy, dx, 8, (Loop){.backward = is_half(slope.dtype) ? silu_derivative : times_slope});
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

/* Of rows of F results. */
typedef struct GatedLoop {
    int64_t F;
    void (*backward)(const real *x, const real *dy, real *dx, int64_t n, int64_t F);
} GatedLoop;

static void swiglu_forward_rows(void *context, const Tensor *t, int64_t first, int64_t n)
{
    (void)first;
    int64_t F = ((const GatedLoop *)context)->F, most = tensor_piece_rows(n, 2 * F);
    Opened x = opened_new(t[0], most * 2 * F), y = opened_new(t[1], most * F);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, 2 * F);
        swiglu_rows(opened_read(&x, i * 2 * F, rows * 2 * F), opened_for(&y, i * F), rows, F);
        opened_write(&y, i * F, rows * F);
    }
    opened_free(&x);
    opened_free(&y);
}

void swiglu_forward(Tensor x, Tensor y, int64_t n, int64_t F)
{
    if (!device_kernel(y.device, forward_work(x, y, 5))) return;
    tensor_rows_divide(n, (RowsOf[]){{x, 2 * F}, {y, F}}, 2, swiglu_forward_rows, &(GatedLoop){.F = F});
}

static void swiglu_slope_rows(void *context, const Tensor *t, int64_t first, int64_t n)
{
    (void)first;
    swiglu_rows_slope(reals(t[0]), reals(t[1]), n, ((const GatedLoop *)context)->F);
}

void swiglu_forward_slope(Tensor x, Tensor y, int64_t n, int64_t F)
{
    if (is_half(x.dtype))
        swiglu_forward(x, y, n, F);
    else if (device_kernel(y.device, forward_work(x, y, 5)))
        tensor_rows_divide(n, (RowsOf[]){{x, 2 * F}, {y, F}}, 2, swiglu_slope_rows, &(GatedLoop){.F = F});
}

static void gated_backward_rows(void *context, const Tensor *t, int64_t first, int64_t n)
{
    (void)first;
    const GatedLoop *loop = context;
    int64_t F = loop->F, most = tensor_piece_rows(n, 2 * F);
    Opened x = opened_new(t[0], most * 2 * F), dy = opened_new(t[1], most * F),
           dx = opened_new(t[2], most * 2 * F);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, 2 * F);
        loop->backward(opened_read(&x, i * 2 * F, rows * 2 * F), opened_read(&dy, i * F, rows * F),
                       opened_for(&dx, i * 2 * F), rows, F);
        opened_write(&dx, i * 2 * F, rows * 2 * F);
    }
    opened_free(&x);
    opened_free(&dy);
    opened_free(&dx);
}

static void gated_backward(Tensor x, Tensor dy, Tensor dx, int64_t n, GatedLoop loop)
{
    if (!device_kernel(dx.device, backward_work(x, dy, dx, 11))) return;
    int64_t F = loop.F;
    tensor_rows_divide(n, (RowsOf[]){{x, 2 * F}, {dy, F}, {dx, 2 * F}}, 3, gated_backward_rows, &loop);
}

void swiglu_backward(Tensor x, Tensor dy, Tensor dx, int64_t n, int64_t F)
{
    gated_backward(x, dy, dx, n, (GatedLoop){F, swiglu_rows_backward});
}

void swiglu_backward_slope(Tensor slopes, Tensor dy, Tensor dx, int64_t n, int64_t F)
{
    gated_backward(slopes, dy, dx, n,
                   (GatedLoop){F, is_half(slopes.dtype) ? swiglu_rows_backward : times_slopes});
}
