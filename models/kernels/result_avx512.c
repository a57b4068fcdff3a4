/* result_avx512.c - two registers of sums, a row of C. */
#ifdef __x86_64__
#include "models/kernels/result_avx512.h"
#include <immintrin.h>
#include "models/machine/inlined.h"

enum { LANES_OF_ROW = 16 };
#define TARGET __attribute__((target(RESULT_TARGET)))

/* Values of C, those that there are, in fp32. */
TARGET INLINED __m512 opened(const void *at, DType type, __mmask16 there)
{
    if (type == REAL) return _mm512_maskz_loadu_ps(there, at);
    __m256i half = _mm256_maskz_loadu_epi16(there, at);
    return type == BF16 ? _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))
                        : _mm512_cvtph_ps(half);
}

TARGET INLINED void close_row(void *at, DType type, __m512 low, __m512 high, __mmask32 there)
{
    __mmask16 behind = (__mmask16)(there >> LANES_OF_ROW);
    if (type == BF16) {
        _mm512_mask_storeu_epi16(at, there, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    } else if (type == FP16) {
        _mm256_mask_storeu_epi16(at, (__mmask16)there, _mm512_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT));
        _mm256_mask_storeu_epi16((uint16_t *)at + LANES_OF_ROW, behind,
                                 _mm512_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT));
    } else {
        _mm512_mask_storeu_ps(at, (__mmask16)there, low);
        _mm512_mask_storeu_ps((float *)at + LANES_OF_ROW, behind, high);
    }
}

/* All rows; inlined where the types are known. */
TARGET INLINED void close_rows(const Tile *t, const float *sums, bool adds, DType from, DType to)
{
    const int64_t rows = t->rows, from_apart = t->from.ld * (is_half(from) ? 2 : 4),
                  to_apart = t->to.ld * (is_half(to) ? 2 : 4);
    const __mmask32 there = (__mmask32)((1ull << t->columns) - 1);
    const __mmask16 low = (__mmask16)there, high = (__mmask16)(there >> LANES_OF_ROW);
    const __m512 alpha = _mm512_set1_ps(t->alpha), beta = _mm512_set1_ps(t->beta);
    const bool biased = t->bias;
    const __m512 none = _mm512_setzero_ps(), bias_low = biased ? _mm512_loadu_ps(t->bias) : none,
                 bias_high = biased ? _mm512_loadu_ps(t->bias + LANES_OF_ROW) : none;
    const char *was = t->from.at;
    char *c = t->to.at;
    for (int64_t i = 0; i < rows; i++, sums += RESULT_COLUMNS, was += from_apart, c += to_apart) {
        __m512 a = _mm512_mul_ps(_mm512_loadu_ps(sums), alpha),
               b = _mm512_mul_ps(_mm512_loadu_ps(sums + LANES_OF_ROW), alpha);
        if (adds) {
            a = _mm512_fmadd_ps(opened(was, from, low), beta, a);
            b = _mm512_fmadd_ps(opened(values_on(was, from, LANES_OF_ROW), from, high), beta, b);
        }
        if (biased) {
            a = _mm512_add_ps(a, bias_low);
            b = _mm512_add_ps(b, bias_high);
        }
        close_row(c, to, a, b, there);
    }
}

TARGET void result_avx512(const Tile *t, const float *sums)
{
    bool adds = t->beta != 0;
    if (t->to.type == BF16 && !adds)
        close_rows(t, sums, false, REAL, BF16);
    else if (t->to.type == BF16 && t->from.type == BF16)
        close_rows(t, sums, true, BF16, BF16);
    else
        close_rows(t, sums, adds, t->from.type, t->to.type);
}

bool result_avx512_runs(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bf16");
}
#endif
