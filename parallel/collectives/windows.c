/* windows.c - what a ring does, through memory that its ranks share.
 *
 * Where all ranks of a group run on one node of this machine, a message would be copied into MPI's buffers and out again
 * at each of a ring's steps. In a window (parallel/wire/window.h) a value is put once, added up from where others have
 * put it, and taken once. Blocks are cut into chunks, and a slot of a rank's segment has the chunk of each block. An
 * all-reduce, n = 4; S1 is the sum of block 1:
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
 * A rank counts the chunks that it has put, summed and taken: what may be next follows from the others' counts, and a
 * slot is free again once all have taken what was in it. So while some still put a chunk others add up the one before.
 * Blocks of several parts lie in a slot side by side, copied there and added up from where they are.
 *
 * Collectives of a group share its window, chunk by chunk in the order they began in, the same on all its ranks: who
 * waits for one moves those before it on, too. Nobody needs to be waiting: between kernels each stage that may be is
 * done, as a ring's steps are.
 *
 * It is the ring's stand-in on this machine, and nothing is charged for it: what is counted, the time on the simulated
 * machine and the memory are the ring's, and so are the formulas. No message has its bytes, so they are told to who
 * watches MPI from outside (comm_ring_beside()). Of S bytes a rank puts (n-1)/n S and its sums, S/n, and takes (n-1)/n S:
 * each byte is copied twice, where messages copy it at each of 2 (n-1) steps into MPI's buffers and out of them.
 */
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "parallel/collectives/legs.h"
#include "parallel/collectives/moves.h"

enum { PUT, SUM, TAKE, STAGES };
_Static_assert((int)STAGES == (int)WINDOW_COUNTS, "a count for each stage");

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

/* Where rank `rank` has chunk `chunk` of the block. */
static void *place(const Collective *c, int rank, uint32_t chunk, int block)
{
    unsigned char *slot = c->group->window->segment[rank]->slot[(c->first_chunk + chunk) % WINDOW_SLOTS];
    return slot + (c->leg->reduces ? block * chunk_most(c) * width_of(c) : 0);
}

static WindowNote *note_of(const Collective *c, int rank, uint32_t chunk)
{
    return &c->group->window->segment[rank]->note[(c->first_chunk + chunk) % WINDOW_SLOTS];
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

static void put_piece(Collective *c, uint32_t chunk, int block, Tensor piece, int64_t before)
{
    memcpy(beyond(c, place(c, c->leg->rank, chunk, block), before), piece.data, tensor_bytes(piece));
}

static void put(Collective *c, uint32_t chunk)
{
    const int n = c->leg->size, r = c->leg->rank;
    WindowNote *note = note_of(c, r, chunk);
    note->began = c->start;
    note->put_last = c->group->comm->last;
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

/* What came with what all have put. */
static void hear(Collective *c, uint32_t chunk)
{
    for (int r = 0; r < c->leg->size; r++) {
        const WindowNote *note = note_of(c, r, chunk);
        if (note->began > c->start) c->start = note->began;
        if (note->put_last) comm_say_last(c->group->comm, note->put_last);
    }
}

static void sum(Collective *c, uint32_t chunk)
{
    if (!sums_own(c)) return;
    hear(c, chunk);
    each_piece(c, chunk, c->leg->rank, sum_piece);
    note_of(c, c->leg->rank, chunk)->sum_last = c->group->comm->last;
}

static void take(Collective *c, uint32_t chunk)
{
    const int n = c->leg->size, r = c->leg->rank;
    if (!c->leg->gathers) return;
    if (!sums_own(c)) hear(c, chunk);
    if (is_short(c)) each_piece(c, chunk, r, sum_piece);
    for (int k = 1; k < n; k++) {
        int block = (r + k) % n;
        each_piece(c, chunk, block, is_short(c) ? sum_piece : take_piece);
        const WindowNote *note = note_of(c, block, chunk);
        if (sums_own(c) && note->sum_last) comm_say_last(c->group->comm, note->sum_last);
    }
}

/* ---- moving on ---- */

/* Whose chunk is the group's k-th; NULL: of none that has begun. */
static Collective *owner(const Window *w, uint32_t k)
{
    Collective *c = w->first;
    while (c && k - c->first_chunk >= c->chunks) c = c->next;
    return c;
}

/* What all must have counted, and how far, before stage `stage` of chunk k of `c`; -1: nothing. */
static int needs(const Collective *c, int stage, uint32_t k, uint32_t *count)
{
    *count = k + 1;
    if (stage == SUM) return sums_own(c) ? PUT : -1;
    if (stage == TAKE) return !c->leg->gathers ? -1 : sums_own(c) ? SUM : PUT;
    *count = k + 1 - WINDOW_SLOTS; /* of the first ones: has been, before any */
    return TAKE;
}

/* The collective whose next chunk may come to this stage now; NULL: none. */
static Collective *ready(const Group *g, int stage)
{
    Window *w = g->window;
    uint32_t k = w->count[stage], count;
    Collective *c = stage == PUT || w->count[stage - 1] != k ? owner(w, k) : NULL;
    if (!c) return NULL;
    int needed = needs(c, stage, k, &count);
    return needed < 0 || window_behind(w, g->size, needed, count) < 0 ? c : NULL;
}

bool windows_ready(const Collective *c)
{
    bool any = false;
    for (int stage = 0; stage < STAGES && !any; stage++) any = ready(c->group, stage) != NULL;
    return any;
}

/* Those that are furthest first, so that what is in caches is used. */
static bool moves(Group *g)
{
    static void (*const work[STAGES])(Collective * c, uint32_t chunk) = {put, sum, take};
    Window *w = g->window;
    for (int stage = TAKE; stage >= PUT; stage--) {
        Collective *c = ready(g, stage);
        if (!c) continue;
        work[stage](c, w->count[stage] - c->first_chunk);
        window_count(w, g->rank, stage);
        if (stage == TAKE && w->count[TAKE] == c->first_chunk + c->chunks) {
            c->done = true;
            w->first = c->next;
        }
        return true;
    }
    return false;
}

/* For the chunk that is next to be taken, as all before it are done with; it can be at an earlier stage. */
static void wait_for_others(Group *g)
{
    Window *w = g->window;
    int stage = TAKE, needed, behind;
    while (stage > PUT && w->count[stage - 1] == w->count[stage]) stage--;
    uint32_t k = w->count[stage], count;
    const Collective *c = owner(w, k);
    needed = needs(c, stage, k, &count);
    behind = needed < 0 ? -1 : window_behind(w, g->size, needed, count);
    if (behind < 0) return; /* it has come meanwhile */
    const Request what = {.comm = g->comm,
                          .purpose = c->purpose,
                          .peer = g->members[behind],
                          .channel = g->channel,
                          .tag = c->tag,
                          .receives = true,
                          .bytes = c->shape.bytes};
    g->comm->backend->await(g, behind, needed, count, &what);
}

void windows_start(Collective *c)
{
    Window *w = c->group->window;
    const int64_t most = chunk_most(c), count = ring_blocks(c, 0);
    Collective **last = &w->first;
    while (*last) last = &(*last)->next;
    *last = c;
    c->next = NULL;
    c->first_chunk = w->begun;
    c->chunks = (uint32_t)((count + most - 1) / most);
    w->begun += c->chunks;
    comm_ring_beside(c->group, &c->shape);
    ring_report(c);
    windows_move(c, false);
}

void windows_move(Collective *c, bool to_the_end)
{
    while (!c->done) {
        if (moves(c->group)) continue;
        if (!to_the_end) break;
        wait_for_others(c->group);
    }
}
