/* factor.h - what products of our own (product.h) and their tiles (tile.h) both speak of. */
#ifndef MODELS_KERNELS_FACTOR_H
#define MODELS_KERNELS_FACTOR_H
#include <stdbool.h>
#include <stdint.h>
#include "models/machine/dtype.h"

/* A factor in rows of `ld` values, which the product may read transposed: op(A) is (m, k), op(B) (k, n). */
typedef struct Factor {
    const void *at;
    int64_t ld;
    bool transposed;
    DType type; /* REAL, which is fp32 here, BF16 or FP16 */
} Factor;

/* C, in rows of ld values too. */
typedef struct Result {
    void *at;
    int64_t ld;
    DType type;
} Result;

/* What of a product an instruction set decides. */
typedef struct ProductTiles ProductTiles;
#endif
