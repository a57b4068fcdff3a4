/* tile_avx512_bf16.c - 28 of 32 registers of 16 sums, to each of which an instruction adds the products of a pair of k's. */
#ifdef __x86_64__
#include <immintrin.h>
#include "models/kernels/pack_avx512.h"
#include "models/kernels/result_avx512.h"
#include "models/kernels/tile_result.h"

enum { ROWS_OF_TILE = 14, ACROSS = 2, LANES_OF_TILE = 16, COLUMNS_OF_TILE = ACROSS * LANES_OF_TILE };
#define TARGET __attribute__((target(RESULT_TARGET)))

/* A pair of one row, in every lane. */
TARGET static inline __m512bh everywhere(const uint16_t *pair)
{
    int32_t both;
    memcpy(&both, pair, sizeof both);
    return (__m512bh)_mm512_set1_epi32(both);
}

/* So many rows of a tile. */
TARGET INLINED void tile_of(int count, const Strips *a, const Strips *b, const Tile *t)
{
    __m512 sum[ROWS_OF_TILE][ACROSS];
#pragma GCC unroll 16
    for (int i = 0; i < count; i++)
#pragma GCC unroll 2
        for (int j = 0; j < ACROSS; j++) sum[i][j] = _mm512_setzero_ps();
    const uint16_t *rows = a->at, *pairs = b->at;
    for (int64_t p = 0; p < a->k; p += 2, rows += 2, pairs += 2 * COLUMNS_OF_TILE) {
        __m512bh column[ACROSS];
#pragma GCC unroll 2
        for (int j = 0; j < ACROSS; j++)
            column[j] = (__m512bh)_mm512_loadu_si512(pairs + 2 * LANES_OF_TILE * j);
#pragma GCC unroll 16
        for (int i = 0; i < count; i++) {
            __m512bh row = everywhere(rows + i * a->next);
#pragma GCC unroll 2
            for (int j = 0; j < ACROSS; j++) {
                sum[i][j] = _mm512_dpbf16_ps(sum[i][j], column[j], row);
                STAYS(sum[i][j]);
            }
        }
    }
    float sums[ROWS_OF_TILE * COLUMNS_OF_TILE];
#pragma GCC unroll 16
    for (int i = 0; i < count; i++)
#pragma GCC unroll 2
        for (int j = 0; j < ACROSS; j++)
            _mm512_storeu_ps(sums + i * COLUMNS_OF_TILE + LANES_OF_TILE * j, sum[i][j]);
    result_avx512(t, sums);
}

/* Of one that is cut short few more rows than there are. */
TARGET static void tile(const Strips *a, const Strips *b, const Tile *t)
{
    if (t->rows <= 2)
        tile_of(2, a, b, t);
    else if (t->rows <= 4)
        tile_of(4, a, b, t);
    else if (t->rows <= 8)
        tile_of(8, a, b, t);
    else
        tile_of(ROWS_OF_TILE, a, b, t);
}

static bool runs(void)
{
    return result_avx512_runs();
}

const ProductTiles tiles_avx512_bf16 = {.name = "AVX512_BF16",
                                        .runs = runs,
                                        .packed = BF16,
                                        .rows = ROWS_OF_TILE,
                                        .columns = COLUMNS_OF_TILE,
                                        .depth = 2,
                                        .tile = tile,
                                        .pack_rows = avx512_pack_rows,
                                        .pack_columns = avx512_pack_columns};
#endif
