/* product.h - matrix products of our own in fp32, for the shapes of a training step.
 *
 * As in Goto & van de Geijn, Anatomy of High-Performance Matrix Multiplication (TOMS 2008): of B a panel of `depth` rows
 * is packed, of A a block of `depth` columns that stays in the second cache, and a tile of C is held in registers while
 * both pass by. A factor that lies as tiles read it is not packed where few tiles read it.
 *
 * An element of C is added up over k in blocks of PRODUCT_DEPTH, in order, whatever the tile or the rows and columns
 * beside it: a product cut into rows or columns gives the same bits as the whole. Other instructions give others, as
 * some have fused multiply-add. */
#ifndef MODELS_KERNELS_PRODUCT_H
#define MODELS_KERNELS_PRODUCT_H
#include <stdbool.h>
#include <stdint.h>

/* A factor in rows of `ld` values, which the product may read transposed: op(A) is (m, k), op(B) (k, n). */
typedef struct Factor {
    const float *at;
    int64_t ld;
    bool transposed;
} Factor;

/* What of it an instruction set decides. */
typedef struct ProductTiles ProductTiles;

/* Those that this processor can run, the fastest first; the last is portable. */
enum { PRODUCT_TILES = 3 };
int product_tiles(const ProductTiles *tiles[PRODUCT_TILES]);
const char *product_tiles_name(const ProductTiles *tiles);

enum { PRODUCT_DEPTH = 384 };
/* C (m, n), in rows of ldc, = alpha op(A) op(B) + beta C; with beta = 0 what C holds is not read. */
typedef struct Product {
    int64_t m, n, k;
    Factor A, B;
    float alpha, beta, *C;
    int64_t ldc;
} Product;
void product(const ProductTiles *tiles, const Product *p);
#endif
