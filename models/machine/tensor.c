/* tensor.c - allocation, views, and what needs to know no type. */
#include "models/machine/tensor.h"
#include <assert.h>
#include <string.h>

Tensor tensor_new(Device *device, MemoryCategory category, DType dtype, int64_t count)
{
    Tensor t = {.device = device, .count = count, .dtype = dtype, .category = category};
    t.data = device_allocate(device, category, tensor_bytes(t));
    return t;
}

void tensor_free(Tensor *t)
{
    if (t->device) device_free(t->device, t->category, t->data, tensor_bytes(*t));
    *t = (Tensor){0};
}

void tensor_rebook(Tensor *t, MemoryCategory category)
{
    if (!t->device) return;
    device_rebook(t->device, t->category, category, tensor_bytes(*t));
    t->category = category;
}

Tensor tensor_view(Tensor t, int64_t offset, int64_t count)
{
    assert(offset >= 0 && count >= 0 && offset + count <= t.count);
    void *data = t.data ? (char *)t.data + (size_t)offset * dtype_bytes(t.dtype) : NULL;
    /* field by field: a copy in one piece would wait for a field just written */
    return (Tensor){t.device, data, count, t.dtype, t.category, t.blank};
}

Tensor tensor_view_as(Tensor t, DType dtype)
{
    t.count = (int64_t)(tensor_bytes(t) / dtype_bytes(dtype));
    t.dtype = dtype;
    return t;
}

static Work zero_work(Tensor t)
{
    return work_through(WORK_ZERO, t, 1, 0, (double)tensor_bytes(t));
}

void tensor_zero(Tensor t)
{
    if (device_kernel(t.device, zero_work(t)) && t.count) memset(t.data, 0, tensor_bytes(t));
}

Tensor tensor_blank(Tensor t)
{
    device_kernel(t.device, zero_work(t));
    t.blank = true;
    return t;
}

void tensor_settle(Tensor *t)
{
    if (t->blank && t->data && t->count) memset(t->data, 0, tensor_bytes(*t));
    t->blank = false;
}

Work tensor_copy_work(Tensor to)
{
    return work_through(WORK_COPY, to, 1, 0, 2.0 * (double)tensor_bytes(to));
}

void tensor_copy(Tensor to, Tensor from)
{
    assert(to.count == from.count && to.dtype == from.dtype);
    if (device_kernel(to.device, tensor_copy_work(to)) && to.count)
        memcpy(to.data, from.data, tensor_bytes(to));
}
