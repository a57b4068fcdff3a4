/* in_place.c - where it lies: what travels is in memory that all ranks have before them, and nothing is copied.
 *
 * An all-reduce, n = 4; S1 is the sum of block 1:
 *
 *          rank 0's tensor      rank 1's             rank 2's             rank 3's
 *   put    [ 0   1   2   3  ]   [ 0   1   2   3  ]   [ 0   1   2   3  ]   [ 0   1   2   3  ]   each says where its parts lie
 *   sum    [ S0            ] -> [ S0            ] -> [ S0            ] -> [ S0            ]    rank r adds up block r of all,
 *          [     S1        ] <- [     S1        ] -> [     S1        ] -> [     S1        ]    once all have put, and stores
 *          [         S2    ] <- [         S2    ] <- [         S2    ] -> [         S2    ]    the sum in all
 *          [             S3] <- [             S3] <- [             S3] <- [             S3]
 *   take   [ S0  S1  S2  S3 ]   [ S0  S1  S2  S3 ]   [ S0  S1  S2  S3 ]   [ S0  S1  S2  S3 ]   once all have summed: it is over,
 *                                                                                            and nobody else is at what is
 *                                                                                            this rank's
 *
 *   A reduce-scatter stores in its own tensor alone; of an all-gather of one part a rank reads its own block alone, and
 *   stores it in all. Of several parts that are stored in all who does which blocks is free: a rank has as much to do, but
 *   in one run through them, whosever the blocks are, and not in as many short ones as there are parts.
 *   Block b is added up as on the ring: b+1, b+2, ..., b, rounded at each addition. So the bits are the ring's.
 *
 * Of S bytes a rank reads S and writes S, each byte once: as much as to copy S in memory, for any number of ranks.
 *
 * It goes so where each part lies in the arena of the group (shared_tensor.h). That all ranks go the same way is made sure
 * of where tensors are: members of a group have an arena all or none, take memory from it for the same tensors, as they do
 * the same, and no tensor of another group is ever in it. */
#include <string.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/moves.h"
#include "parallel/collectives/window_stages.h"

/* A piece that is added up is stored in all tensors while those of all ranks are in the first cache, where they were read;
 * what is copied alone goes in longer ones. */
enum { ADDED_BYTES = 1 << 10, STORED_BYTES = 1 << 16 };

static uint32_t chunks(const Collective *c)
{
    (void)c;
    return 1;
}

static int needs(const Collective *c, Stage stage)
{
    (void)c;
    return stage - 1;
}

/* Where a rank's parts lie, as it has said. */
static uint64_t *places(const Collective *c, int rank)
{
    return (uint64_t *)(void *)window_slot(c, rank, 0);
}

static void put(Collective *c, uint32_t chunk)
{
    uint64_t *place = places(c, c->leg->rank);
    window_note_put(c, chunk);
    for (int i = 0; i < c->parts; i++) place[i] = arena_place(c->group->window->arena, c->part[i].data);
}

/* Elements low..high - 1 of a part. */
typedef struct Share {
    int64_t low, high;
} Share;

/* What this rank adds up or stores of part i: its block or, of what is stored in all, what its share of all parts, one after
 * the other, has of it. `before`: elements of the parts before. */
static Share share_of(const Collective *c, int i, int64_t before, int64_t all)
{
    const int n = c->leg->size, r = c->leg->rank;
    const int64_t count = c->part[i].count;
    if (c->leg->gathers) {
        const int64_t low = block_offset(all, n, r) - before, high = low + block_count(all, n, r);
        return (Share){low > 0 ? low : 0, high < count ? high : count};
    }
    const int64_t low = block_offset(count, n, r);
    return (Share){low, low + block_count(count, n, r)};
}

/* Elements low..high - 1 of a block that lies at block[k] of all ranks, in the order they are added up in. */
static void sum_block(const Collective *c, void *const *block, int64_t low, int64_t high)
{
    const int n = c->leg->size;
    const int64_t width = (int64_t)dtype_bytes(c->part->dtype),
                  most = (c->leg->reduces ? ADDED_BYTES : STORED_BYTES) / width;
    for (int64_t at = low, count; at < high; at += count) {
        count = most < high - at ? most : high - at;
        if (c->leg->reduces) tensor_sum_runs(c->part->dtype, block, n, at, count);
        for (int k = 0; k < n - 1 && c->leg->gathers; k++)
            memcpy((char *)block[k] + at * width, (char *)block[n - 1] + at * width, (size_t)(count * width));
    }
}

static void sum_part(const Collective *c, int i, Share share)
{
    const int n = c->leg->size;
    const int64_t all = c->part[i].count;
    char *part[WINDOW_RANKS];
    void *block[WINDOW_RANKS];
    for (int rank = 0; rank < n; rank++)
        part[rank] = arena_at(c->group->window->arena, rank, places(c, rank)[i]);
    for (int b = 0; b < n; b++) {
        const int64_t before = block_offset(all, n, b), count = block_count(all, n, b),
                      low = share.low > before ? share.low - before : 0,
                      high = share.high - before < count ? share.high - before : count;
        if (low >= high) continue;
        const ptrdiff_t into = (char *)ring_block(c, i, b).data - (char *)c->part[i].data;
        for (int k = 0; k < n; k++) block[k] = part[(b + 1 + k) % n] + into;
        sum_block(c, block, low, high);
    }
}

static void sum(Collective *c, uint32_t chunk)
{
    int64_t all = 0, before = 0;
    window_hear_put(c, chunk);
    for (int i = 0; i < c->parts; i++) all += c->part[i].count;
    for (int i = 0; i < c->parts; before += c->part[i++].count) {
        const Share share = share_of(c, i, before, all);
        if (share.low < share.high) sum_part(c, i, share);
    }
}

/* All that came with values came with where they lie. */
static void take(Collective *c, uint32_t chunk)
{
    (void)c, (void)chunk;
}

const WindowStages in_place_stages = {.chunks = chunks, .work = {put, sum, take}, .needs = needs};
