/* product.h - matrix products of our own for the shapes of a training step, of fp32 and 16 bits.
 *
 * As in Goto & van de Geijn, Anatomy of High-Performance Matrix Multiplication (TOMS 2008): of B a panel of `depth` rows
 * is packed, of A a block of `depth` columns that stays in the second cache, and a tile of C is held in registers while
 * both pass by. In fp32 a strip is packed as its first tile needs it, mostly by that tile, which stores what it reads where it
 * lies, while others fetch what is next. Not packed are rows of A along k, and what few tiles read.
 *
 * An element of C is added up over k in blocks of PRODUCT_DEPTH, of packed bf16 of PRODUCT_DEPTH_BF16, in order, whatever
 * the tile or the rows and columns beside it: a product cut into rows or columns gives the same bits as the whole. Other
 * instructions give others, as some have fused multiply-add.
 *
 * Factors of 16 bits are widened as they are packed; into a C of 16 bits sums are rounded once. Both give the bits of
 * the same numbers in fp32, without a copy of them.
 *
 * Where the processor multiplies bf16, two factors of it are packed as they are. Their products are exact, and are added
 * up in fp32 in an order of the instruction's own; numbers below the normal ones are taken for zero.
 *
 * A large product's longer side is divided among the threads of a team (team.h); causal ones are not, of which there are
 * many, head by head.
 *
 * Of causal attention's products about half is left out, tile by tile, which in fp32 changes no bit of the rest. */
#ifndef MODELS_KERNELS_PRODUCT_H
#define MODELS_KERNELS_PRODUCT_H
#include "models/kernels/factor.h"

/* Those that there are, the fastest first; NULL after the last. */
const ProductTiles *product_tiles(int number);
const char *product_tiles_name(const ProductTiles *tiles);
int product_lanes(const ProductTiles *tiles); /* fp32 values that one instruction multiplies and adds */
bool product_runs(const ProductTiles *tiles); /* on this processor */
bool product_takes(const ProductTiles *tiles, DType A, DType B);
/* That runs and takes them: one is portable, and takes all. */
const ProductTiles *product_fastest(DType A, DType B);

/* Multiplications that are worth another thread: tens of microseconds. */
enum { PRODUCT_SHARE = 1 << 20 };

enum { PRODUCT_DEPTH = 384, PRODUCT_DEPTH_BF16 = 4096 };
/* C (m, n) = alpha op(A) op(B) + beta C + bias, a row that is added to each; with beta = 0 what C holds is not read. */
typedef struct Product {
    int64_t m, n, k;
    Factor A, B;
    float alpha, beta;
    Result C;
    const void *bias; /* NULL: none */
    DType bias_type;
    Causal causal; /* C in fp32, and no bias */
} Product;
void product(const ProductTiles *tiles, const Product *p);
#endif
