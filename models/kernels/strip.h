/* strip.h - a part of a factor as the tiles of a product read it, strip after strip: where it lies; packed before its first
 * tile reads it; or kept by that tile, which reads it where it lies, for those behind. */
#ifndef MODELS_KERNELS_STRIP_H
#define MODELS_KERNELS_STRIP_H
#include "models/kernels/tile.h"

/* Packs strips (tile.h). */
typedef void StripPack(const ProductTiles *tiles, const Strips *from, int64_t first, void *to);

typedef struct Read {
    const ProductTiles *tiles;
    StripPack *pack;
    Strips lying;
    void *packed;     /* room for all of it */
    int64_t width, k; /* of a strip, of which k is filled up */
    int64_t
        packed_from; /* strips from here on are packed before they are read; those before are read where they lie, */
    bool kept; /* and kept in their places by their first tile, which has all its rows */
} Read;

/* Of op(A) the rows from `first` on, of op(B), which is read as its transposed, the columns. */
Strips strips(Factor f, bool columns, int64_t first, int64_t count, int64_t k_first, int64_t k);

/* The strip that begins with row or column `first`, for its first tile or for one of those behind. */
Strips read_strip(const Read *r, int64_t first, bool again);
/* Where its first tile keeps it; NULL: nowhere. */
float *read_keeps(const Read *r, int64_t first);
/* Packs what has to be packed of the strips from `first` on, up to `end`. */
void read_pack(const Read *r, int64_t first, int64_t end);
/* Of the memory that the strip lies in the first of so many parts; of no strip, behind the last, nothing. */
Soon read_soon(const Read *r, int64_t first, int64_t parts);
#endif
