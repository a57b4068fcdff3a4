/* pack_avx512.h - what pack_bf16.h has, by AVX-512 where a factor has whole lines of the cache. */
#ifndef MODELS_KERNELS_PACK_AVX512_H
#define MODELS_KERNELS_PACK_AVX512_H
#include "models/kernels/tile.h"

void avx512_pack_rows(const ProductTiles *tiles, const Strips *from, int64_t first, void *to);
void avx512_pack_columns(const ProductTiles *tiles, const Strips *from, int64_t first, void *to);
#endif
