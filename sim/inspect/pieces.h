/* pieces.h - a tensor of a file in pieces, so that one of any size fits the memory; and what its values are. */
#ifndef SIM_INSPECT_PIECES_H
#define SIM_INSPECT_PIECES_H
#include "sim/inspect/arrays.h"

enum { PIECE = 1 << 16 }; /* values at most */

/* Where a piece lies, and which of the tensor's values, counted row by row, it has. */
typedef struct ArrayPieces {
    size_t rows, columns; /* of the tensor */
    size_t first, count;
    H5Slab slab;
} ArrayPieces;

/* Before the first. */
ArrayPieces pieces_of(const Array *tensor);
bool pieces_next(ArrayPieces *pieces);

typedef struct ArrayValues {
    size_t nan, infinite;                 /* how many are no finite numbers; of the others: */
    double least, most, root_mean_square; /* NaN: there are none */
} ArrayValues;
bool values_read(H5 *file, const Array *tensor, ArrayValues *values, Progress *progress, Error *error);
/* What a checkpoint's checksum of it is; `kind`: what its values are. */
bool values_sum(H5 *file, const Array *tensor, H5Kind kind, uint64_t *sum, Progress *progress, Error *error);
#endif
