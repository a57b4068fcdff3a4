/* swiglu.c - SwiGLU, which gates by SiLU. */
#include "models/kernels/activation.h"
#include "models/kernels/kernels.h"
#include "models/machine/tensor_rows.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

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
    if (!device_kernel(y.device, activation_work(x, y, 5))) return;
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
    else if (device_kernel(y.device, activation_work(x, y, 5)))
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
    if (!device_kernel(dx.device, activation_work_backward(x, dy, dx, 11))) return;
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
