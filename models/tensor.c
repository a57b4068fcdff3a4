/* tensor.c - allocation, views and the few operations that need no shape. */
#include "models/tensor.h"
#include <assert.h>
#include <string.h>

size_t dtype_bytes(DType dtype)
{
    return dtype == REAL ? sizeof(real) : dtype == INT32 ? sizeof(int32_t) : sizeof(uint8_t);
}

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
    if (t.data) t.data = (char *)t.data + (size_t)offset * dtype_bytes(t.dtype);
    t.count = count;
    return t;
}

void tensor_zero(Tensor t)
{
    if (device_kernel(t.device, 0, (double)tensor_bytes(t)) && t.count) memset(t.data, 0, tensor_bytes(t));
}

void tensor_copy(Tensor to, Tensor from)
{
    assert(to.count == from.count && to.dtype == from.dtype);
    if (device_kernel(to.device, 0, 2.0 * (double)tensor_bytes(to)) && to.count)
        memcpy(to.data, from.data, tensor_bytes(to));
}

void tensor_add(Tensor to, Tensor from)
{
    assert(to.count == from.count && to.dtype == REAL && from.dtype == REAL);
    if (!device_kernel(to.device, (double)to.count, 3.0 * (double)tensor_bytes(to))) return;
    real *restrict y = reals(to);
    const real *restrict x = reals(from);
    for (int64_t i = 0; i < to.count; i++) y[i] += x[i];
}

double tensor_sum_of_squares(Tensor t)
{
    if (!device_kernel(t.device, 2.0 * (double)t.count, (double)tensor_bytes(t))) return 0;
    /* 8 fixed lanes: vectorises, and the order never depends on the machine */
    enum { LANES = 8 };
    double lane[LANES] = {0}, sum = 0;
    const real *x = reals(t);
    int64_t i = 0;
    for (; i + LANES <= t.count; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
    for (; i < t.count; i++) sum += (double)x[i] * (double)x[i];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

Tensor wide_of(Tensor t)
{
    return t;
}

Tensor wide_for(Tensor t)
{
    return t;
}

void wide_free(Tensor *wide, Tensor t)
{
    assert(wide->data == t.data);
    *wide = (Tensor){0};
}

void wide_store(Tensor *wide, Tensor t)
{
    wide_free(wide, t);
}
