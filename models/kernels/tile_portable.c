/* tile_portable.c - 8 registers of 4 values, which every processor has that sim is built for. */
#define TILES tiles_portable
#define TILES_NAME "portable"
#define TILES_TARGET
#define TILES_RUN true
enum { LANES_OF_TILE = 4, ROWS_OF_TILE = 4 };
#include "models/kernels/tile_body.h"
