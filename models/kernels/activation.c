/* activation.c - GELU, ReLU and SiLU. */
#include "models/kernels/activation.h"
#include "models/kernels/half_table.h"
#include "models/kernels/kernels.h"
#include "models/machine/tensor_rows.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* Of GELU's tanh form x s(u), with s the sigmoid and u = 2 c (x + a x^3), as (1 + tanh(u / 2)) / 2 = s(u). */
static const real GELU_2C = (real)1.59576912160573071176, GELU_A = (real)0.044715; /* 2 sqrt(2/pi) */

VECTORISED static void gelu(const real *restrict x, real *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i];
        y[i] = v * sigmoid(v * (GELU_2C + GELU_2C * GELU_A * v * v));
    }
}

VECTORISED static void gelu_derivative(const real *restrict x, real *restrict dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        real v = x[i], s = sigmoid(v * (GELU_2C + GELU_2C * GELU_A * v * v));
        dx[i] = slope(v, s, GELU_2C + 3 * GELU_2C * GELU_A * v * v);
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

VECTORISED static void silu_derivative(const real *restrict x, real *restrict dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) dx[i] = slope(x[i], sigmoid(x[i]), 1);
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

/* ---- values one by one, of which threads have parts ---- */

typedef void BackwardLoop(const real *x, const real *dy, real *dx, int64_t count);

static void relu_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)context, (void)first;
    Opened x = opened_new(t[0], TENSOR_PIECE), y = opened_new(t[1], TENSOR_PIECE);
    for (int64_t i = 0, count; i < all; i += count) {
        count = tensor_piece(all - i);
        relu(opened_read(&x, i, count), opened_for(&y, i), count);
        opened_write(&y, i, count);
    }
    opened_free(&x);
    opened_free(&y);
}

void relu_forward(Tensor x, Tensor y)
{
    if (!device_kernel(y.device, activation_work(x, y, 1))) return;
    tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {y, 1}}, 2, relu_values, NULL);
}

static void backward_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)first;
    BackwardLoop *const *loop = context;
    Opened x = opened_new(t[0], TENSOR_PIECE), dy = opened_new(t[1], TENSOR_PIECE),
           dx = opened_new(t[2], TENSOR_PIECE);
    for (int64_t i = 0, count; i < all; i += count) {
        count = tensor_piece(all - i);
        (*loop)(opened_read(&x, i, count), opened_read(&dy, i, count), opened_for(&dx, i), count);
        opened_write(&dx, i, count);
    }
    opened_free(&x);
    opened_free(&dy);
    opened_free(&dx);
}

static void backward(Tensor x, Tensor dy, Tensor dx, double flops, BackwardLoop *loop)
{
    if (!device_kernel(dx.device, activation_work_backward(x, dy, dx, flops))) return;
    tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {dy, 1}, {dx, 1}}, 3, backward_values, &loop);
}

void relu_backward(Tensor x, Tensor dy, Tensor dx)
{
    backward(x, dy, dx, 1, relu_derivative);
}

/* ---- GELU and SiLU ---- */

typedef struct Smooth {
    HalfTable value, derivative;
    /* the value, and x becomes the derivative */
    void (*slope)(real *restrict x, real *restrict y, int64_t count);
    double flops, backward_flops; /* of a value */
} Smooth;
static Smooth GELU = {{.of = gelu}, {.of = gelu_derivative}, gelu_slope, 10, 16},
              SILU = {{.of = silu}, {.of = silu_derivative}, silu_slope, 4, 8};

static void smooth_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)first;
    const Smooth *f = context;
    Opened y = opened_new(t[1], TENSOR_PIECE);
    for (int64_t i = 0, count; i < all; i += count) {
        count = tensor_piece(all - i);
        half_table_read(&f->value, t[0], i, count, opened_for(&y, i));
        opened_write(&y, i, count);
    }
    opened_free(&y);
}

static void smooth_forward(Smooth *f, Tensor x, Tensor y)
{
    if (!device_kernel(y.device, activation_work(x, y, f->flops))) return;
    half_table_fill(&f->value, x);
    tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {y, 1}}, 2, smooth_values, f);
}

static void smooth_backward_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)first;
    const Smooth *f = context;
    Opened dy = opened_new(t[1], TENSOR_PIECE), dx = opened_new(t[2], TENSOR_PIECE);
    real slopes[TENSOR_PIECE];
    for (int64_t i = 0, count; i < all; i += count) {
        count = tensor_piece(all - i);
        half_table_read(&f->derivative, t[0], i, count, slopes);
        times_slope(slopes, opened_read(&dy, i, count), opened_for(&dx, i), count);
        opened_write(&dx, i, count);
    }
    opened_free(&dy);
    opened_free(&dx);
}

static void smooth_backward(Smooth *f, Tensor x, Tensor dy, Tensor dx)
{
    if (!device_kernel(dx.device, activation_work_backward(x, dy, dx, f->backward_flops))) return;
    half_table_fill(&f->derivative, x);
    tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {dy, 1}, {dx, 1}}, 3, smooth_backward_values, f);
}

/* Of reals, and whole, as nothing is opened. */
static void slope_values(void *context, const Tensor *t, int64_t first, int64_t all)
{
    (void)first;
    ((const Smooth *)context)->slope(reals(t[0]), reals(t[1]), all);
}

static void smooth_forward_slope(Smooth *f, Tensor x, Tensor y)
{
    if (is_half(x.dtype))
        smooth_forward(f, x, y);
    else if (device_kernel(y.device, activation_work(x, y, f->flops)))
        tensor_rows_divide(x.count, (RowsOf[]){{x, 1}, {y, 1}}, 2, slope_values, f);
}

static void smooth_backward_slope(Smooth *f, Tensor slope, Tensor dy, Tensor dx)
{
    if (is_half(slope.dtype))
        smooth_backward(f, slope, dy, dx);
    else
        backward(slope, dy, dx, f->backward_flops, times_slope);
}

void gelu_forward(Tensor x, Tensor y)
{
    smooth_forward(&GELU, x, y);
}

void gelu_backward(Tensor x, Tensor dy, Tensor dx)
{
    smooth_backward(&GELU, x, dy, dx);
}

void gelu_forward_slope(Tensor x, Tensor y)
{
    smooth_forward_slope(&GELU, x, y);
}

void gelu_backward_slope(Tensor slope, Tensor dy, Tensor dx)
{
    smooth_backward_slope(&GELU, slope, dy, dx);
}

void silu_forward(Tensor x, Tensor y)
{
    smooth_forward(&SILU, x, y);
}

void silu_backward(Tensor x, Tensor dy, Tensor dx)
{
    smooth_backward(&SILU, x, dy, dx);
}

void silu_forward_slope(Tensor x, Tensor y)
{
    smooth_forward_slope(&SILU, x, y);
}

void silu_backward_slope(Tensor slope, Tensor dy, Tensor dx)
{
    smooth_backward_slope(&SILU, slope, dy, dx);
}
