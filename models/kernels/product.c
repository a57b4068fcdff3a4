/* product.c - blocks and panels, by whichever tiles. */
#include "models/kernels/product.h"
#include <stdalign.h>
#include <stdlib.h>
#include "models/kernels/tile_result.h"
#include "models/machine/error.h"
#include "models/machine/team.h"

/* Rows of a block of A at most, which takes less than half of the second cache: fewer of a bf16 factor with more of k in a
 * row; blocks whose sums stay open where C is of 16 bits. */
enum { BLOCK = 182, OPEN = 2 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of op(A) the rows from `first` on, of op(B), which is read as its transposed, the columns. */
static Strips strips(Factor f, bool columns, int64_t first, int64_t count, int64_t k_first, int64_t k)
{
    bool in_turn = f.transposed == columns; /* as it lies, k runs along a row */
    int64_t next = in_turn ? f.ld : 1, along = in_turn ? 1 : f.ld;
    return (Strips){values_on(f.at, f.type, first * next + k_first * along), f.type, next, along, count, k};
}

/* A factor's part as its tiles read it: packed, or strips where they lie, but for one that is cut short. */
typedef struct Read {
    Strips lying;
    DType type;
    const void *packed;
    int64_t width, k;
    int64_t packed_from; /* strips from here on */
} Read;

static Strips strip_of(const Read *r, int64_t first)
{
    if (first >= r->packed_from)
        return (Strips){.at = values_on(r->packed, r->type, first * r->k),
                        .type = r->type,
                        .next = r->type == REAL ? 1 : r->k,
                        .along = r->type == REAL ? r->width : 1,
                        .count = r->width,
                        .k = r->k};
    Strips s = r->lying;
    s.at = values_on(s.at, s.type, first * s.next);
    return s;
}

/* Of the type that tiles read, so many rows or columns where they lie. */
static Read read_of(const ProductTiles *tiles, Strips lying, int64_t in_place, int64_t width, void *packed)
{
    return (Read){lying,
                  tiles->packed,
                  packed,
                  width,
                  filled(lying.k, tiles->depth),
                  lying.type == tiles->packed ? in_place : 0};
}

/* How many of A's rows tiles read where they lie: of fp32 all, where few columns pass by; of bf16 whole strips along k. */
static int64_t rows_in_place(const ProductTiles *tiles, const Strips *rows, bool few_columns)
{
    if (tiles->packed == REAL) return few_columns ? rows->count : 0;
    bool along = tiles->rows_lie && rows->along == 1 && rows->k % tiles->depth == 0;
    return along ? rows->count / tiles->rows * tiles->rows : 0;
}

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
    Tile tile; /* the first */
} Beside;

static void multiply_tile(const ProductTiles *tiles, const Beside *x, int64_t i, int64_t j)
{
    Strips rows = strip_of(x->a, i), columns = strip_of(x->b, j);
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

/* All tiles: of fp32 a strip of columns, which stays in the first cache, beside all rows; of bf16, where a tile takes less
 * time than its lines of C to come, row by row, as C lies. */
static void multiply(const ProductTiles *tiles, const Beside *x)
{
    int64_t rows = x->a->lying.count, columns = x->b->lying.count;
    if (tiles->packed == BF16)
        for (int64_t i = 0; i < rows; i += tiles->rows)
            for (int64_t j = 0; j < columns; j += tiles->columns) multiply_tile(tiles, x, i, j);
    else
        for (int64_t j = 0; j < columns; j += tiles->columns)
            for (int64_t i = 0; i < rows; i += tiles->rows) multiply_tile(tiles, x, i, j);
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

/* Packing pays where a strip passes by often. */
enum { FEW = 5 };

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
    bool few_rows = end - first <= FEW * tiles->rows, few_columns = columns <= FEW * tiles->columns;
    bool lies = tiles->packed == REAL && few_rows && !p->B.transposed;
    int64_t lying = lies ? columns / tiles->columns * tiles->columns : 0;
    Result C = result_on(p->C, first, j), sums = cut->opens ? (Result){r->open, PANEL, REAL} : C;
    const float *bias = bias_of(p, j, columns, r->bias);
    do {
        int64_t depth = least(cut->depth, p->k - k);
        Read b = read_of(tiles, strips(p->B, true, j, columns, k, depth), lying, tiles->columns, r->panel);
        tiles->pack_columns(tiles, &b.lying, b.packed_from, r->panel);
        bool last = k + depth == p->k;
        Tile t = {.from = k == 0 ? C : sums,
                  .to = last ? C : sums,
                  .alpha = p->alpha,
                  .beta = k == 0 ? p->beta : 1,
                  .bias = last ? bias : NULL};
        for (int64_t i = first; i < end; i += cut->rows) {
            int64_t rows = least(cut->rows, end - i);
            Strips lie = strips(p->A, false, i, rows, k, depth);
            Read a = read_of(tiles, lie, rows_in_place(tiles, &lie, few_columns), tiles->rows, r->block);
            tiles->pack_rows(tiles, &a.lying, a.packed_from, r->block);
            multiply(tiles, &(Beside){&a, &b, p->causal, {i, j, k}, t});
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
