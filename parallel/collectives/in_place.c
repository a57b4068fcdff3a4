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
 *   A reduce-scatter stores in its own tensor alone; an all-gather reads its own block alone, and stores it in all.
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

/* What the ranks after this one, round to itself, have of its block of part i; returns how many elements that has. */
static int64_t blocks_of_all(const Collective *c, int i, void *block[WINDOW_RANKS])
{
    const int n = c->leg->size, r = c->leg->rank;
    const Tensor own = ring_block(c, i, r);
    const ptrdiff_t into = (char *)own.data - (char *)c->part[i].data;
    for (int k = 0; k < n - 1; k++) {
        const int rank = (r + 1 + k) % n;
        block[k] = (char *)arena_at(c->group->window->arena, rank, places(c, rank)[i]) + into;
    }
    block[n - 1] = own.data;
    return own.count;
}

/* Its rank's block of each part, a piece after the other. */
static void sum(Collective *c, uint32_t chunk)
{
    const int n = c->leg->size;
    const int64_t width = (int64_t)dtype_bytes(c->part->dtype),
                  most = (c->leg->reduces ? ADDED_BYTES : STORED_BYTES) / width;
    void *block[WINDOW_RANKS];
    window_hear_put(c, chunk);
    for (int i = 0; i < c->parts; i++) {
        const int64_t elements = blocks_of_all(c, i, block);
        for (int64_t at = 0, count; at < elements; at += count) {
            count = most < elements - at ? most : elements - at;
            if (c->leg->reduces) tensor_sum_runs(c->part->dtype, block, n, at, count);
            for (int k = 0; k < n - 1 && c->leg->gathers; k++)
                memcpy((char *)block[k] + at * width, (char *)block[n - 1] + at * width,
                       (size_t)(count * width));
        }
    }
}

/* All that came with values came with where they lie. */
static void take(Collective *c, uint32_t chunk)
{
    (void)c, (void)chunk;
}

const WindowStages in_place_stages = {.chunks = chunks, .work = {put, sum, take}, .needs = needs};
