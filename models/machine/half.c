/* half.c - 16-bit numbers: once in portable operations, which vectorise, and
 * once more in instructions: F16C's for fp16, and AVX512_BF16's to round to bf16. */
#include "models/machine/half.h"
#include <assert.h>
#include "models/machine/half_bits.h"
#include "models/machine/vector.h"
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SIM_DOUBLE)
#define HAS_INSTRUCTIONS
#include <immintrin.h>
#endif

/* A float that rounds to 16 bits as x does. The double build must not round
 * twice: what was cut off x is remembered in the last bit (rounding to odd). */
static inline float cut(real x)
{
    HalfBits b = {.f = (float)x};
#ifdef SIM_DOUBLE
    if (isnan(x) || (double)b.f == x) return b.f;
    if (fabs((double)b.f) > fabs(x)) b.u--;
    b.u |= 1;
#endif
    return b.f;
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

#ifdef HAS_INSTRUCTIONS
static bool has_f16c(void)
{
    return __builtin_cpu_supports("f16c");
}

static bool has_avx512_bf16(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bf16");
}

/* The instruction takes numbers below the normal ones for zero, so that where there are any it is left. Does pairs of
 * sixteens, and returns how many numbers that were. */
__attribute__((target("avx512bw,avx512dq,avx512bf16"))) static int64_t round_bf16_pairs(
    const float *restrict from, uint16_t *restrict to, int64_t n)
{
    enum { DENORMAL = 0x20, SIXTEEN = 16, PAIR = 32 };
    int64_t i = 0;
    for (; i + PAIR <= n; i += PAIR) {
        __m512 low = _mm512_loadu_ps(from + i), high = _mm512_loadu_ps(from + i + SIXTEEN);
        if (_mm512_fpclass_ps_mask(low, DENORMAL) | _mm512_fpclass_ps_mask(high, DENORMAL))
            for (int k = 0; k < PAIR; k++) to[i + k] = bf16_nearest(from[i + k]);
        else
            _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
    return i;
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
#ifdef HAS_INSTRUCTIONS
    if (has_f16c()) done = widen_eights(from, to, n);
#endif
    widen_fp16(from + done, to + done, n - done);
}

static int64_t round_by_instruction(DType format, const real *restrict from, uint16_t *restrict to, int64_t n)
{
#ifdef HAS_INSTRUCTIONS
    if (format == BF16 && has_avx512_bf16()) return round_bf16_pairs(from, to, n);
    if (format == FP16 && has_f16c()) return round_eights(from, to, n);
#endif
    (void)format, (void)from, (void)to, (void)n;
    return 0;
}

void half_round_rows(DType format, const real *restrict from, uint16_t *restrict to, int64_t rows, int64_t n,
                     int64_t apart)
{
    assert(format == BF16 || format == FP16);
    for (int64_t r = 0; r < rows; r++, from += n, to += apart) {
        int64_t done = round_by_instruction(format, from, to, n);
        if (done == n) continue;
        if (format == BF16)
            round_bf16(from + done, to + done, n - done);
        else
            round_fp16(from + done, to + done, n - done);
    }
}

void half_round(DType format, const real *restrict from, uint16_t *restrict to, int64_t n)
{
    half_round_rows(format, from, to, 1, n, n);
}

real half_value(DType format, uint16_t half)
{
    return (real)(format == BF16 ? bf16_value(half) : fp16_value(half));
}

uint16_t half_nearest(DType format, real x)
{
    return format == BF16 ? bf16_nearest(cut(x)) : fp16_nearest(cut(x));
}
