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

static Tensor gathered(const Region *r, Tensor local, int64_t B)
{
    if (!spreads(r)) return local;
    Tensor whole = tensor_new(local.device, MEM_WORKSPACE, local.dtype, local.count * r->size);
    int64_t rows = local.count / B;
    for (int64_t b = 0; b < B; b++) tensor_copy(rows_of(r, whole, B, b), tensor_view(local, b * rows, rows));
    r->ops->gather_rows(r->context, whole, B);
    return whole;
}

static void summed(const Region *r, Tensor whole, Tensor local, int64_t B)
{
    if (r->size == 1) return;
    if (!r->sequence) {
        r->ops->sum(r->context, whole);
        return;
    }
    r->ops->sum_to_rows(r->context, whole, B);
    int64_t rows = local.count / B;
    for (int64_t b = 0; b < B; b++) tensor_copy(tensor_view(local, b * rows, rows), rows_of(r, whole, B, b));
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

void region_release(const Region *r, Tensor *whole)
{
    if (spreads(r)) tensor_free(whole);
    *whole = (Tensor){0};
}
