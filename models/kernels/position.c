/* position.c - where a token stands: learned, in sines, or as an angle queries and keys are turned by. */
#include <assert.h>
#include "models/kernels/attention.h"
#include "models/kernels/kernels.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* ---- learned ---- */

void position_forward(Tensor wpe, int64_t first, Tensor y, int64_t B, int64_t T, int64_t C)
{
    Tensor rows = tensor_view(wpe, first * C, T * C), wide = wide_of(rows), wy = wide_of(y);
    double bytes = 2.0 * (double)tensor_bytes(y) + (double)tensor_bytes(rows);
    bool compute = device_kernel(y.device, work_through(WORK_POSITION, y, B * T, (double)y.count, bytes));
    for (int64_t i = 0; compute && i < B * T; i++) {
        const real *p = reals(wide) + i % T * C;
        real *out = reals(wy) + i * C;
        for (int64_t j = 0; j < C; j++) out[j] += p[j];
    }
    wide_free(&wide, rows);
    wide_store(&wy, y);
}

void position_backward(Tensor dy, Tensor dwpe, int64_t first, int64_t B, int64_t T, int64_t C)
{
    Tensor rows = tensor_view(dwpe, first * C, T * C), wide = wide_of(rows), wdy = wide_of(dy);
    double bytes = (double)tensor_bytes(dy) + 2.0 * (double)tensor_bytes(rows);
    Work work = work_backward(work_through(WORK_POSITION, dy, B * T, (double)dy.count, bytes));
    bool compute = device_kernel(dy.device, work);
    for (int64_t i = 0; compute && i < B * T; i++) {
        real *dp = reals(wide) + i % T * C;
        const real *d = reals(wdy) + i * C;
        for (int64_t j = 0; j < C; j++) dp[j] += d[j];
    }
    wide_free(&wdy, dy);
    wide_store(&wide, rows);
}

/* base^(-2 j / width) of the width / 2 pairs, in a `real` each, as everybody keeps them */
static void frequencies(real *each, double base, int64_t width)
{
    for (int64_t j = 0; 2 * j < width; j++) each[j] = (real)pow(base, -2 * (double)j / (double)width);
}

/* ---- sinusoidal ---- */

void sinusoidal_forward(int64_t first, Tensor y, int64_t B, int64_t T, int64_t C)
{
    Tensor wy = wide_of(y), table = tensor_new(y.device, MEM_WORKSPACE, REAL, C + (C + 1) / 2);
    double flops = 2 * (double)y.count, bytes = 2 * (double)tensor_bytes(y);
    if (device_kernel(y.device, work_through(WORK_POSITION, y, B * T, flops, bytes))) {
        real *wave = reals(table), *each = wave + C, scale = (real)sqrt((double)C);
        frequencies(each, 10000, C);
        for (int64_t t = 0; t < T; t++) {
            for (int64_t j = 0; j < C; j++) {
                double angle = (double)(first + t) * (double)each[j / 2];
                wave[j] = (real)(j % 2 ? cos(angle) : sin(angle));
            }
            for (int64_t b = 0; b < B; b++)
                for (int64_t j = 0; j < C; j++) {
                    real *out = &reals(wy)[(b * T + t) * C + j];
                    *out = scale * *out + wave[j];
                }
        }
    }
    tensor_free(&table);
    wide_store(&wy, y);
}

void sinusoidal_backward(Tensor dy, int64_t C)
{
    Tensor wdy = wide_of(dy);
    const real scale = (real)sqrt((double)C);
    double flops = (double)dy.count, bytes = 2 * (double)tensor_bytes(dy);
    if (device_kernel(dy.device, work_backward(work_through(WORK_POSITION, dy, dy.count / C, flops, bytes))))
        for (int64_t i = 0; i < dy.count; i++) reals(wdy)[i] *= scale;
    wide_store(&wdy, dy);
}

/* ---- rotary ---- */

/* Elements j and j + half of a head are a point in the plane: it turns by position times frequency. */
static void rotate(real *restrict low, const real *restrict cosine, const real *restrict sine, int64_t half)
{
    real *high = low + half;
    for (int64_t j = 0; j < half; j++) {
        real a = low[j], b = high[j];
        low[j] = a * cosine[j] - b * sine[j];
        high[j] = b * cosine[j] + a * sine[j];
    }
}

static void turn(AttentionShape s, Tensor qkv, int64_t first, double base, bool back)
{
    assert(s.hd % 2 == 0);
    int64_t half = s.hd / 2, turned = s.heads + s.kv_heads, ld = attention_width(s);
    Tensor wide = wide_of(qkv), table = tensor_new(qkv.device, MEM_WORKSPACE, REAL, s.hd + half);
    int64_t rows = s.B * s.T, count = rows * turned * s.hd; /* the values stay */
    Work work = work_over(WORK_POSITION, qkv.dtype, rows, turned * s.hd, 3 * (double)count,
                          tensor_traffic(qkv, 2 * count));
    work.backward = back;
    if (device_kernel(qkv.device, work)) {
        real *cosine = reals(table), *sine = cosine + half, *each = sine + half;
        frequencies(each, base, s.hd);
        for (int64_t t = 0; t < s.T; t++) {
            for (int64_t j = 0; j < half; j++) {
                double angle = (double)(first + t) * (double)each[j];
                cosine[j] = (real)cos(angle), sine[j] = (real)(back ? -sin(angle) : sin(angle));
            }
            for (int64_t b = 0; b < s.B; b++)
                for (int64_t h = 0; h < turned; h++)
                    rotate(reals(wide) + (b * s.T + t) * ld + h * s.hd, cosine, sine, half);
        }
    }
    tensor_free(&table);
    wide_store(&wide, qkv);
}

void rope_forward(AttentionShape s, Tensor qkv, int64_t first, double base)
{
    turn(s, qkv, first, base, false);
}

void rope_backward(AttentionShape s, Tensor dqkv, int64_t first, double base)
{
    turn(s, dqkv, first, base, true);
}
