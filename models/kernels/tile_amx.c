/* tile_amx.c - four of the 8 registers that are matrices of 16 x 16 sums, two of 16 rows by 32 k's and two of 16 pairs of
 * k's by 16 columns. */
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <stdalign.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "models/kernels/pack_avx512.h"
#include "models/kernels/result_avx512.h"

enum { SIDE = 16, ROWS_OF_TILE = 2 * SIDE, COLUMNS_OF_TILE = 2 * SIDE, DEPTH = 2 * SIDE };
#define TARGET __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl")))

/* How large the registers are: LDTILECFG's operand, palette 1. */
typedef struct TileConfig {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileConfig;

/* A constant, as GCC's _tile_loadconfig() tells the compiler of 8 bytes that it reads, and stores to the rest of a
 * variable were left out. */
static const TileConfig config = {
    .palette = 1,
    .row_bytes = {4 * SIDE, 4 * SIDE, 4 * SIDE, 4 * SIDE, 4 * SIDE, 4 * SIDE, 4 * SIDE, 4 * SIDE},
    .rows = {SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE}};

TARGET static void begin(void)
{
    _tile_loadconfig(&config);
}

/* A thread that has used tiles keeps 8 KiB more at each switch. */
TARGET static void end(void)
{
    _tile_release();
}

/*         columns   6 7
 *  rows 4           0 1
 *       5           2 3   */
TARGET static void tile(const Strips *a, const Strips *b, const Tile *t)
{
    alignas(64) float sums[ROWS_OF_TILE * COLUMNS_OF_TILE];
    const uint16_t *rows = a->at, *pairs = b->at;
    const int64_t apart = 2 * a->next, pairs_apart = 4 * COLUMNS_OF_TILE, sums_apart = 4 * COLUMNS_OF_TILE;
    /* Rows of C, some at each step, that they are there when they are written and the factors are not kept waiting. */
    int64_t fetched = 0, at_once = a->k ? filled(ROWS_OF_TILE * DEPTH, a->k) / a->k : 0;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t p = 0; p < a->k; p += DEPTH, rows += DEPTH, pairs += DEPTH * COLUMNS_OF_TILE) {
        _tile_loadd(4, rows, apart);
        _tile_loadd(6, pairs, pairs_apart);
        _tile_loadd(7, pairs + 2 * SIDE, pairs_apart);
        _tile_loadd(5, rows + SIDE * a->next, apart);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        for (int64_t end = fetched + at_once; fetched < end; fetched++)
            __builtin_prefetch(values_on(t->to.at, t->to.type, fetched * t->to.ld), 1);
    }
    _tile_stored(0, sums, sums_apart);
    _tile_stored(1, sums + SIDE, sums_apart);
    _tile_stored(2, sums + SIDE * COLUMNS_OF_TILE, sums_apart);
    _tile_stored(3, sums + SIDE * COLUMNS_OF_TILE + SIDE, sums_apart);
    result_avx512(t, sums);
}

/* Whether there is AMX for bf16, and Linux lets this process use it: it has to be asked, as a thread's state grows. */
static bool runs(void)
{
    enum { LEAF = 7, ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
    unsigned a, b, c, d;
    return result_avx512_runs() && __get_cpuid_count(LEAF, 0, &a, &b, &c, &d) && (d & amx_bf16) &&
           (d & amx_tile) && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

const ProductTiles tiles_amx = {.name = "AMX",
                                .runs = runs,
                                .packed = BF16,
                                .rows = ROWS_OF_TILE,
                                .columns = COLUMNS_OF_TILE,
                                .depth = DEPTH,
                                .rows_lie = true,
                                .begin = begin,
                                .end = end,
                                .tile = tile,
                                .pack_rows = avx512_pack_rows,
                                .pack_columns = avx512_pack_columns};
#endif
