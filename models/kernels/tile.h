/* tile.h - what an instruction set makes of a product (product.h): the tile of C in its registers, and how factors lie
 * for it. */
#ifndef MODELS_KERNELS_TILE_H
#define MODELS_KERNELS_TILE_H
#include "models/kernels/factor.h"

/* Memory that is read before long: so many rows of bytes, so many bytes from one to the next. */
typedef struct Soon {
    const char *at;
    int64_t rows, bytes, apart;
} Soon;

/* The rows and columns of C that a tile has; those at an edge are fewer. */
typedef struct Tile {
    Result from, to; /* what beta C is taken of, and what the sum goes to */
    int64_t rows, columns;
    float alpha, beta;
    const float *bias; /* of as many columns as a whole tile has, or NULL */
    /* In fp32: where a strip of a, and one of b that lies side by side, is stored as it is read, packed; NULL: nowhere. Of a
     * tile that has all its rows. */
    float *keep_a, *keep_b;
    const Soon *soon; /* what it fetches meanwhile, into the second cache; NULL: nothing */
} Tile;

/* A (count, k) part of a factor: `next` values from one of its rows, or columns, to the next of them, and `along` from
 * one k to the next. */
typedef struct Strips {
    const void *at;
    DType type;
    int64_t next, along;
    int64_t count, k;
} Strips;

/* Columns of a panel of B at most, which comes from the last cache once for each block of A. */
enum { PANEL = 1024 };

/* x filled up to a multiple. */
static inline int64_t filled(int64_t x, int64_t multiple)
{
    return (x + multiple - 1) / multiple * multiple;
}

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* So many values on. */
static inline const void *values_on(const void *at, DType type, int64_t count)
{
    return (const char *)at + count * (is_half(type) ? 2 : 4);
}

struct ProductTiles {
    const char *name;
    int lanes; /* of fp32; of those that multiply bf16 none */
    bool (*runs)(void);
    DType packed;                 /* REAL; or BF16, for two factors of it */
    int64_t rows, columns, depth; /* of k a multiple of `depth` */
    bool rows_lie; /* strips of bf16 rows along k may lie where they are, if k is such a multiple */
    /* Before and after the tiles of a product; may be NULL. */
    void (*begin)(void);
    void (*end)(void);
    /* C = alpha a b + beta C + bias of a strip of as many rows as a tile has and one of as many columns. Packed or where
     * they lie, where that is fp32 or `rows_lie`: of b `next` is 1, of a `next` or `along`. */
    void (*tile)(const Strips *a, const Strips *b, const Tile *t);
    /* Strips from `first` on, a multiple of what a tile has, to their places in `to`, one after the other, the last filled
     * up with zeros. Of `from` next or along is 1, and `count` at most PANEL. In fp32 for each k a strip's values side by
     * side. In bf16, filled up to `depth`, of rows each along k, of columns for each pair of k's their pairs side by side. */
    void (*pack_rows)(const ProductTiles *tiles, const Strips *from, int64_t first, void *to);
    void (*pack_columns)(const ProductTiles *tiles, const Strips *from, int64_t first, void *to);
};

extern const ProductTiles tiles_portable, tiles_bf16;
#ifdef __x86_64__
extern const ProductTiles tiles_avx2, tiles_avx512, tiles_avx512_bf16, tiles_amx;
#endif
#endif
