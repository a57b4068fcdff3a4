/* turn.h - small matrices transposed in registers, as factors are packed. Inlined, for the instructions that a tile is
 * compiled for. */
#ifndef MODELS_KERNELS_TURN_H
#define MODELS_KERNELS_TURN_H
#include <stdint.h>
#include "models/machine/inlined.h"

typedef uint32_t Four __attribute__((vector_size(16), aligned(2), may_alias));
typedef uint16_t Eight __attribute__((vector_size(16), aligned(2), may_alias));

/* Four rows of four values of 32 bits; so many bytes from one to the next. */
INLINED void turn_fours(const void *from, int64_t apart, void *to, int64_t to_apart)
{
    Four row[4], mixed[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) row[i] = *(const Four *)((const char *)from + i * apart);
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        mixed[2 * i] = __builtin_shufflevector(row[i], row[i + 2], 0, 4, 1, 5);
        mixed[2 * i + 1] = __builtin_shufflevector(row[i], row[i + 2], 2, 6, 3, 7);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        *(Four *)((char *)to + 2 * i * to_apart) =
            __builtin_shufflevector(mixed[i], mixed[i + 2], 0, 4, 1, 5);
        *(Four *)((char *)to + (2 * i + 1) * to_apart) =
            __builtin_shufflevector(mixed[i], mixed[i + 2], 2, 6, 3, 7);
    }
}

/* Eight rows of eight values of 16 bits, by the same: three times the first half is shuffled into the second. */
INLINED void turn_eights(const void *from, int64_t apart, void *to, int64_t to_apart)
{
    Eight row[8], mixed[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) row[i] = *(const Eight *)((const char *)from + i * apart);
#pragma GCC unroll 3
    for (int round = 0; round < 3; round++) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            mixed[2 * i] = __builtin_shufflevector(row[i], row[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            mixed[2 * i + 1] = __builtin_shufflevector(row[i], row[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) row[i] = mixed[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) *(Eight *)((char *)to + i * to_apart) = row[i];
}
#endif
