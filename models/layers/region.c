/* region.c - the two conjugate pairs. */
#include "models/layers/region.h"

static bool spreads(const Region *r)
{
    return r->sequence && r->size > 1;
}

int64_t region_rows(const Region *r, int64_t T)
{
    return spreads(r) ? T / r->size : T;
}

int64_t region_first_row(const Region *r, int64_t T)
{
    return spreads(r) ? T / r->size * r->rank : 0;
}

/* This rank's rows of sample b in a whole (B, T, C). */
static Tensor rows_of(const Region *r, Tensor whole, int64_t B, int64_t b)
{
    int64_t sample = whole.count / B, rows = sample / r->size;
    return tensor_view(whole, b * sample + r->rank * rows, rows);
}

/* ---- by pieces ---- */

Pieces region_pieces(const Region *r, int64_t T)
{
    Pieces pieces = {1, region_rows(r, T)};
    if (r->overlap == REGION_PIPELINED && spreads(r))
        pieces.count = pieces.rows < r->pieces ? (int)pieces.rows : r->pieces;
    return pieces;
}

int64_t piece_first(Pieces pieces, int piece)
{
    return pieces.rows * piece / pieces.count;
}

/* In each sample of a rank's own. */
static Values values_of(const Crossing *c, int piece)
{
    int64_t width = c->local.count / c->B / c->pieces.rows, first = piece_first(c->pieces, piece);
    return (Values){first * width, (piece_first(c->pieces, piece + 1) - first) * width};
}

static void piece_end(const Region *r, Crossing *c, int piece)
{
    if (c->moving[piece]) r->ops->end(c->moving[piece]);
    c->moving[piece] = NULL;
}

Crossing region_gather_begin(const Region *r, Tensor local, int64_t B, Pieces pieces)
{
    Crossing c = {.whole = local, .local = local, .B = B, .pieces = pieces};
    if (!spreads(r)) return c;
    c.whole = tensor_new(local.device, MEM_WORKSPACE, local.dtype, local.count * r->size);
    int64_t rows = local.count / B;
    for (int64_t b = 0; b < B; b++)
        tensor_copy(rows_of(r, c.whole, B, b), tensor_view(local, b * rows, rows));
    for (int j = 0; j < pieces.count; j++)
        c.moving[j] = r->ops->gather_rows(r->context, c.whole, B, values_of(&c, j));
    return c;
}

void region_gather_piece_end(const Region *r, Crossing *c, int piece)
{
    piece_end(r, c, piece);
}

Tensor region_gather_end(const Region *r, Crossing *c)
{
    for (int j = 0; j < c->pieces.count; j++) piece_end(r, c, j);
    return c->whole;
}

Crossing region_sum_open(Tensor whole, Tensor local, int64_t B, Pieces pieces)
{
    return (Crossing){.whole = whole, .local = local, .B = B, .pieces = pieces};
}

void region_sum_piece_begin(const Region *r, Crossing *c, int piece)
{
    if (r->size == 1) return;
    c->moving[piece] = r->sequence ? r->ops->sum_to_rows(r->context, c->whole, c->B, values_of(c, piece))
                                   : r->ops->sum(r->context, c->whole);
}

void region_sum_end(const Region *r, Crossing *c)
{
    for (int j = 0; j < c->pieces.count; j++) piece_end(r, c, j);
    if (!spreads(r)) return;
    int64_t rows = c->local.count / c->B;
    for (int64_t b = 0; b < c->B; b++)
        tensor_copy(tensor_view(c->local, b * rows, rows), rows_of(r, c->whole, c->B, b));
}

/* ---- at once ---- */

static Tensor gathered(const Region *r, Tensor local, int64_t B)
{
    Crossing c = region_gather_begin(r, local, B, ONE_PIECE);
    return region_gather_end(r, &c);
}

static void summed(const Region *r, Tensor whole, Tensor local, int64_t B)
{
    Crossing c = region_sum_open(whole, local, B, ONE_PIECE);
    region_sum_piece_begin(r, &c, 0);
    region_sum_end(r, &c);
}

Tensor region_enter(const Region *r, Tensor local, int64_t B)
{
    return gathered(r, local, B);
}

void region_enter_backward(const Region *r, Tensor dwhole, Tensor dlocal, int64_t B)
{
    summed(r, dwhole, dlocal, B);
}

Tensor region_result(const Region *r, Tensor local)
{
    return spreads(r) ? tensor_new(local.device, MEM_WORKSPACE, local.dtype, local.count * r->size) : local;
}

void region_leave(const Region *r, Tensor whole, Tensor local, int64_t B)
{
    summed(r, whole, local, B);
}

Tensor region_leave_backward(const Region *r, Tensor dlocal, int64_t B)
{
    return gathered(r, dlocal, B);
}

void region_gather_all(const Region *r, Tensor all)
{
    if (r->size > 1) r->ops->end(r->ops->gather_all(r->context, all));
}

void region_release(const Region *r, Tensor *whole)
{
    if (spreads(r)) tensor_free(whole);
    *whole = (Tensor){0};
}
