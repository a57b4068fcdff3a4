/* tile_avx2.c - 12 of 16 registers of 8 values, with fused multiply-add. */
#ifdef __x86_64__
#define TILES tiles_avx2
#define TILES_NAME "AVX2"
#define TILES_TARGET __attribute__((target("avx2,fma")))
#define TILES_RUN (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
enum { LANES_OF_TILE = 8, ROWS_OF_TILE = 6 };
#include "models/kernels/tile_body.h"
#endif
