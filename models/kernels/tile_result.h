/* tile_result.h - of a tile what is done in fp32 beside C: where it is cut short, or where C is of 16 bits. Inlined, for the
 * instructions that a tile is compiled for. */
#ifndef MODELS_KERNELS_TILE_RESULT_H
#define MODELS_KERNELS_TILE_RESULT_H
#include <string.h>
#include "models/kernels/tile.h"
#include "models/machine/half_bits.h"

#define INLINED static inline __attribute__((always_inline))

INLINED void widen(DType type, const uint16_t *from, float *to, int64_t count)
{
    if (type == BF16)
        for (int64_t i = 0; i < count; i++) to[i] = bf16_value(from[i]);
    else
        for (int64_t i = 0; i < count; i++) to[i] = fp16_value(from[i]);
}

INLINED void result_open(const Tile *t, float *beside, int64_t ld)
{
    for (int64_t i = 0; i < t->rows; i++) {
        const void *from = values_on(t->from.at, t->from.type, i * t->from.ld);
        if (is_half(t->from.type))
            widen(t->from.type, from, beside + i * ld, t->columns);
        else
            memcpy(beside + i * ld, from, (size_t)t->columns * sizeof *beside);
    }
}

INLINED void result_close(const Tile *t, const float *beside, int64_t ld)
{
    for (int64_t i = 0; i < t->rows; i++) {
        const float *row = beside + i * ld;
        uint16_t *half = (uint16_t *)t->to.at + i * t->to.ld;
        if (t->to.type == BF16)
            for (int64_t j = 0; j < t->columns; j++) half[j] = bf16_nearest(row[j]);
        else if (t->to.type == FP16)
            for (int64_t j = 0; j < t->columns; j++) half[j] = fp16_nearest(row[j]);
        else
            memcpy((float *)t->to.at + i * t->to.ld, row, (size_t)t->columns * sizeof *row);
    }
}
#endif
