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

static void wait_for(const Region *r, Crossing *c)
{
    if (c->moving) r->ops->end(c->moving);
    c->moving = NULL;
}

static Crossing gather_begin(const Region *r, Tensor local, int64_t B)
{
    if (!spreads(r)) return (Crossing){.whole = local, .local = local, .B = B};
    Tensor whole = tensor_new(local.device, MEM_WORKSPACE, local.dtype, local.count * r->size);
    int64_t rows = local.count / B;
    for (int64_t b = 0; b < B; b++) tensor_copy(rows_of(r, whole, B, b), tensor_view(local, b * rows, rows));
    return (Crossing){whole, local, B, r->ops->gather_rows(r->context, whole, B)};
}

static Tensor gather_end(const Region *r, Crossing *c)
{
    wait_for(r, c);
    return c->whole;
}

static Crossing sum_begin(const Region *r, Tensor whole, Tensor local, int64_t B)
{
    Crossing c = {.whole = whole, .local = local, .B = B};
    if (r->size == 1) return c;
    c.moving = r->sequence ? r->ops->sum_to_rows(r->context, whole, B) : r->ops->sum(r->context, whole);
    return c;
}

static void sum_end(const Region *r, Crossing *c)
{
    wait_for(r, c);
    if (!spreads(r)) return;
    int64_t rows = c->local.count / c->B;
    for (int64_t b = 0; b < c->B; b++)
        tensor_copy(tensor_view(c->local, b * rows, rows), rows_of(r, c->whole, c->B, b));
}

static Tensor gathered(const Region *r, Tensor local, int64_t B)
{
    Crossing c = gather_begin(r, local, B);
    return gather_end(r, &c);
}

static void summed(const Region *r, Tensor whole, Tensor local, int64_t B)
{
    Crossing c = sum_begin(r, whole, local, B);
    sum_end(r, &c);
}

Tensor region_enter(const Region *r, Tensor local, int64_t B)
{
    return gathered(r, local, B);
}

Crossing region_enter_begin(const Region *r, Tensor local, int64_t B)
{
    return gather_begin(r, local, B);
}

Tensor region_enter_end(const Region *r, Crossing *c)
{
    return gather_end(r, c);
}

void region_enter_backward(const Region *r, Tensor dwhole, Tensor dlocal, int64_t B)
{
    summed(r, dwhole, dlocal, B);
}

Crossing region_enter_backward_begin(const Region *r, Tensor dwhole, Tensor dlocal, int64_t B)
{
    return sum_begin(r, dwhole, dlocal, B);
}

void region_enter_backward_end(const Region *r, Crossing *c)
{
    sum_end(r, c);
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
