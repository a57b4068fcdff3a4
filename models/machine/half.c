/* half.c - 16-bit numbers: once in portable operations, which vectorise, and
 * once more in F16C's instructions for fp16.
 *
 * AVX512_BF16's instruction for bf16 is not used: it takes numbers below the
 * normal ones for zero, and the integer form is as fast as memory anyway. */
#include "models/machine/half.h"
#include <assert.h>
#include "models/machine/vector.h"
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SIM_DOUBLE)
#define HAS_F16C_PATH
#include <immintrin.h>
#endif

typedef union Bits {
    float f;
    uint32_t u;
} Bits;

/* A float that rounds to 16 bits as x does. The double build must not round
 * twice: what was cut off x is remembered in the last bit (rounding to odd). */
static inline float cut(real x)
{
    Bits b = {.f = (float)x};
#ifdef SIM_DOUBLE
    if (isnan(x) || (double)b.f == x) return b.f;
    if (fabs((double)b.f) > fabs(x)) b.u--;
    b.u |= 1;
#endif
    return b.f;
}

/* ---- bf16: the upper half of a float ---- */

static inline float bf16_value(uint16_t half)
{
    uint32_t u = (uint32_t)half << 16, quiet = (u & 0x7fffffff) > 0x7f800000 ? 0x00400000 : 0;
    return (Bits){.u = u | quiet}.f;
}

static inline uint16_t bf16_nearest(float x)
{
    uint32_t u = (Bits){.f = x}.u;
    uint32_t nearest = (u + 0x7fff + (u >> 16 & 1)) >> 16, nan = u >> 16 | 0x0040;
    return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? nan : nearest);
}

/* ---- fp16: 5 bits of exponent (bias 15), 10 of fraction ---- */

static inline float fp16_value(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, u = (uint32_t)(half & 0x7fff) << 13;
    /* exponents differ by 112; a fraction without its leading 1 is put above one and the one taken off:
     * both below are exact */
    uint32_t normal = u + (112u << 23), quiet = u > 0x0f800000 ? 0x00400000 : 0;
    Bits small = {.u = u + (113u << 23)}, least = {.u = 113u << 23};
    small.f -= least.f;
    uint32_t finite = u < 0x00800000 ? small.u : normal;
    return (Bits){.u = sign | (u >= 0x0f800000 ? u | 0x7f800000 | quiet : finite)}.f;
}

static inline uint16_t fp16_nearest(float x)
{
    Bits b = {.f = x};
    uint32_t sign = b.u >> 16 & 0x8000, u = b.u & 0x7fffffff;
    /* half a unit less a bit, or exactly half where the last bit is 1; may carry up to infinity */
    uint32_t normal = (u - (112u << 23) + 0x0fff + (u >> 13 & 1)) >> 13;
    /* added to 1/2, whose last bit is worth fp16's least number, the sum is rounded by the adder */
    Bits small = {.u = u}, half = {.f = 0.5f};
    small.f += half.f;
    uint32_t finite = u < 0x38800000 ? small.u - half.u : normal;
    uint32_t nan = 0x7e00 | (u >> 13 & 0x03ff), special = u > 0x7f800000 ? nan : 0x7c00;
    return (uint16_t)(sign | (u >= 0x47800000 ? special : finite)); /* 2^16 and above */
}

/* ---- arrays ---- */

VECTORISED static void widen_bf16(const uint16_t *restrict from, real *restrict to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = (real)bf16_value(from[i]);
}

VECTORISED static void round_bf16(const real *restrict from, uint16_t *restrict to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = bf16_nearest(cut(from[i]));
}

VECTORISED static void widen_fp16(const uint16_t *restrict from, real *restrict to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = (real)fp16_value(from[i]);
}

VECTORISED static void round_fp16(const real *restrict from, uint16_t *restrict to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = fp16_nearest(cut(from[i]));
}

#ifdef HAS_F16C_PATH
static bool has_f16c(void)
{
    return __builtin_cpu_supports("f16c");
}

/* Both do eights, and return how many numbers that were. */
__attribute__((target("f16c"))) static int64_t widen_eights(const uint16_t *from, float *to, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
    return i;
}

__attribute__((target("f16c"))) static int64_t round_eights(const float *from, uint16_t *to, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}
#endif

void half_widen(DType format, const uint16_t *restrict from, real *restrict to, int64_t n)
{
    assert(format == BF16 || format == FP16);
    int64_t done = 0;
    if (format == BF16) {
        widen_bf16(from, to, n);
        return;
    }
#ifdef HAS_F16C_PATH
    if (has_f16c()) done = widen_eights(from, to, n);
#endif
    widen_fp16(from + done, to + done, n - done);
}

void half_round(DType format, const real *restrict from, uint16_t *restrict to, int64_t n)
{
    assert(format == BF16 || format == FP16);
    int64_t done = 0;
    if (format == BF16) {
        round_bf16(from, to, n);
        return;
    }
#ifdef HAS_F16C_PATH
    if (has_f16c()) done = round_eights(from, to, n);
#endif
    round_fp16(from + done, to + done, n - done);
}

real half_value(DType format, uint16_t half)
{
    return (real)(format == BF16 ? bf16_value(half) : fp16_value(half));
}

uint16_t half_nearest(DType format, real x)
{
    return format == BF16 ? bf16_nearest(cut(x)) : fp16_nearest(cut(x));
}
