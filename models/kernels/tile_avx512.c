/* tile_avx512.c - 28 of 32 registers of 16 values. */
#ifdef __x86_64__
#define TILES tiles_avx512
#define TILES_NAME "AVX-512"
#define TILES_TARGET __attribute__((target("avx512f,fma")))
#define TILES_RUN __builtin_cpu_supports("avx512f")
enum { LANES_OF_TILE = 16, ROWS_OF_TILE = 14 };
#include "models/kernels/tile_body.h"
#endif
