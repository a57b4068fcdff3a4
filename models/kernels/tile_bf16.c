/* tile_bf16.c - products of bf16 as instructions for them take their factors, in C: for processors without, so that what is
 * packed for them is tested everywhere. No run chooses it, as widened factors are faster. */
#include "models/kernels/pack_bf16.h"
#include "models/kernels/tile_result.h"

enum { ROWS_OF_TILE = 4, COLUMNS_OF_TILE = 8, DEPTH = 32 };

static void tile(const Strips *a, const Strips *b, const Tile *t)
{
    float sums[ROWS_OF_TILE * COLUMNS_OF_TILE] = {0};
    const uint16_t *rows = a->at, *pairs = b->at;
    for (int64_t p = 0; p < a->k; p++)
        for (int64_t i = 0; i < ROWS_OF_TILE; i++)
            for (int64_t j = 0; j < COLUMNS_OF_TILE; j++)
                sums[i * COLUMNS_OF_TILE + j] += bf16_value(rows[i * a->next + p]) *
                                                 bf16_value(pairs[(p / 2 * COLUMNS_OF_TILE + j) * 2 + p % 2]);
    sums_to_result(t, sums, COLUMNS_OF_TILE);
}

static bool runs(void)
{
    return true;
}

const ProductTiles tiles_bf16 = {.name = "portable bf16",
                                 .runs = runs,
                                 .packed = BF16,
                                 .rows = ROWS_OF_TILE,
                                 .columns = COLUMNS_OF_TILE,
                                 .depth = DEPTH,
                                 .rows_lie = true,
                                 .tile = tile,
                                 .pack_rows = bf16_pack_rows,
                                 .pack_columns = bf16_pack_columns};
