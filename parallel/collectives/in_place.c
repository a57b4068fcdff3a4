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
 * It goes so where each part lies in the arena of the group (shared_tensor.h), and is long enough that what is saved of
 * copying is more than what a second wait takes. That all ranks go the same way is made sure of where tensors are:
 * members of a group have an arena all or none, take memory from it for the same tensors, as they do the same, and no
 * tensor of another group is ever in it. */
#include <string.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/moves.h"
#include "parallel/collectives/window_stages.h"

enum { STORED_BYTES = 1 << 16 };

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

/* What rank `rank` has where this one has a piece of part i. */
static Tensor at_rank(const Collective *c, int rank, int i, Tensor piece)
{
    const ptrdiff_t into = (char *)piece.data - (char *)c->part[i].data;
    piece.data = (char *)arena_at(c->group->window->arena, rank, places(c, rank)[i]) + into;
    return piece;
}

/* Into the tensors of all others. */
static void store(const Collective *c, int i, Tensor piece)
{
    const int n = c->leg->size, r = c->leg->rank;
    for (int k = 1; k < n; k++) {
        Tensor to = at_rank(c, (r + k) % n, i, piece);
        memcpy(to.data, piece.data, tensor_bytes(piece));
    }
}

/* A piece, in smaller ones that stay in the first cache, as all others that there are of each. */
static void add_up(const Collective *c, int i, Tensor piece)
{
    const int n = c->leg->size, r = c->leg->rank;
    _Alignas(WINDOW_LINE) unsigned char room[TENSOR_PIECE * sizeof(double)];
    for (int64_t at = 0; at < piece.count; at += TENSOR_PIECE) {
        Tensor own = tensor_view(piece, at, tensor_piece(piece.count - at)),
               sum = at_rank(c, (r + 1) % n, i, own);
        if (n > 2) {
            memcpy(room, sum.data, tensor_bytes(own));
            sum.data = room;
        }
        for (int k = 2; k < n; k++) tensor_sum(sum, at_rank(c, (r + k) % n, i, own));
        tensor_sum(own, sum);
    }
}

/* Its rank's block, in pieces that stay in the second cache until they are stored. */
static void sum(Collective *c, uint32_t chunk)
{
    const int64_t most = STORED_BYTES / (int64_t)dtype_bytes(c->part->dtype);
    window_hear_put(c, chunk);
    for (int i = 0; i < c->parts; i++) {
        Tensor block = ring_block(c, i, c->leg->rank);
        for (int64_t at = 0; at < block.count; at += most) {
            Tensor piece = tensor_view(block, at, most < block.count - at ? most : block.count - at);
            if (c->leg->reduces) add_up(c, i, piece);
            if (c->leg->gathers) store(c, i, piece);
        }
    }
}

/* All that came with values came with where they lie. */
static void take(Collective *c, uint32_t chunk)
{
    (void)c, (void)chunk;
}

const WindowStages in_place_stages = {.chunks = chunks, .work = {put, sum, take}, .needs = needs};
