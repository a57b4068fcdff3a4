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

/* Where rank `rank` has its chunk of a block. Blocks lie close together: as far apart as they ever may, short ones would
 * share few sets of a cache. */
static unsigned char *place(const Collective *c, int rank, uint32_t chunk, int block)
{
    const int64_t line = WINDOW_LINE / width_of(c), all = (ring_blocks(c, 0) + line - 1) / line * line,
                  most = chunk_most(c), apart = all < most ? all : most;
    return window_slot(c, rank, chunk) + (c->leg->reduces ? block * apart * width_of(c) : 0);
}

/* Visits what a chunk has of each part of a block, with where that is in `packed`, which has them side by side. */
static void each_piece(const Collective *c, uint32_t chunk, int block, unsigned char *packed,
                       void (*visit)(const Collective *c, uint32_t chunk, Tensor piece, unsigned char *at))
{
    const int64_t from = (int64_t)chunk * chunk_most(c), until = from + chunk_most(c);
    int64_t at = 0;
    for (int i = 0; i < c->parts && at < until; i++) {
        Tensor whole = ring_block(c, i, block);
        int64_t low = from > at ? from - at : 0, high = until - at < whole.count ? until - at : whole.count;
        if (low < high)
            visit(c, chunk, tensor_view(whole, low, high - low), packed + (at + low - from) * width_of(c));
        at += whole.count;
    }
}

/* ---- the stages ---- */

/* An all-reduce so short that to read all of all ranks takes less than a second wait: it is half a slot at most. */
static bool is_short(const Collective *c)
{
    const size_t n = (size_t)c->leg->size,
                 block = (size_t)legs_edge_block(c, c->leg, false) * dtype_bytes(c->whole->dtype);
    return c->leg->reduces && c->leg->gathers && block * n * n <= WINDOW_SLOT_BYTES / 2;
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

static void put_piece(const Collective *c, uint32_t chunk, Tensor piece, unsigned char *at)
{
    (void)c, (void)chunk;
    memcpy(at, piece.data, tensor_bytes(piece));
}

static void take_piece(const Collective *c, uint32_t chunk, Tensor piece, unsigned char *at)
{
    (void)c, (void)chunk;
    memcpy(piece.data, at, tensor_bytes(piece));
}

static void put(Collective *c, uint32_t chunk)
{
    const int n = c->leg->size, r = c->leg->rank;
    window_note_put(c, chunk);
    for (int k = sums_own(c); k < (c->leg->reduces ? n : 1); k++)
        each_piece(c, chunk, (r + k) % n, place(c, r, chunk, (r + k) % n), put_piece);
}

/* Adds what others than rank `block` have put where `at` is in this one's slot to `sum`, which that rank has there. */
static void add_up(const Collective *c, uint32_t chunk, int block, const unsigned char *at, Tensor sum)
{
    const int n = c->leg->size;
    const ptrdiff_t into = at - window_slot(c, c->leg->rank, chunk);
    void *run[WINDOW_RANKS];
    for (int k = 0; k < n - 1; k++) run[k] = window_slot(c, (block + 1 + k) % n, chunk) + into;
    run[n - 1] = sum.data;
    for (int64_t i = 0; i < sum.count; i += TENSOR_PIECE)
        tensor_sum_runs(sum.dtype, run, n, i, tensor_piece(sum.count - i));
}

/* Of the rank's own block. */
static void sum_piece(const Collective *c, uint32_t chunk, Tensor piece, unsigned char *at)
{
    add_up(c, chunk, c->leg->rank, at, piece);
    if (c->leg->gathers) put_piece(c, chunk, piece, at);
}

static void sum(Collective *c, uint32_t chunk)
{
    const int r = c->leg->rank;
    if (!sums_own(c)) return;
    window_hear_put(c, chunk);
    each_piece(c, chunk, r, place(c, r, chunk, r), sum_piece);
    window_note(c, r, chunk)->sum_last = c->group->comm->last;
}

/* What all have put of a block: where it belongs or, of several parts, all at once, and then each. */
static void sum_and_take(const Collective *c, uint32_t chunk, int block)
{
    const Tensor sum =
        c->parts == 1 ? ring_block(c, 0, block) : tensor_view(c->incoming, 0, ring_blocks(c, block));
    memcpy(sum.data, place(c, block, chunk, block), tensor_bytes(sum));
    add_up(c, chunk, block, place(c, c->leg->rank, chunk, block), sum);
    if (c->parts > 1) each_piece(c, chunk, block, sum.data, take_piece);
}

static void take(Collective *c, uint32_t chunk)
{
    const int n = c->leg->size, r = c->leg->rank;
    const bool sums = sums_own(c);
    if (!c->leg->gathers) return;
    if (!sums) window_hear_put(c, chunk);
    if (is_short(c)) {
        for (int k = 0; k < n; k++) sum_and_take(c, chunk, (r + k) % n);
        return;
    }
    for (int k = 1; k < n; k++) {
        const int block = (r + k) % n;
        each_piece(c, chunk, block, place(c, block, chunk, block), take_piece);
        const WindowNote *note = window_note(c, block, chunk);
        if (sums && note->sum_last) comm_say_last(c->group->comm, note->sum_last);
    }
}

const WindowStages slot_stages = {.chunks = chunks, .work = {put, sum, take}, .needs = needs};
