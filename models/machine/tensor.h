/* tensor.h - a run of numbers on a device: a type, a count, and storage or none.
 *
 * A dry device gives tensors without storage; they have the same sizes, are
 * counted in the same ledger, and every kernel skips its arithmetic on them.
 * Tensors are small values, passed by copy; a view shares its owner's storage. */
#ifndef MODELS_MACHINE_TENSOR_H
#define MODELS_MACHINE_TENSOR_H
#include "models/machine/device.h"
#include "models/machine/dtype.h"

typedef struct Tensor {
    Device *device;
    void *data; /* NULL on a dry device */
    int64_t count;
    DType dtype;
    MemoryCategory category;
    bool blank; /* see tensor_blank() */
} Tensor;

static inline size_t tensor_bytes(Tensor t)
{
    return (size_t)t.count * dtype_bytes(t.dtype);
}
/* Bytes of so many values of `t`'s type, for a kernel's report. */
static inline double tensor_traffic(Tensor t, int64_t values)
{
    return (double)values * (double)dtype_bytes(t.dtype);
}
/* The report of a kernel through which so many rows of t's values go. */
static inline Work work_through(WorkKind kind, Tensor t, int64_t rows, double flops, double bytes)
{
    return work_over(kind, t.dtype, rows, rows ? t.count / rows : 0, flops, bytes);
}
static inline int32_t *ints(Tensor t)
{
    return t.data;
}
static inline uint8_t *masks(Tensor t)
{
    return t.data;
}

Tensor tensor_new(Device *device, MemoryCategory category, DType dtype, int64_t count); /* not zeroed */
void tensor_free(Tensor *t); /* owners only; a freed or zero tensor is left alone */
/* Owners only; its memory stays where it is. A zero tensor is left alone. */
void tensor_rebook(Tensor *t, MemoryCategory category);
Tensor tensor_view(Tensor t, int64_t offset, int64_t count);
Tensor tensor_view_as(Tensor t, DType dtype); /* the whole of its memory as values of another type */

void tensor_zero(Tensor t);
/* The same for a sum, without a pass over its memory: what stands for zeros though nothing was written to it, and its
 * views. A product (matmul.h), tensor_add() of what is no INT32 and tensor_settle() write a blank in place of adding to
 * it. Whoever takes it so forgets that it was blank once each of its values has been written; the report is
 * tensor_zero()'s. */
Tensor tensor_blank(Tensor t);
void tensor_settle(Tensor *t); /* writes the zeros that a blank stands for; in no report of its own */
void tensor_copy(Tensor to, Tensor from); /* same count and dtype */
Work tensor_copy_work(Tensor to);         /* and what is to be reported of it */
#endif
