/* half_bits.h - one number of 16 bits (half.h) to and from fp32, in operations that vectorise: for whoever widens or rounds
 * in the midst of other work. */
#ifndef MODELS_MACHINE_HALF_BITS_H
#define MODELS_MACHINE_HALF_BITS_H
#include <stdint.h>

typedef union HalfBits {
    float f;
    uint32_t u;
} HalfBits;

/* ---- bf16: the upper half of a float ---- */

static inline float bf16_value(uint16_t half)
{
    return (HalfBits){.u = (uint32_t)half << 16}.f;
}

/* All ones of a NaN, else none: a mask, as of a choice the compiler makes longer vector code. */
static inline uint32_t nan_mask(uint32_t u)
{
    return 0 - ((0x7f800000 - (u & 0x7fffffff)) >> 31);
}

enum { QUIET = 0x00400000 };

static inline uint16_t bf16_nearest(float x)
{
    uint32_t u = (HalfBits){.f = x}.u, nan = nan_mask(u), up = 0x7fff + (u >> 16 & 1);
    return (uint16_t)(((u + (up & ~nan)) | (nan & QUIET)) >> 16);
}

/* ---- fp16: 5 bits of exponent (bias 15), 10 of fraction ---- */

static inline float fp16_value(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, u = (uint32_t)(half & 0x7fff) << 13;
    /* exponents differ by 112; a fraction without its leading 1 is put above one and the one taken off:
     * both below are exact */
    uint32_t normal = u + (112u << 23), quiet = u > 0x0f800000 ? 0x00400000 : 0;
    HalfBits small = {.u = u + (113u << 23)}, least = {.u = 113u << 23};
    small.f -= least.f;
    uint32_t finite = u < 0x00800000 ? small.u : normal;
    return (HalfBits){.u = sign | (u >= 0x0f800000 ? u | 0x7f800000 | quiet : finite)}.f;
}

static inline uint16_t fp16_nearest(float x)
{
    HalfBits b = {.f = x};
    uint32_t sign = b.u >> 16 & 0x8000, u = b.u & 0x7fffffff;
    /* half a unit less a bit, or exactly half where the last bit is 1; may carry up to infinity */
    uint32_t normal = (u - (112u << 23) + 0x0fff + (u >> 13 & 1)) >> 13;
    /* added to 1/2, whose last bit is worth fp16's least number, the sum is rounded by the adder */
    HalfBits small = {.u = u}, half = {.f = 0.5f};
    small.f += half.f;
    uint32_t finite = u < 0x38800000 ? small.u - half.u : normal;
    uint32_t nan = 0x7e00 | (u >> 13 & 0x03ff), special = u > 0x7f800000 ? nan : 0x7c00;
    return (uint16_t)(sign | (u >= 0x47800000 ? special : finite)); /* 2^16 and above */
}
#endif
