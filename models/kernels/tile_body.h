/* tile_body.h - the tiles of one instruction set, compiled by a file of each, which defines
 *   TILES                       the ProductTiles that it makes, and
 *   TILES_NAME                  how they are called
 *   TILES_TARGET                what its functions are compiled for
 *   TILES_RUN                   whether this processor has it
 *   LANES_OF_TILE               values in a vector register
 *   ROWS_OF_TILE                of a tile, beside two registers across. They take twice as many registers as there are
 *                               rows; two more are for a row of B, and one for a value of A. */
#include "models/kernels/tile_result.h"
#include "models/kernels/turn.h"

enum { ACROSS = 2, COLUMNS_OF_TILE = ACROSS * LANES_OF_TILE };
typedef float Lanes __attribute__((vector_size(4 * LANES_OF_TILE), aligned(4), may_alias));

typedef Lanes Sums[ROWS_OF_TILE][ACROSS];

/* Whether a tile of C has more lines than a processor has buffers to fetch them in, and a strip of B is as much as the first
 * cache holds. */
enum {
    LINE = 16 /* fp32 values of a line of the cache */,
    LARGE = ROWS_OF_TILE * COLUMNS_OF_TILE / LINE > 16
};

/* A row of C, by when it is added to. */
INLINED void fetch_row(const Tile *t, int64_t row)
{
    __builtin_prefetch(values_on(t->to.at, t->to.type, row * t->to.ld), 1);
    __builtin_prefetch(values_on(t->to.at, t->to.type, row * t->to.ld + t->columns - 1), 1);
}

/* sum += a b of the first `rows` rows, value by value of k. Of a large tile rows of C are fetched on the way, as all at once
 * they would be before what is read of a and b, and so is b. Inlined where `rows`, and `next` or `along`, are known. */
TILES_TARGET INLINED void add_up(Sums sum, int rows, const float *a, int64_t next, int64_t along,
                                 const Strips *b, const Tile *t)
{
    enum { AHEAD = 8 }; /* values of k */
    const float *at = b->at;
    int64_t fetched = 0, each = LARGE ? b->k / rows + 1 : b->k;
    for (; fetched < rows && !LARGE; fetched++) fetch_row(t, fetched);
    for (int64_t p = 0, end; p < b->k;) {
        if (fetched < rows) fetch_row(t, fetched++);
        for (end = p + each < b->k ? p + each : b->k; p < end; p++, a += along, at += b->along) {
            for (int j = 0; j < COLUMNS_OF_TILE && LARGE; j += LINE)
                __builtin_prefetch(at + AHEAD * b->along + j);
            Lanes row[ACROSS];
#pragma GCC unroll 2
            for (int j = 0; j < ACROSS; j++) row[j] = ((const Lanes *)at)[j];
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                Lanes value = a[i * next] - (Lanes){0}; /* in every lane, as it is: 0 + -0 were 0 */
#pragma GCC unroll 2
                for (int j = 0; j < ACROSS; j++) {
                    sum[i][j] += value * row[j];
                    STAYS(sum[i][j]);
                }
            }
        }
    }
}

/* A product, before anything is added to it: whether the two are one instruction the compiler would choose anew for each
 * number of rows. */
TILES_TARGET INLINED Lanes rounded(Lanes product)
{
    STAYS(product);
    return product;
}

/* So many rows of a tile. One that columns are cut off is computed whole, beside C, as is one of 16 bits. */
TILES_TARGET INLINED void tile_of(int rows, const Strips *a, const Strips *b, const Tile *t)
{
    Sums sum = {0};
    if (a->next == 1)
        add_up(sum, rows, a->at, 1, a->along, b, t);
    else
        add_up(sum, rows, a->at, a->next, 1, b, t);
    float edge[ROWS_OF_TILE * COLUMNS_OF_TILE];
    bool whole = t->columns == COLUMNS_OF_TILE, opens = !whole || is_half(t->from.type),
         closes = !whole || is_half(t->to.type);
    const float *was = opens ? edge : t->from.at;
    float *c = closes ? edge : t->to.at;
    int64_t ldw = opens ? COLUMNS_OF_TILE : t->from.ld, ldc = closes ? COLUMNS_OF_TILE : t->to.ld;
    if (opens && t->beta != 0) {
        memset(edge, 0, sizeof edge);
        for (int64_t i = 0; i < rows; i++) row_open(t->from, i, t->columns, edge + i * COLUMNS_OF_TILE);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        Lanes *at = (Lanes *)(c + i * ldc);
#pragma GCC unroll 2
        for (int j = 0; j < ACROSS; j++) {
            Lanes result = rounded(sum[i][j] * t->alpha);
            if (t->beta != 0) result += ((const Lanes *)(was + i * ldw))[j] * t->beta;
            if (t->bias) result += ((const Lanes *)t->bias)[j];
            at[j] = result;
        }
    }
    for (int64_t i = 0; i < rows && closes; i++) row_close(t->to, i, t->columns, edge + i * COLUMNS_OF_TILE);
}

/* Where rows are cut off, the rest in powers of two. */
TILES_TARGET static void tile(const Strips *a, const Strips *b, const Tile *t)
{
    if (t->rows == ROWS_OF_TILE) {
        tile_of(ROWS_OF_TILE, a, b, t);
        return;
    }
    Strips rest = *a;
    Tile part = *t;
    for (int64_t left = t->rows, rows; left > 0; left -= rows) {
        rows = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        if (rows == 8 && 8 < ROWS_OF_TILE)
            tile_of(8, &rest, b, &part);
        else if (rows == 4 && 4 < ROWS_OF_TILE)
            tile_of(4, &rest, b, &part);
        else if (rows == 2)
            tile_of(2, &rest, b, &part);
        else
            tile_of(1, &rest, b, &part);
        rest.at = values_on(rest.at, REAL, rows * a->next);
        part.from.at = (void *)values_on(part.from.at, part.from.type, rows * part.from.ld);
        part.to.at = (void *)values_on(part.to.at, part.to.type, rows * part.to.ld);
    }
}

/* Values of a factor from `first` on: where they lie, or of 16 bits widened, beside. */
TILES_TARGET static inline const float *values_of(const Strips *from, int64_t first, int64_t count,
                                                  float *beside)
{
    const void *at = values_on(from->at, from->type, first);
    if (!is_half(from->type)) return at;
    widen(from->type, at, beside, count);
    return beside;
}

/* Values that lie side by side: row after row as they come, each into all strips from `first` on. Whole registers
 * are copied: what that is too much is of the row behind, and is written over by it. */
TILES_TARGET static inline void pack_side_by_side(const Strips *from, int64_t first, int64_t width, float *to)
{
    enum { AHEAD = 8 }; /* rows, of which the processor does not know how they lie */
    float beside[PANEL + LANES_OF_TILE];
    for (int64_t p = 0; p < from->k; p++) {
        bool last = p + 1 == from->k;
        const float *at = values_of(from, p * from->along + first, from->count - first, beside);
        for (int64_t i = first; i < from->count; i += LINE)
            __builtin_prefetch(values_on(from->at, from->type, (p + AHEAD) * from->along + i));
        for (int64_t strip = first; strip < from->count; strip += width, at += width) {
            float *line = to + strip * from->k + p * width;
            int64_t left = from->count - strip, there = left < width ? left : width;
            for (int64_t i = 0; i < width && there == width && !last; i += LANES_OF_TILE)
                *(Lanes *)(line + i) = *(const Lanes *)(at + i);
            if (last || there < width) {
                memcpy(line, at, (size_t)there * sizeof *line);
                memset(line + there, 0, (size_t)(width - there) * sizeof *line);
            }
        }
    }
}

/* Values that lie along k: a strip after the other, a line of the cache of each of its rows or columns at a time. */
TILES_TARGET static inline void pack_along(const Strips *from, int64_t first, int64_t width, float *to)
{
    float beside[COLUMNS_OF_TILE * LINE] = {0};
    for (int64_t strip = first; strip < from->count; strip += width) {
        int64_t left = from->count - strip, there = left < width ? left : width;
        bool lie = there == width && !is_half(from->type);
        int64_t next = lie ? from->next : LINE;
        for (int64_t i = there; i < width; i++) memset(beside + i * LINE, 0, LINE * sizeof *beside);
        for (int64_t p = 0; p < from->k; p += LINE) {
            int64_t k = from->k - p < LINE ? from->k - p : LINE, fours_of_k = k / 4 * 4;
            const float *at = lie ? values_of(from, strip * from->next + p, k, beside) : beside;
            for (int64_t i = 0; i < width; i++) /* of the strip behind */
                __builtin_prefetch(values_on(from->at, from->type, (strip + width + i) * from->next + p));
            for (int64_t i = 0; i < there && !lie; i++) {
                float *row = beside + i * LINE;
                const float *values = values_of(from, (strip + i) * from->next + p, k, row);
                if (values != row) memcpy(row, values, (size_t)k * sizeof *row);
            }
            float *line = to + strip * from->k + p * width;
            for (int64_t four = 0; four < width; four += 4) {
                int64_t i = four + 4 <= width ? four : width - 4; /* the last ones once more */
                for (int64_t q = 0; q < fours_of_k; q += 4)
                    turn_fours(at + i * next + q, 4 * next, line + q * width + i, 4 * width);
            }
            for (int64_t i = 0; i < width; i++)
                for (int64_t q = fours_of_k; q < k; q++) line[q * width + i] = at[i * next + q];
        }
    }
}

TILES_TARGET static inline void pack(const Strips *from, int64_t first, int64_t width, float *to)
{
    if (from->next == 1 && first < from->count)
        pack_side_by_side(from, first, width, to);
    else
        pack_along(from, first, width, to);
}

TILES_TARGET static void pack_rows(const ProductTiles *tiles, const Strips *from, int64_t first, void *to)
{
    (void)tiles;
    pack(from, first, ROWS_OF_TILE, to);
}

TILES_TARGET static void pack_columns(const ProductTiles *tiles, const Strips *from, int64_t first, void *to)
{
    (void)tiles;
    pack(from, first, COLUMNS_OF_TILE, to);
}

static bool runs(void)
{
    return TILES_RUN;
}

const ProductTiles TILES = {.name = TILES_NAME,
                            .lanes = LANES_OF_TILE,
                            .runs = runs,
                            .packed = REAL,
                            .rows = ROWS_OF_TILE,
                            .columns = COLUMNS_OF_TILE,
                            .depth = 1,
                            .tile = tile,
                            .pack_rows = pack_rows,
                            .pack_columns = pack_columns};
