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
    LINE_BYTES = 4 * LINE,
    SECOND_CACHE = 2, /* as __builtin_prefetch() counts them */
    LARGE = ROWS_OF_TILE * COLUMNS_OF_TILE / LINE > 16
};

/* A row of C, by when it is added to. */
INLINED void fetch_row(const Tile *t, int64_t row)
{
    __builtin_prefetch(values_on(t->to.at, t->to.type, row * t->to.ld), 1);
    __builtin_prefetch(values_on(t->to.at, t->to.type, row * t->to.ld + t->columns - 1), 1);
}

/* How a strip of a lies: for each k its values side by side, or each of its rows along k; and whether it is kept. */
typedef enum { BESIDE, BESIDE_KEPT, ALONG, ALONG_KEPT } Lie;

/* Of what is read before long the next line. */
typedef struct Fetch {
    const char *row;
    int64_t in_row, done, lines;
} Fetch;

INLINED Fetch fetch_of(const Soon *soon)
{
    if (!soon) return (Fetch){0};
    return (Fetch){.row = soon->at, .lines = soon->rows * ((soon->bytes + LINE_BYTES - 1) / LINE_BYTES)};
}

INLINED void fetch_line(const Soon *soon, Fetch *f)
{
    f->in_row += LINE_BYTES;
    bool last = f->in_row >= soon->bytes;
    __builtin_prefetch(f->row + (last ? soon->bytes : f->in_row) - 1, 0, SECOND_CACHE);
    if (last) f->in_row = 0, f->row += soon->apart;
    f->done++;
}

/* sum += a b of the first `rows` rows, value by value of k. Of a large tile rows of C are fetched on the way, as all at once
 * they would be before what is read of a and b, and so are these. Inlined where what is before `a` is known.
 *
 * Rows along k have one pointer for three of them: one each is more than there are registers. */
TILES_TARGET INLINED void add_up(Sums sum, int rows, Lie lie, bool keeps_b, const Strips *a, const Strips *b,
                                 const Tile *t)
{
    enum { AHEAD = 8 /* values of k */, AHEAD_IN_ROW = 2 * LINE, GROUP = 3 };
    const bool in_rows = lie == ALONG || lie == ALONG_KEPT;
    const int group = in_rows ? GROUP : rows;
    int64_t next = in_rows ? a->next : 1, twice = 2 * next, along = in_rows ? 1 : a->along,
            along_b = b->along, k = b->k;
    const float *row[(ROWS_OF_TILE + GROUP - 1) / GROUP], *at = b->at;
    float *keep_a = t->keep_a, *keep_b = t->keep_b;
    if (in_rows) AS_IT_IS(twice);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i += group) row[i / group] = (const float *)a->at + i * next;
    Fetch soon = fetch_of(t->soon);
    int64_t fetched = 0, each = LARGE ? LINE : k;
    for (int64_t p = 0; p < k; p += each) {
        for (; fetched < rows && (fetched + 1) * k <= (p + each) * rows; fetched++) fetch_row(t, fetched);
        while (soon.done < soon.lines && soon.done * k < (p + each) * soon.lines) fetch_line(t->soon, &soon);
        const float *line = row[0] + AHEAD_IN_ROW;
        int64_t left = k - p < each ? k - p : each;
        do {
#pragma GCC unroll 4
            for (int j = 0; j < COLUMNS_OF_TILE && (LARGE || keeps_b); j += LINE)
                __builtin_prefetch(at + AHEAD * along_b + j);
            if (in_rows && LARGE) { /* of one row after the other */
                __builtin_prefetch(line);
                line += next;
            }
            if (!in_rows && (LARGE || lie == BESIDE_KEPT))
                __builtin_prefetch(row[0] + AHEAD * along + ROWS_OF_TILE - 1);
            if (lie == BESIDE_KEPT) /* the strip behind, in the same page */
                __builtin_prefetch(row[0] + 2 * ROWS_OF_TILE - 1, 0, SECOND_CACHE);
            Lanes column[ACROSS];
#pragma GCC unroll 2
            for (int j = 0; j < ACROSS; j++) {
                column[j] = ((const Lanes *)at)[j];
                if (keeps_b) ((Lanes *)keep_b)[j] = column[j];
            }
            if (lie == BESIDE_KEPT) memcpy(keep_a, row[0], ROWS_OF_TILE * sizeof *keep_a);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) {
                float one = row[i / group][in_rows && i % group == 2 ? twice : i % group * next];
                Lanes value = one - (Lanes){0}; /* in every lane, as it is: 0 + -0 were 0 */
                if (lie == ALONG_KEPT) keep_a[i] = value[0];
#pragma GCC unroll 2
                for (int j = 0; j < ACROSS; j++) {
                    sum[i][j] += value * column[j];
                    STAYS(sum[i][j]);
                }
                STAYS(value);
            }
#pragma GCC unroll 2
            for (int j = 0; j < ACROSS; j++) STAYS(column[j]);
#pragma GCC unroll 8
            for (int i = 0; i < rows; i += group) {
                row[i / group] += along;
                if (in_rows) AS_IT_IS(row[i / group]);
            }
            at += along_b;
            keep_a += ROWS_OF_TILE;
            keep_b += COLUMNS_OF_TILE;
        } while (--left != 0);
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
TILES_TARGET INLINED void tile_of(int rows, Lie lie, bool keeps_b, const Strips *a, const Strips *b,
                                  const Tile *t)
{
    Sums sum = {0};
    add_up(sum, rows, lie, keeps_b, a, b, t);
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

TILES_TARGET INLINED void tile_lying(Lie lie, const Strips *a, const Strips *b, const Tile *t)
{
    if (t->keep_b)
        tile_of(ROWS_OF_TILE, lie, true, a, b, t);
    else
        tile_of(ROWS_OF_TILE, lie, false, a, b, t);
}

/* By itself, as the compiler would run out of what it spends on a function. */
TILES_TARGET __attribute__((noinline)) static void tile_whole(const Strips *a, const Strips *b, const Tile *t)
{
    if (a->next == 1 && t->keep_a)
        tile_lying(BESIDE_KEPT, a, b, t);
    else if (a->next == 1)
        tile_lying(BESIDE, a, b, t);
    else if (t->keep_a)
        tile_lying(ALONG_KEPT, a, b, t);
    else
        tile_lying(ALONG, a, b, t);
}

TILES_TARGET INLINED void tile_some(int rows, const Strips *a, const Strips *b, const Tile *t)
{
    if (a->next == 1)
        tile_of(rows, BESIDE, false, a, b, t);
    else
        tile_of(rows, ALONG, false, a, b, t);
}

/* Where rows are cut off, the rest in powers of two. */
TILES_TARGET static void tile(const Strips *a, const Strips *b, const Tile *t)
{
    if (t->rows == ROWS_OF_TILE) {
        tile_whole(a, b, t);
        return;
    }
    Strips rest = *a;
    Tile part = *t;
    for (int64_t left = t->rows, rows; left > 0; left -= rows) {
        rows = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        if (rows == 8 && 8 < ROWS_OF_TILE)
            tile_some(8, &rest, b, &part);
        else if (rows == 4 && 4 < ROWS_OF_TILE)
            tile_some(4, &rest, b, &part);
        else if (rows == 2)
            tile_some(2, &rest, b, &part);
        else
            tile_some(1, &rest, b, &part);
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
            for (int64_t i = 0; i < width && p + LINE < from->k; i++)
                __builtin_prefetch(values_on(from->at, from->type, (strip + i) * from->next + p + LINE));
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
