/* quantize.h - numbers of 8 bits with a scale for every block of them.
 *
 * Symmetric: x becomes the integer nearest to x / scale, ties to even, with
 * scale = max|x| / 127 of its block, so that x comes back within scale / 2. The
 * scale is a float, never below the least normal one; zeros are exact. A block
 * with a number that is not finite comes back as NaN from end to end, so that an
 * overflow is still seen. */
#ifndef MODELS_KERNELS_QUANTIZE_H
#define MODELS_KERNELS_QUANTIZE_H
#include "models/machine/tensor.h"

enum { QUANTIZED_BLOCK = 256, QUANTIZED_SCALE = sizeof(float) };
/* Blocks that `count` values make, the last one shorter. */
static inline int64_t quantized_blocks(int64_t count)
{
    return (count + QUANTIZED_BLOCK - 1) / QUANTIZED_BLOCK;
}

/* values: REAL, BF16 or FP16; bytes: UINT8, as many; scales: UINT8, QUANTIZED_SCALE for each block,
 * wherever they lie. */
void quantize(Tensor values, Tensor bytes, Tensor scales);
void dequantize(Tensor values, Tensor bytes, Tensor scales);
void dequantize_add(Tensor values, Tensor bytes, Tensor scales); /* values += */
#endif
