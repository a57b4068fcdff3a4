/* tile_result.h - of a tile what is done in fp32 beside C: where it is cut short, or where C is of 16 bits. Inlined, for the
 * instructions that a tile is compiled for. */
#ifndef MODELS_KERNELS_TILE_RESULT_H
#define MODELS_KERNELS_TILE_RESULT_H
#include <string.h>
#include "models/kernels/tile.h"
#include "models/kernels/turn.h"
#include "models/machine/half_bits.h"

/* The compiler sees a pointer or a distance as one it knows nothing of, and keeps it: it would reckon it anew. */
#define AS_IT_IS(pointer) __asm__("" : "+r"(pointer))

/* A sum stays in the register that it is in: moved about, one of them ends in memory. It is rounded there. */
#if defined(__x86_64__)
#define STAYS(sum) __asm__("" : "+v"(sum))
#elif defined(__aarch64__)
#define STAYS(sum) __asm__("" : "+w"(sum))
#else
#define STAYS(sum)
#endif

INLINED void widen(DType type, const uint16_t *from, float *to, int64_t count)
{
    if (type == BF16)
        for (int64_t i = 0; i < count; i++) to[i] = bf16_value(from[i]);
    else
        for (int64_t i = 0; i < count; i++) to[i] = fp16_value(from[i]);
}

INLINED void row_open(Result c, int64_t row, int64_t count, float *beside)
{
    const void *from = values_on(c.at, c.type, row * c.ld);
    if (is_half(c.type))
        widen(c.type, from, beside, count);
    else
        memcpy(beside, from, (size_t)count * sizeof *beside);
}

INLINED void row_close(Result c, int64_t row, int64_t count, const float *beside)
{
    uint16_t *half = (uint16_t *)c.at + row * c.ld;
    if (c.type == BF16)
        for (int64_t j = 0; j < count; j++) half[j] = bf16_nearest(beside[j]);
    else if (c.type == FP16)
        for (int64_t j = 0; j < count; j++) half[j] = fp16_nearest(beside[j]);
    else
        memcpy((float *)c.at + row * c.ld, beside, (size_t)count * sizeof *beside);
}

/* Of a tile whose sums are beside C. */
INLINED void sums_to_result(const Tile *t, float *sums, int64_t columns_of_tile)
{
    enum { MOST_COLUMNS = 64 };
    float was[MOST_COLUMNS];
    bool whole = t->columns == columns_of_tile; /* whose number the compiler knows */
    if (t->beta != 0 && !whole) memset(was, 0, sizeof was);
    for (int64_t i = 0; i < t->rows; i++, sums += columns_of_tile) {
        for (int64_t j = 0; j < columns_of_tile; j++) sums[j] *= t->alpha;
        if (t->beta != 0) {
            if (whole)
                row_open(t->from, i, columns_of_tile, was);
            else
                row_open(t->from, i, t->columns, was);
            for (int64_t j = 0; j < columns_of_tile; j++) sums[j] += was[j] * t->beta;
        }
        for (int64_t j = 0; j < columns_of_tile && t->bias; j++) sums[j] += t->bias[j];
        if (whole)
            row_close(t->to, i, columns_of_tile, sums);
        else
            row_close(t->to, i, t->columns, sums);
    }
}
#endif
