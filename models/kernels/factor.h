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

/* A causal matrix: row i ends with column i + `first`, first >= 0. Which of a product's is one: op(A) and what it is the
 * transposed of are zero behind that; of C nobody asks for what lies there, and it may hold anything afterwards. */
typedef enum { CAUSAL_NONE, CAUSAL_A, CAUSAL_A_TRANSPOSED, CAUSAL_C } CausalPart;
typedef struct Causal {
    CausalPart part;
    int64_t first;
} Causal;

/* What of a product an instruction set decides. */
typedef struct ProductTiles ProductTiles;
#endif
