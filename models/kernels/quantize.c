/* quantize.c - 8-bit blocks: the largest magnitude, a division and a rounding for each value. */
#include "models/kernels/quantize.h"
#include <float.h>
#include <string.h>
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* As bits: what is larger has larger ones, and above all finite numbers are infinity and NaN. */
VECTORISED static float largest(const real *x, int64_t n)
{
    uint32_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        union {
            float f;
            uint32_t u;
        } bits = {.f = (float)x[i]};
        uint32_t magnitude = bits.u & 0x7fffffff;
        most = magnitude > most ? magnitude : most;
    }
    union {
        uint32_t u;
        float f;
    } result = {.u = most};
    return result.f;
}

/* Adding 1.5 / epsilon leaves no bits below one: the adder rounds, to nearest even. */
VECTORISED static void divide(const real *restrict x, real scale, int8_t *restrict q, int64_t n)
{
    const real shift = (real)(1.5 / (sizeof(real) > sizeof(float) ? DBL_EPSILON : FLT_EPSILON));
    for (int64_t i = 0; i < n; i++) q[i] = (int8_t)(x[i] / scale + shift - shift);
}

VECTORISED static void multiply(const int8_t *restrict q, real scale, real *restrict x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = (real)q[i] * scale;
}

VECTORISED static void multiply_add(const int8_t *restrict q, real scale, real *restrict x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] += (real)q[i] * scale;
}

static bool starts(Tensor values, Tensor bytes, Tensor scales, double passes)
{
    int64_t blocks = quantized_blocks(values.count);
    assert(bytes.count == values.count && scales.count == blocks * QUANTIZED_SCALE);
    double traffic = passes * (double)tensor_bytes(values) + (double)(bytes.count + scales.count);
    return device_kernel(values.device,
                         work_through(WORK_QUANTIZE, values, 1, 2.0 * (double)values.count, traffic));
}

static int64_t block_at(int64_t count, int64_t block)
{
    int64_t left = count - block * QUANTIZED_BLOCK;
    return left < QUANTIZED_BLOCK ? left : QUANTIZED_BLOCK;
}

void quantize(Tensor values, Tensor bytes, Tensor scales)
{
    if (!starts(values, bytes, scales, 1)) return;
    real x[QUANTIZED_BLOCK];
    for (int64_t b = 0; b < quantized_blocks(values.count); b++) {
        int64_t first = b * QUANTIZED_BLOCK, n = block_at(values.count, b);
        int8_t *q = (int8_t *)bytes.data + first;
        tensor_read(values, first, n, x);
        float scale = largest(x, n) / 127;
        if (scale < FLT_MIN) scale = FLT_MIN;
        if (isfinite(scale))
            divide(x, (real)scale, q, n);
        else
            memset(q, 0, (size_t)n); /* 0 times infinity is NaN */
        memcpy((char *)scales.data + b * QUANTIZED_SCALE, &scale, sizeof scale);
    }
}

static void open_blocks(Tensor values, Tensor bytes, Tensor scales, bool adds)
{
    if (!starts(values, bytes, scales, adds ? 2 : 1)) return;
    real x[QUANTIZED_BLOCK];
    for (int64_t b = 0; b < quantized_blocks(values.count); b++) {
        int64_t first = b * QUANTIZED_BLOCK, n = block_at(values.count, b);
        const int8_t *q = (const int8_t *)bytes.data + first;
        float scale;
        memcpy(&scale, (const char *)scales.data + b * QUANTIZED_SCALE, sizeof scale);
        if (adds) tensor_read(values, first, n, x);
        if (adds)
            multiply_add(q, (real)scale, x, n);
        else
            multiply(q, (real)scale, x, n);
        tensor_write(values, first, n, x);
    }
}

void dequantize(Tensor values, Tensor bytes, Tensor scales)
{
    open_blocks(values, bytes, scales, false);
}

void dequantize_add(Tensor values, Tensor bytes, Tensor scales)
{
    open_blocks(values, bytes, scales, true);
}
