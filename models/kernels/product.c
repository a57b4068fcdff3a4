/* product.c - blocks and panels, by whichever tiles. */
#include "models/kernels/product.h"
#include <stdalign.h>
#include <stdlib.h>
#include "models/kernels/strip.h"
#include "models/kernels/tile_result.h"
#include "models/machine/error.h"
#include "models/machine/team.h"

/* Rows of a block of A at most, which takes less than half of the second cache: fewer of a bf16 factor with more of k in a
 * row; blocks whose sums stay open where C is of 16 bits. */
enum { BLOCK = 182, OPEN = 2 };

/* Whole strips: as many rows or columns, `most` at most, as there is room for beside one another, where `most` of fp32
 * PRODUCT_DEPTH deep fill it. */
static int64_t stays(const ProductTiles *tiles, int64_t most, int64_t depth, int64_t width)
{
    int64_t values = (is_half(tiles->packed) ? 2 : 1) * most * PRODUCT_DEPTH;
    return least(most, values / filled(depth, tiles->depth)) / width * width;
}

static Result result_on(Result c, int64_t row, int64_t column)
{
    c.at = (void *)values_on(c.at, c.type, row * c.ld + column);
    return c;
}

/* Where a tile stands in the whole product. */
typedef struct Place {
    int64_t row, column, k;
} Place;

/* What of k a tile needs, `first` and up to `end`, of so many rows; returns whether it has anything to do. */
static bool needs(Causal causal, Place at, int64_t rows, int64_t *first, int64_t *end)
{
    int64_t last = at.row + rows - 1 + causal.first; /* column that its last row has */
    switch (causal.part) {
    case CAUSAL_C: return at.column <= last;
    case CAUSAL_A: *end = least(*end, last + 1 - at.k); return *end > 0;
    case CAUSAL_A_TRANSPOSED:
        if (at.row - causal.first > at.k) *first = least(at.row - causal.first - at.k, *end);
        return *first < *end || at.k == 0; /* beta C is due */
    case CAUSAL_NONE: break;
    }
    return true;
}

/* A strip's part, of one that is packed in fp32 or lies. */
static Strips strip_part(Strips s, int64_t first, int64_t end)
{
    s.at = values_on(s.at, s.type, first * s.along);
    s.k = end - first;
    return s;
}

/* A block of A beside a panel of B. */
typedef struct Beside {
    const Read *a, *b;
    Causal causal;
    Place at;
    Tile tile;  /* the first */
    bool first; /* beside this panel */
} Beside;

static void multiply_tile(const ProductTiles *tiles, const Beside *x, int64_t i, int64_t j)
{
    Strips rows = read_strip(x->a, i, j > 0), columns = read_strip(x->b, j, i > 0 || !x->first);
    int64_t first = 0, end = x->a->lying.k;
    Tile t = x->tile;
    t.rows = least(tiles->rows, x->a->lying.count - i);
    t.columns = least(tiles->columns, x->b->lying.count - j);
    if (x->causal.part != CAUSAL_NONE) {
        Place at = {x->at.row + i, x->at.column + j, x->at.k};
        if (!needs(x->causal, at, t.rows, &first, &end)) return;
        if (tiles->packed == REAL) {
            rows = strip_part(rows, first, end);
            columns = strip_part(columns, first, end);
        }
    }
    t.from = result_on(t.from, i, j);
    t.to = result_on(t.to, i, j);
    if (t.bias) t.bias += j;
    tiles->tile(&rows, &columns, &t);
}

/* A strip of columns, which stays in the first cache, beside all rows. Strips are packed just before they are read, out of
 * the second cache: tiles before have fetched them, each a part. */
static void multiply_real(const ProductTiles *tiles, Beside *x)
{
    int64_t rows = x->a->lying.count, columns = x->b->lying.count;
    Tile *t = &x->tile;
    for (int64_t j = 0; j < columns; j += tiles->columns) {
        if (x->first) read_pack(x->b, j, j + tiles->columns);
        Soon soon = read_soon(x->b, j + tiles->columns, filled(rows, tiles->rows) / tiles->rows), row;
        for (int64_t i = 0; i < rows; i += tiles->rows, soon.at += soon.rows * soon.apart) {
            int64_t behind = i + tiles->rows;
            if (j == 0) read_pack(x->a, i, behind);
            t->keep_a = j == 0 ? read_keeps(x->a, i) : NULL;
            t->keep_b = x->first && i == 0 ? read_keeps(x->b, j) : NULL;
            t->soon = x->first ? &soon : NULL;
            if (j == 0 && behind >= x->a->packed_from) {
                row = read_soon(x->a, behind, 1);
                t->soon = &row;
            }
            multiply_tile(tiles, x, i, j);
        }
    }
}

/* Where a tile takes less time than its lines of C to come: row by row, as C lies. */
static void multiply_bf16(const ProductTiles *tiles, const Beside *x)
{
    int64_t rows = x->a->lying.count, columns = x->b->lying.count;
    read_pack(x->a, 0, rows);
    if (x->first) read_pack(x->b, 0, columns);
    for (int64_t i = 0; i < rows; i += tiles->rows)
        for (int64_t j = 0; j < columns; j += tiles->columns) multiply_tile(tiles, x, i, j);
}

/* Of a panel's columns, filled up to whole tiles with zeros. */
static const float *bias_of(const Product *p, int64_t first, int64_t columns, float *beside)
{
    if (!p->bias) return NULL;
    const void *at = values_on(p->bias, p->bias_type, first);
    memset(beside + columns, 0, (size_t)(PANEL - columns) * sizeof *beside);
    if (is_half(p->bias_type))
        widen(p->bias_type, at, beside, columns);
    else
        memcpy(beside, at, (size_t)columns * sizeof *beside);
    return beside;
}

/* Packing pays where a strip passes by often; rows along k are read as fast where they lie, unless they are so far apart
 * that all are in the same lines of the first cache. */
enum { FEW = 5, SAME_LINES = 1024 };

/* Rows of A beside so many columns; of bf16 those along k are read where they lie, if the tiles do. */
static Read rows_of(const ProductTiles *tiles, Strips rows, int64_t columns, bool keeps, float *block)
{
    bool few = tiles->packed == REAL && columns <= FEW * tiles->columns, along = rows.along == 1,
         lie = tiles->packed == REAL ? few || (along && rows.next % SAME_LINES != 0)
                                     : along && tiles->rows_lie && rows.k % tiles->depth == 0;
    int64_t whole = rows.count / tiles->rows * tiles->rows,
            in_place = lie && tiles->packed == REAL ? rows.count : whole;
    return (Read){.tiles = tiles,
                  .pack = tiles->pack_rows,
                  .lying = rows,
                  .packed = block,
                  .width = tiles->rows,
                  .k = filled(rows.k, tiles->depth),
                  .packed_from = rows.type == tiles->packed && (lie || keeps) ? in_place : 0,
                  .kept = keeps && !lie};
}

/* Columns of B beside so many rows: those that are side by side are in rows of B. */
static Read columns_of(const ProductTiles *tiles, Strips columns, int64_t rows, bool keeps, float *panel)
{
    bool real = tiles->packed == REAL, few = real && rows <= FEW * tiles->rows,
         lie = columns.type == tiles->packed && columns.next == 1;
    int64_t whole = columns.count / tiles->columns * tiles->columns;
    return (Read){.tiles = tiles,
                  .pack = tiles->pack_columns,
                  .lying = columns,
                  .packed = panel,
                  .width = tiles->columns,
                  .k = filled(columns.k, tiles->depth),
                  .packed_from = lie && (few || keeps) ? whole : 0,
                  .kept = keeps && !few};
}

/* What a thread packs into. */
typedef struct Room {
    alignas(64) float block[BLOCK * PRODUCT_DEPTH];
    alignas(64) float panel[PANEL * PRODUCT_DEPTH];
    alignas(64) float open[OPEN * BLOCK * PANEL];
    float bias[PANEL];
} Room;

/* This thread's, which stays. */
static Room *room(void)
{
    static Room first, *others[TEAM_MOST];
    int place = team_place();
    if (place == 0) return &first;
    if (!others[place]) {
        others[place] = aligned_alloc(alignof(Room), sizeof(Room));
        if (!others[place])
            fail("out of memory: %zu bytes for a thread to pack into; try train.threads = 1", sizeof(Room));
    }
    return others[place];
}

/* How a product is cut: of k blocks at most `depth` deep, of C panels of columns, and in these groups of rows, in blocks.
 * Sums that several blocks of k add to are rounded after the last: until then they stay open, of as many rows of C as the
 * second cache holds beside a panel. */
typedef struct Cut {
    int64_t depth, columns, group, rows;
    bool opens;
} Cut;

static Cut cut_of(const ProductTiles *tiles, const Product *p)
{
    int64_t most = tiles->packed == REAL ? PRODUCT_DEPTH : PRODUCT_DEPTH_BF16,
            deepest = p->k > 1 ? least(most, p->k) : 1, rows = stays(tiles, BLOCK, deepest, tiles->rows);
    bool opens = is_half(p->C.type) && p->k > most;
    return (Cut){.depth = most,
                 .columns = stays(tiles, PANEL, deepest, tiles->columns),
                 .group = opens ? OPEN * rows : p->m,
                 .rows = rows,
                 .opens = opens};
}

/* Of the group of rows from `first` on and the panel of columns from j on. */
static void multiply_group(const ProductTiles *tiles, const Product *p, const Cut *cut, int64_t first,
                           int64_t j)
{
    Room *r = room();
    int64_t columns = least(cut->columns, p->n - j), end = least(first + cut->group, p->m), k = 0;
    /* Not beside a causal matrix, where a strip's first tile may be left out. */
    bool keeps = tiles->packed == REAL && p->causal.part == CAUSAL_NONE;
    Result C = result_on(p->C, first, j), sums = cut->opens ? (Result){r->open, PANEL, REAL} : C;
    const float *bias = bias_of(p, j, columns, r->bias);
    do {
        int64_t depth = least(cut->depth, p->k - k);
        Read b = columns_of(tiles, strips(p->B, true, j, columns, k, depth), end - first, keeps, r->panel);
        bool last = k + depth == p->k;
        Tile t = {.from = k == 0 ? C : sums,
                  .to = last ? C : sums,
                  .alpha = p->alpha,
                  .beta = k == 0 ? p->beta : 1,
                  .bias = last ? bias : NULL};
        for (int64_t i = first; i < end; i += cut->rows) {
            int64_t rows = least(cut->rows, end - i);
            Read a = rows_of(tiles, strips(p->A, false, i, rows, k, depth), columns, keeps, r->block);
            Beside x = {&a, &b, p->causal, {i, j, k}, t, i == first};
            if (tiles->packed == REAL)
                multiply_real(tiles, &x);
            else
                multiply_bf16(tiles, &x);
            t.from = result_on(t.from, rows, 0);
            t.to = result_on(t.to, rows, 0);
        }
        k += depth;
    } while (k < p->k);
}

static void multiply_part(const ProductTiles *tiles, const Product *p)
{
    Cut cut = cut_of(tiles, p);
    if (tiles->begin) tiles->begin();
    for (int64_t j = 0; j < p->n; j += cut.columns)
        for (int64_t i = 0; i < p->m; i += cut.group) multiply_group(tiles, p, &cut, i, j);
    if (tiles->end) tiles->end();
}

/* ---- by a team ---- */

typedef struct Division {
    const ProductTiles *tiles;
    const Product *whole;
    bool columns; /* of C are divided, or its rows */
} Division;

static void multiply_some(void *context, int64_t first, int64_t end)
{
    const Division *d = context;
    Product p = *d->whole;
    if (d->columns) {
        p.B.at = strips(p.B, true, first, end - first, 0, p.k).at;
        p.C = result_on(p.C, 0, first);
        p.n = end - first;
        if (p.bias) p.bias = values_on(p.bias, p.bias_type, first);
    } else {
        p.A.at = strips(p.A, false, first, end - first, 0, p.k).at;
        p.C = result_on(p.C, first, 0);
        p.m = end - first;
    }
    multiply_part(d->tiles, &p);
}

void product(const ProductTiles *tiles, const Product *p)
{
    bool columns = p->n > p->m;
    int64_t count = columns ? p->n : p->m, each = (columns ? p->m : p->n) * p->k; /* of one row or column */
    int64_t share = each > 0 ? filled(PRODUCT_SHARE, each) / each : count;
    int64_t grain = filled(share, columns ? tiles->columns : tiles->rows);
    if (p->causal.part != CAUSAL_NONE) grain = count; /* whoever has many heads divides these */
    team_divide(count, grain, multiply_some, &(Division){tiles, p, columns});
}
