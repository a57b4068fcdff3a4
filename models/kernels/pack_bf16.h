/* pack_bf16.h - how tiles that multiply bf16 pack their factors (tile.h): instructions differ in the size of a tile alone. */
#ifndef MODELS_KERNELS_PACK_BF16_H
#define MODELS_KERNELS_PACK_BF16_H
#include "models/kernels/tile.h"

void bf16_pack_rows(const ProductTiles *tiles, const Strips *from, int64_t first, void *to);
void bf16_pack_columns(const ProductTiles *tiles, const Strips *from, int64_t first, void *to);
#endif
