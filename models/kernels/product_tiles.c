/* product_tiles.c - the tiles that there are, and which of them this processor runs. */
#include "models/kernels/product.h"
#include "models/kernels/tile.h"

const ProductTiles *product_tiles(int number)
{
    static const ProductTiles *const all[] = {
#ifdef __x86_64__
        &tiles_amx,      &tiles_avx512_bf16, &tiles_avx512, &tiles_avx2,
#endif
        &tiles_portable, &tiles_bf16,        NULL};
    return all[number];
}

bool product_runs(const ProductTiles *tiles)
{
    return tiles->runs();
}

bool product_takes(const ProductTiles *tiles, DType A, DType B)
{
    return tiles->packed == REAL || (A == tiles->packed && B == tiles->packed);
}

const ProductTiles *product_fastest(DType A, DType B)
{
    int i = 0;
    while (!product_takes(product_tiles(i), A, B) || !product_runs(product_tiles(i))) i++;
    return product_tiles(i);
}

int product_lanes(const ProductTiles *tiles)
{
    return tiles->lanes;
}

const char *product_tiles_name(const ProductTiles *tiles)
{
    return tiles->name;
}
