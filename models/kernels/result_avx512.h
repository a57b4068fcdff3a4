/* result_avx512.h - what becomes of the sums of a tile of bf16, by AVX-512 and AVX512_BF16 in one pass: as tile_result.h has
 * it, but that of bf16 numbers below the normal ones are taken for zero. */
#ifndef MODELS_KERNELS_RESULT_AVX512_H
#define MODELS_KERNELS_RESULT_AVX512_H
#include "models/kernels/tile.h"

enum { RESULT_COLUMNS = 32 };
#define RESULT_TARGET "avx512f,avx512bw,avx512vl,avx512bf16"

bool result_avx512_runs(void);
/* Of (rows, RESULT_COLUMNS) sums, of which those at an edge are left. */
void result_avx512(const Tile *t, const float *sums);
#endif
