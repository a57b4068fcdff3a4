/* slots.c - through slots: values are put once, added up from where others have put them, and taken once.
 *
 * Blocks are cut into chunks, and a slot of a rank's segment has the chunk of each block. An all-reduce, n = 4; S1 is the
 * sum of block 1:
 *
 *          rank 0's slot       rank 1's            rank 2's            rank 3's
 *   put    [ -   1   2   3 ]   [ 0   -   2   3 ]   [ 0   1   -   3 ]   [ 0   1   2   - ]   of others' blocks its own values
 *   sum    [ S0  1   2   3 ]   [ 0   S1  2   3 ]   [ 0   1   S2  3 ]   [ 0   1   2   S3]   adds up its block, once all have put
 *   take   S1 S2 S3            S0 S2 S3            S0 S1 S3            S0 S1 S2            once all have summed
 *
 *   A reduce-scatter ends with the sums, each where its rank wants it; an all-gather puts its own block alone, and takes.
 *   A short all-reduce waits once instead of twice: all put all blocks, and each rank adds all of them up for itself.
 *   Block b is added up as on the ring: b+1, b+2, ..., b, rounded at each addition. So the bits are the ring's.
 *
 * Blocks of several parts lie in a slot side by side, copied there and added up from where they are. Of S bytes a rank
 * puts (n-1)/n S and its sums, S/n, and takes (n-1)/n S: each byte is copied twice, where messages copy it at each of
 * 2 (n-1) steps into MPI's buffers and out of them. */
#include <string.h>
#include "models/machine/tensor_values.h"
#include "parallel/collectives/legs.h"
#include "parallel/collectives/moves.h"
#include "parallel/collectives/window_stages.h"

/* ---- where chunks lie ---- */

static int64_t width_of(const Collective *c)
{
    return (int64_t)dtype_bytes(c->part->dtype);
}

/* Elements of a block that a slot has room for; each block begins on a cache line. */
static int64_t chunk_most(const Collective *c)
{
    const int64_t line = WINDOW_LINE / width_of(c), blocks = c->leg->reduces ? c->leg->size : 1;
    return WINDOW_SLOT_BYTES / width_of(c) / blocks / line * line;
}

static uint32_t chunks(const Collective *c)
{
    const int64_t most = chunk_most(c), count = ring_blocks(c, 0);
    return (uint32_t)((count + most - 1) / most);
}

/* Where rank `rank` has chunk `chunk` of the block. */
static void *place(const Collective *c, int rank, uint32_t chunk, int block)
{
    return window_slot(c, rank, chunk) + (c->leg->reduces ? block * chunk_most(c) * width_of(c) : 0);
}

/* Visits what a chunk has of each part, with how many elements of the chunk are before it. */
static void each_piece(Collective *c, uint32_t chunk, int block,
                       void (*visit)(Collective *c, uint32_t chunk, int block, Tensor piece, int64_t before))
{
    const int64_t from = (int64_t)chunk * chunk_most(c), until = from + chunk_most(c);
    int64_t at = 0;
    for (int i = 0; i < c->parts && at < until; i++) {
        Tensor whole = ring_block(c, i, block);
        int64_t low = from > at ? from - at : 0, high = until - at < whole.count ? until - at : whole.count;
        if (low < high) visit(c, chunk, block, tensor_view(whole, low, high - low), at + low - from);
        at += whole.count;
    }
}

static void *beyond(const Collective *c, void *place, int64_t elements)
{
    return (unsigned char *)place + elements * width_of(c);
}

/* ---- the stages ---- */

/* An all-reduce so short that to read all of all ranks is to read no more than a slot. */
static bool is_short(const Collective *c)
{
    const size_t n = (size_t)c->leg->size,
                 block = (size_t)legs_edge_block(c, c->leg, false) * dtype_bytes(c->whole->dtype);
    return c->leg->reduces && c->leg->gathers && block * n * n <= WINDOW_SLOT_BYTES;
}

/* Whether each rank adds up its own block, for all. */
static bool sums_own(const Collective *c)
{
    return c->leg->reduces && !is_short(c);
}

static int needs(const Collective *c, Stage stage)
{
    if (stage == SUM) return sums_own(c) ? PUT : -1;
    return !c->leg->gathers ? -1 : sums_own(c) ? SUM : PUT;
}

static void put_piece(Collective *c, uint32_t chunk, int block, Tensor piece, int64_t before)
{
    memcpy(beyond(c, place(c, c->leg->rank, chunk, block), before), piece.data, tensor_bytes(piece));
}

static void put(Collective *c, uint32_t chunk)
{
    const int n = c->leg->size, r = c->leg->rank;
    window_note_put(c, chunk);
    if (!sums_own(c)) each_piece(c, chunk, r, put_piece);
    for (int k = 1; k < n && c->leg->reduces; k++) each_piece(c, chunk, (r + k) % n, put_piece);
}

static void take_piece(Collective *c, uint32_t chunk, int block, Tensor piece, int64_t before)
{
    memcpy(piece.data, beyond(c, place(c, block, chunk, block), before), tensor_bytes(piece));
}

/* In pieces that stay in the first cache: what the others have put, then its rank's own. */
static void sum_piece(Collective *c, uint32_t chunk, int block, Tensor piece, int64_t before)
{
    const int n = c->leg->size;
    _Alignas(WINDOW_LINE) unsigned char room[TENSOR_PIECE * sizeof(double)];
    if (block != c->leg->rank) take_piece(c, chunk, block, piece, before); /* its rank's own */
    for (int64_t i = 0; i < piece.count; i += TENSOR_PIECE) {
        Tensor own = tensor_view(piece, i, tensor_piece(piece.count - i)), sum = own, next = own;
        sum.data = beyond(c, place(c, (block + 1) % n, chunk, block), before + i);
        if (n > 2) {
            memcpy(room, sum.data, tensor_bytes(own));
            sum.data = room;
        }
        for (int k = 2; k < n; k++) {
            next.data = beyond(c, place(c, (block + k) % n, chunk, block), before + i);
            tensor_sum(sum, next);
        }
        tensor_sum(own, sum);
        if (c->leg->gathers && sums_own(c))
            memcpy(beyond(c, place(c, block, chunk, block), before + i), own.data, tensor_bytes(own));
    }
}

static void sum(Collective *c, uint32_t chunk)
{
    if (!sums_own(c)) return;
    window_hear_put(c, chunk);
    each_piece(c, chunk, c->leg->rank, sum_piece);
    window_note(c, c->leg->rank, chunk)->sum_last = c->group->comm->last;
}

static void take(Collective *c, uint32_t chunk)
{
    const int n = c->leg->size, r = c->leg->rank;
    if (!c->leg->gathers) return;
    if (!sums_own(c)) window_hear_put(c, chunk);
    if (is_short(c)) each_piece(c, chunk, r, sum_piece);
    for (int k = 1; k < n; k++) {
        int block = (r + k) % n;
        each_piece(c, chunk, block, is_short(c) ? sum_piece : take_piece);
        const WindowNote *note = window_note(c, block, chunk);
        if (sums_own(c) && note->sum_last) comm_say_last(c->group->comm, note->sum_last);
    }
}

const WindowStages slot_stages = {.chunks = chunks, .work = {put, sum, take}, .needs = needs};
