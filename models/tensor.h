/* tensor.h - a run of numbers on a device: a type, a count, and storage or none.
 *
 * A dry device gives tensors without storage; they have the same sizes, are
 * counted in the same ledger, and every kernel skips its arithmetic on them.
 * Tensors are small values, passed by copy; a view shares its owner's storage. */
#ifndef MODELS_TENSOR_H
#define MODELS_TENSOR_H
#include <stddef.h>
#include <stdint.h>
#include "models/device.h"

#ifdef SIM_DOUBLE
typedef double real;
#define REAL_NAME "fp64"
#else
typedef float real;
#define REAL_NAME "fp32"
#endif

typedef enum { REAL, INT32, UINT8 } DType;

typedef struct Tensor {
    Device *device;
    void *data; /* NULL on a dry device */
    int64_t count;
    DType dtype;
    MemoryCategory category;
} Tensor;

size_t dtype_bytes(DType dtype);
static inline size_t tensor_bytes(Tensor t)
{
    return (size_t)t.count * dtype_bytes(t.dtype);
}
static inline real *reals(Tensor t)
{
    return t.data;
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

void tensor_zero(Tensor t);
void tensor_copy(Tensor to, Tensor from); /* same count and dtype */
void tensor_add(Tensor to, Tensor from);  /* to += from */
double tensor_sum_of_squares(Tensor t);   /* in double, in a fixed order */

/* How a kernel opens an argument: wide_of() to read or to change it, wide_for() to write all of it; closed by
 * wide_free() or, where it was written, wide_store(). */
Tensor wide_of(Tensor t);
Tensor wide_for(Tensor t);
void wide_free(Tensor *wide, Tensor t);
void wide_store(Tensor *wide, Tensor t);
#endif
