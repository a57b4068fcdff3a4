/* position.c - where a token stands: learned, in sines, or as an angle queries and keys are turned by. */
#include <assert.h>
#include "models/kernels/attention.h"
#include "models/kernels/kernels.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* ---- learned ---- */

void position_forward(Tensor wpe, int64_t first, Tensor y, int64_t B, int64_t T, int64_t C)
{
    Tensor rows = tensor_view(wpe, first * C, T * C);
    double bytes = 2.0 * (double)tensor_bytes(y) + (double)tensor_bytes(rows);
    if (!device_kernel(y.device, work_through(WORK_POSITION, y, B * T, (double)y.count, bytes))) return;
    Opened orows = opened_new(rows, C), oy = opened_new(y, C);
    for (int64_t i = 0; i < B * T; i++) {
        const real *p = opened_read(&orows, i % T * C, C);
        real *out = opened_read(&oy, i * C, C);
        for (int64_t j = 0; j < C; j++) out[j] += p[j];
        opened_write(&oy, i * C, C);
    }
    opened_free(&orows);
    opened_free(&oy);
}

void position_backward(Tensor dy, Tensor dwpe, int64_t first, int64_t B, int64_t T, int64_t C)
{
    Tensor rows = tensor_view(dwpe, first * C, T * C);
    double bytes = (double)tensor_bytes(dy) + 2.0 * (double)tensor_bytes(rows);
    Work work = work_backward(work_through(WORK_POSITION, dy, B * T, (double)dy.count, bytes));
    if (!device_kernel(dy.device, work)) return;
    tensor_settle(&dwpe); /* other rows are other ranks' */
    rows = tensor_view(dwpe, first * C, T * C);
    Opened orows = opened_new(rows, C), ody = opened_new(dy, C);
    for (int64_t t = 0; t < T; t++) {
        real *dp = opened_read(&orows, t * C, C);
        for (int64_t b = 0; b < B; b++) {
            const real *d = opened_read(&ody, (b * T + t) * C, C);
            for (int64_t j = 0; j < C; j++) dp[j] += d[j];
        }
        opened_write(&orows, t * C, C);
    }
    opened_free(&orows);
    opened_free(&ody);
}

/* base^(-2 j / width) of the width / 2 pairs, in a `real` each, as everybody keeps them */
static void frequencies(real *each, double base, int64_t width)
{
    for (int64_t j = 0; 2 * j < width; j++) each[j] = (real)pow(base, -2 * (double)j / (double)width);
}

/* ---- sinusoidal ---- */

void sinusoidal_forward(int64_t first, Tensor y, int64_t B, int64_t T, int64_t C)
{
    Tensor table = tensor_new(y.device, MEM_WORKSPACE, REAL, C + (C + 1) / 2);
    double flops = 2 * (double)y.count, bytes = 2 * (double)tensor_bytes(y);
    if (device_kernel(y.device, work_through(WORK_POSITION, y, B * T, flops, bytes))) {
        real *wave = reals(table), *each = wave + C, scale = (real)sqrt((double)C);
        Opened oy = opened_new(y, C);
        frequencies(each, 10000, C);
        for (int64_t t = 0; t < T; t++) {
            for (int64_t j = 0; j < C; j++) {
                double angle = (double)(first + t) * (double)each[j / 2];
                wave[j] = (real)(j % 2 ? cos(angle) : sin(angle));
            }
            for (int64_t b = 0; b < B; b++) {
                real *out = opened_read(&oy, (b * T + t) * C, C);
                for (int64_t j = 0; j < C; j++) out[j] = scale * out[j] + wave[j];
                opened_write(&oy, (b * T + t) * C, C);
            }
        }
        opened_free(&oy);
    }
    tensor_free(&table);
}

void sinusoidal_backward(Tensor dy, int64_t C)
{
    const real scale = (real)sqrt((double)C);
    double flops = (double)dy.count, bytes = 2 * (double)tensor_bytes(dy);
    Work work = work_backward(work_through(WORK_POSITION, dy, dy.count / C, flops, bytes));
    if (!device_kernel(dy.device, work)) return;
    Opened ody = opened_new(dy, TENSOR_PIECE);
    for (int64_t i = 0, count; i < dy.count; i += count) {
        count = tensor_piece(dy.count - i);
        real *d = opened_read(&ody, i, count);
        for (int64_t j = 0; j < count; j++) d[j] *= scale;
        opened_write(&ody, i, count);
    }
    opened_free(&ody);
}

/* ---- rotary ---- */

/* Numbers j and j + half, which lie apart, are a point in the plane: it turns by position times frequency. */
static void rotate_halves(real *restrict low, const real *restrict cosine, const real *restrict sine,
                          int64_t half)
{
    real *high = low + half;
    for (int64_t j = 0; j < half; j++) {
        real a = low[j], b = high[j];
        low[j] = a * cosine[j] - b * sine[j];
        high[j] = b * cosine[j] + a * sine[j];
    }
}

/* So are 2j and 2j + 1. */
static void rotate_pairs(real *restrict x, const real *restrict cosine, const real *restrict sine,
                         int64_t half)
{
    for (int64_t j = 0; j < half; j++) {
        real a = x[2 * j], b = x[2 * j + 1];
        x[2 * j] = a * cosine[j] - b * sine[j];
        x[2 * j + 1] = b * cosine[j] + a * sine[j];
    }
}

static void turn(RotaryShape s, Tensor x, int64_t first, double base, bool back)
{
    assert(s.turned % 2 == 0);
    int64_t half = s.turned / 2, rows = s.B * s.T, count = rows * s.heads * s.turned; /* the others stay */
    Tensor table = tensor_new(x.device, MEM_WORKSPACE, REAL, s.turned + half);
    Work work = work_over(WORK_POSITION, x.dtype, rows, s.heads * s.turned, 3 * (double)count,
                          tensor_traffic(x, 2 * count));
    work.backward = back;
    if (device_kernel(x.device, work)) {
        real *cosine = reals(table), *sine = cosine + half, *each = sine + half;
        Opened open = opened_new(x, s.heads * s.hd);
        frequencies(each, base, s.turned);
        for (int64_t t = 0; t < s.T; t++) {
            for (int64_t j = 0; j < half; j++) {
                double angle = (double)(first + t) * (double)each[j];
                cosine[j] = (real)cos(angle), sine[j] = (real)(back ? -sin(angle) : sin(angle));
            }
            for (int64_t b = 0; b < s.B; b++) {
                int64_t row = (b * s.T + t) * s.width;
                real *heads = opened_read(&open, row, s.heads * s.hd);
                for (int64_t h = 0; h < s.heads; h++) {
                    real *last = heads + (h + 1) * s.hd - s.turned;
                    if (s.interleaved)
                        rotate_pairs(last, cosine, sine, half);
                    else
                        rotate_halves(last, cosine, sine, half);
                }
                opened_write(&open, row, s.heads * s.hd);
            }
        }
        opened_free(&open);
    }
    tensor_free(&table);
}

void rope_forward(RotaryShape s, Tensor x, int64_t first, double base)
{
    turn(s, x, first, base, false);
}

void rope_backward(RotaryShape s, Tensor dx, int64_t first, double base)
{
    turn(s, dx, first, base, true);
}
