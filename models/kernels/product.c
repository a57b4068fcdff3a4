/* product.c - blocks and panels. */
#include "models/kernels/product.h"
#include <stdalign.h>
#include "models/kernels/tile.h"

int product_tiles(const ProductTiles *tiles[PRODUCT_TILES])
{
    int count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) tiles[count++] = &tiles_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tiles[count++] = &tiles_avx2;
#endif
    tiles[count++] = &tiles_portable;
    return count;
}

const char *product_tiles_name(const ProductTiles *tiles)
{
    return tiles->name;
}

/* Rows of a block of A at most, which takes less than half of the second cache; columns of a panel of B, which passes
 * through it. */
enum { BLOCK = 96, PANEL = 512 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of op(A) the rows from `first` on, of op(B), which is read as its transposed, the columns. */
static Strips strips(Factor f, bool columns, int64_t first, int64_t count, int64_t k_first, int64_t k)
{
    bool in_turn = f.transposed == columns; /* as it lies, k runs along a row */
    int64_t next = in_turn ? f.ld : 1, along = in_turn ? 1 : f.ld;
    return (Strips){f.at + first * next + k_first * along, next, along, count, k};
}

/* A factor's part as its tiles read it: packed, or strips where they lie but for one that is cut short. */
typedef struct Read {
    Strips lying;
    const float *packed;
    int64_t width;
    int64_t packed_from; /* strips from here on */
} Read;

static Strips strip_of(const Read *r, int64_t first)
{
    if (first >= r->packed_from)
        return (Strips){r->packed + first * r->lying.k, 1, r->width, r->width, r->lying.k};
    Strips s = r->lying;
    s.at += first * s.next;
    return s;
}

static Read read_of(Strips lying, bool in_place, int64_t width, float *packed)
{
    return (Read){lying, packed, width, in_place ? lying.count / width * width : 0};
}

/* All tiles of a block beside a panel: `t` is of its first. */
static void multiply(const ProductTiles *tiles, const Read *a, const Read *b, Tile t)
{
    float *c = t.c;
    for (int64_t j = 0; j < b->lying.count; j += tiles->columns) {
        Strips columns = strip_of(b, j);
        for (int64_t i = 0; i < a->lying.count; i += tiles->rows) {
            Strips rows = strip_of(a, i);
            t.c = c + i * t.ldc + j;
            t.rows = least(tiles->rows, a->lying.count - i);
            t.columns = least(tiles->columns, b->lying.count - j);
            tiles->tile(&rows, &columns, &t);
        }
    }
}

/* Packing pays where a strip passes by often. */
enum { FEW = 4 };

void product(const ProductTiles *tiles, const Product *p)
{
    static alignas(64) float block[BLOCK * PRODUCT_DEPTH], panel[PANEL * PRODUCT_DEPTH];
    int64_t rows_of_block = BLOCK / tiles->rows * tiles->rows;
    for (int64_t j = 0; j < p->n; j += PANEL) {
        int64_t columns = least(PANEL, p->n - j), k = 0;
        do {
            int64_t depth = least(PRODUCT_DEPTH, p->k - k);
            Read b = read_of(strips(p->B, true, j, columns, k, depth),
                             !p->B.transposed && p->m <= FEW * tiles->rows, tiles->columns, panel);
            tiles->pack_columns(&b.lying, b.packed_from, panel);
            for (int64_t i = 0; i < p->m; i += rows_of_block) {
                int64_t rows = least(rows_of_block, p->m - i);
                Read a = read_of(strips(p->A, false, i, rows, k, depth),
                                 !p->A.transposed || columns <= FEW * tiles->columns, tiles->rows, block);
                tiles->pack_rows(&a.lying, a.packed_from, block);
                multiply(tiles, &a, &b,
                         (Tile){p->C + i * p->ldc + j, p->ldc, 0, 0, p->alpha, k == 0 ? p->beta : 1});
            }
            k += depth;
        } while (k < p->k);
    }
}
