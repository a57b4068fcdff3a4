/* pack_avx512.c - lines of 32 values, read once and written once, however far apart they lie. */
#ifdef __x86_64__
#include "models/kernels/pack_avx512.h"
#include <immintrin.h>
#include "models/kernels/pack_bf16.h"
#include "models/machine/inlined.h"

enum { PAIRS = 16, LINE = 2 * PAIRS };
#define TARGET __attribute__((target("avx512f,avx512bw")))

static const uint16_t *value(const Strips *from, int64_t i, int64_t p)
{
    return (const uint16_t *)from->at + i * from->next + p * from->along;
}

/* 16 rows of 16 pairs into columns. In each quarter of a register four rows of four are turned,
 *
 *     a0 a1 a2 a3 | a4 ..      a0 b0 c0 d0 | a4 ..
 *     b0 b1 b2 b3 | b4 ..  ->  a1 b1 c1 d1 | a5 ..
 *     c0 c1 c2 c3 | c4 ..      a2 b2 c2 d2 | a6 ..
 *     d0 d1 d2 d3 | d4 ..      a3 b3 c3 d3 | a7 ..
 *
 * and then the quarters of every fourth. */
TARGET INLINED void turn_sixteens(__m512i row[PAIRS])
{
    __m512i half[4], four[PAIRS];
#pragma GCC unroll 4
    for (int g = 0; g < PAIRS; g += 4) {
        half[0] = _mm512_unpacklo_epi32(row[g], row[g + 1]);
        half[1] = _mm512_unpackhi_epi32(row[g], row[g + 1]);
        half[2] = _mm512_unpacklo_epi32(row[g + 2], row[g + 3]);
        half[3] = _mm512_unpackhi_epi32(row[g + 2], row[g + 3]);
        four[g] = _mm512_unpacklo_epi64(half[0], half[2]);
        four[g + 1] = _mm512_unpackhi_epi64(half[0], half[2]);
        four[g + 2] = _mm512_unpacklo_epi64(half[1], half[3]);
        four[g + 3] = _mm512_unpackhi_epi64(half[1], half[3]);
    }
#pragma GCC unroll 4
    for (int e = 0; e < 4; e++) {
        half[0] = _mm512_shuffle_i32x4(four[e], four[e + 4], 0x88);
        half[1] = _mm512_shuffle_i32x4(four[e], four[e + 4], 0xdd);
        half[2] = _mm512_shuffle_i32x4(four[e + 8], four[e + 12], 0x88);
        half[3] = _mm512_shuffle_i32x4(four[e + 8], four[e + 12], 0xdd);
        row[e] = _mm512_shuffle_i32x4(half[0], half[2], 0x88);
        row[e + 4] = _mm512_shuffle_i32x4(half[1], half[3], 0x88);
        row[e + 8] = _mm512_shuffle_i32x4(half[0], half[2], 0xdd);
        row[e + 12] = _mm512_shuffle_i32x4(half[1], half[3], 0xdd);
    }
}

/* 32 values of each of 32 k's: rows along k, `k` of each. */
TARGET static void turn_line(const uint16_t *from, int64_t along, uint16_t *to, int64_t k)
{
    for (int high = 0; high < 2; high++) { /* of each eight values the first four, and the others */
        __m512i pair[PAIRS];
#pragma GCC unroll 16
        for (int q = 0; q < PAIRS; q++) {
            __m512i even = _mm512_loadu_si512(from + 2 * q * along),
                    odd = _mm512_loadu_si512(from + (2 * q + 1) * along);
            pair[q] = high ? _mm512_unpackhi_epi16(even, odd) : _mm512_unpacklo_epi16(even, odd);
        }
        turn_sixteens(pair);
#pragma GCC unroll 16
        for (int i = 0; i < PAIRS; i++) _mm512_storeu_si512(to + (i / 4 * 8 + 4 * high + i % 4) * k, pair[i]);
    }
}

void avx512_pack_rows(const ProductTiles *tiles, const Strips *from, int64_t first, void *strips)
{
    int64_t end = first;
    uint16_t *to = strips;
    if (from->along > 1 && from->k % LINE == 0) {
        end += (from->count - first) / LINE * LINE;
        for (int64_t p = 0; p < from->k; p += LINE)
            for (int64_t i = first; i < end; i += LINE) {
                for (int64_t q = 0; q < LINE; q++) __builtin_prefetch(value(from, i, p + LINE + q));
                turn_line(value(from, i, p), from->along, to + i * from->k + p, from->k);
            }
    }
    bf16_pack_rows(tiles, from, end, strips);
}

/* Columns side by side, of a pair of k's. */
TARGET INLINED void pair_line(const uint16_t *even, const uint16_t *odd, uint16_t *to)
{
    __m512i a = _mm512_loadu_si512(even), b = _mm512_loadu_si512(odd);
    __m512i low = _mm512_unpacklo_epi16(a, b),
            high = _mm512_unpackhi_epi16(a, b); /* quarters 0 2 4 6, 1 3 5 7 */
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                  second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi64(low, first, high));
    _mm512_storeu_si512(to + LINE, _mm512_permutex2var_epi64(low, second, high));
}

TARGET static void pair_rows(const Strips *from, int64_t first, int64_t end, uint16_t *to)
{
    enum { AHEAD = 8 };
    for (int64_t p = 0; p < from->k; p += 2) {
        const uint16_t *even = value(from, 0, p), *odd = value(from, 0, p + 1);
        for (int64_t j = first; j < end; j += LINE) {
            __builtin_prefetch(even + AHEAD * from->along + j);
            __builtin_prefetch(odd + AHEAD * from->along + j);
            pair_line(even + j, odd + j, to + j * from->k + p * LINE);
        }
    }
}

/* Columns along k: 16 of them, a line of each. */
TARGET static void turn_pairs(const Strips *from, int64_t first, int64_t end, uint16_t *to)
{
    for (int64_t j = first; j < end; j += PAIRS) {
        uint16_t *pairs = to + j / LINE * LINE * from->k + j % LINE * 2;
        for (int64_t p = 0; p < from->k; p += LINE, pairs += LINE * LINE) {
            __m512i column[PAIRS];
#pragma GCC unroll 16
            for (int i = 0; i < PAIRS; i++) {
                column[i] = _mm512_loadu_si512(value(from, j + i, p));
                __builtin_prefetch(value(from, j + i + PAIRS, p));
            }
            turn_sixteens(column);
#pragma GCC unroll 16
            for (int q = 0; q < PAIRS; q++) _mm512_storeu_si512(pairs + q * 2 * LINE, column[q]);
        }
    }
}

void avx512_pack_columns(const ProductTiles *tiles, const Strips *from, int64_t first, void *strips)
{
    int64_t end = first;
    if (from->k % LINE == 0 && tiles->columns == LINE) {
        end += (from->count - first) / LINE * LINE;
        if (from->next == 1)
            pair_rows(from, first, end, strips);
        else
            turn_pairs(from, first, end, strips);
    }
    bf16_pack_columns(tiles, from, end, strips);
}
#endif
