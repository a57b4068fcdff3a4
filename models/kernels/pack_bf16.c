/* pack_bf16.c - rows along k, columns in pairs of k's. */
#include "models/kernels/pack_bf16.h"
#include <string.h>
#include "models/kernels/turn.h"
#include "models/machine/vector.h"

static const uint16_t *value(const Strips *from, int64_t i, int64_t p)
{
    return (const uint16_t *)from->at + i * from->next + p * from->along;
}

/* ---- rows ---- */

enum { LINE = 32 }; /* values of a line of the cache */

/* What is packed soon, as the processor does not know where the next row lies. */
static void fetch(const Strips *from, int64_t first, int64_t count, int64_t p)
{
    for (int64_t i = 0; i < count; i += LINE) __builtin_prefetch(value(from, first + i, p));
}

/* Rows that lie side by side, turned: k of each in `to`, and so many more up to the next. */
static void turn_rows(const Strips *from, int64_t first, int64_t k, uint16_t *to)
{
    enum { SIDE = 8 };
    int64_t end = first + (from->count - first) / SIDE * SIDE, along = from->k / SIDE * SIDE;
    for (int64_t p = 0; p < along; p += SIDE) {
        for (int64_t q = p + SIDE; q < p + 2 * SIDE; q++) fetch(from, first, end - first, q);
        for (int64_t i = first; i < end; i += SIDE)
            turn_eights(value(from, i, p), 2 * from->along, to + i * k + p, 2 * k);
    }
    for (int64_t i = first; i < from->count; i++)
        for (int64_t p = i < end ? along : 0; p < from->k; p++) to[i * k + p] = *value(from, i, p);
}

void bf16_pack_rows(const ProductTiles *tiles, const Strips *from, int64_t first, void *strips)
{
    int64_t k = filled(from->k, tiles->depth), end = filled(from->count, tiles->rows);
    uint16_t *to = strips;
    if (from->along > 1) turn_rows(from, first, k, to);
    for (int64_t i = first; i < end; i++) {
        int64_t there = i < from->count ? from->k : 0;
        if (from->along == 1) memcpy(to + i * k, value(from, i, 0), (size_t)there * sizeof *to);
        memset(to + i * k + there, 0, (size_t)(k - there) * sizeof *to);
    }
}

/* ---- columns ---- */

/* Values that lie side by side: a pair of k's after the other, into all strips from `first` up to `end`. */
VECTORISED static void pair_rows(const Strips *from, int64_t first, int64_t end, int64_t width, int64_t k,
                                 uint16_t *restrict to)
{
    for (int64_t p = 0; p + 1 < from->k; p += 2) {
        const uint16_t *even = value(from, 0, p), *odd = value(from, 0, p + 1);
        for (int64_t q = p + 8; q < p + 10; q++) fetch(from, first, end - first, q);
        for (int64_t strip = first; strip < end; strip += width) {
            uint16_t *pairs = to + strip * k + p * width;
            for (int64_t j = 0; j < width; j++) {
                pairs[2 * j] = even[strip + j];
                pairs[2 * j + 1] = odd[strip + j];
            }
        }
    }
}

enum { FOUR = 4, FOUR_PAIRS = 8 };

/* Values that lie along k, in pairs already: these are turned, while those of the next four are fetched. */
static void turn_pairs(const Strips *from, int64_t first, int64_t end, int64_t width, int64_t k, uint16_t *to)
{
    for (int64_t strip = first; strip < end; strip += width)
        for (int64_t j = 0; j < width; j += FOUR)
            for (int64_t p = 0; p + FOUR_PAIRS <= from->k; p += FOUR_PAIRS) {
                __builtin_prefetch(value(from, strip + j + FOUR + p / FOUR_PAIRS % FOUR, p / LINE * LINE));
                turn_fours(value(from, strip + j, p), 2 * from->next, to + strip * k + p * width + 2 * j,
                           4 * width);
            }
}

void bf16_pack_columns(const ProductTiles *tiles, const Strips *from, int64_t first, void *strips)
{
    int64_t width = tiles->columns, k = filled(from->k, tiles->depth), end = from->count / width * width;
    uint16_t *to = strips;
    for (int64_t strip = first; strip < from->count; strip += width) {
        int64_t there = strip < end ? from->k / 2 * 2 : 0;
        memset(to + strip * k + there * width, 0, (size_t)((k - there) * width) * sizeof *to);
    }
    int64_t paired = from->k / 2 * 2;
    if (from->next == 1) {
        pair_rows(from, first, end, width, k, to);
    } else {
        turn_pairs(from, first, end, width, k, to);
        paired = from->k / FOUR_PAIRS * FOUR_PAIRS;
    }
    for (int64_t j = first; j < from->count; j++) /* what is left, one by one */
        for (int64_t p = j < end ? paired : 0; p < from->k; p++)
            to[j / width * width * k + (p / 2 * width + j % width) * 2 + p % 2] = *value(from, j, p);
}
