/* tensor.h - a run of numbers on a device: a type, a count, and storage or none.
 *
 * A dry device gives tensors without storage; they have the same sizes, are
 * counted in the same ledger, and every kernel skips its arithmetic on them.
 * Tensors are small values, passed by copy; a view shares its owner's storage. */
#ifndef MODELS_MACHINE_TENSOR_H
#define MODELS_MACHINE_TENSOR_H
#include <assert.h>
#include "models/machine/device.h"
#include "models/machine/dtype.h"

typedef struct Tensor {
    Device *device;
    void *data; /* NULL on a dry device */
    int64_t count;
    DType dtype;
    MemoryCategory category;
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
static inline real *reals(Tensor t)
{
    assert(t.dtype == REAL);
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

/* REAL, BF16 and FP16 in any mixture: computed in reals, and a result of 16 bits
 * rounded once. Done in pieces that stay in the cache, without workspace. */
void tensor_convert(Tensor to, Tensor from);
void tensor_add(Tensor to, Tensor from, WorkKind as); /* to += from, which is work of that kind */
double tensor_sum_of_squares(Tensor t);               /* in double, in a fixed order */
/* Values first..first+count-1 of a tensor of one of these types, to and from
 * reals: for the inside of a kernel, so no report to the device. */
void tensor_read(Tensor t, int64_t first, int64_t count, real *out);
void tensor_write(Tensor t, int64_t first, int64_t count, const real *values);
void tensor_sum(Tensor to, Tensor from);                   /* to += from, so */
Work tensor_sum_work(Tensor to, Tensor from, WorkKind as); /* and what is to be reported of it */
Work tensor_squares_work(Tensor t);                        /* of the sum of squares */
Work tensor_copy_work(Tensor to);                          /* and of a copy */
/* Of `left` values the next piece, when work is done in pieces: in the first cache, and on any stack. */
enum { TENSOR_PIECE = 1024 };
static inline int64_t tensor_piece(int64_t left)
{
    return left < TENSOR_PIECE ? left : TENSOR_PIECE;
}

/* How a kernel opens an argument of one of these types: wide_of() to read or to
 * change it, wide_for() to write all of it. A REAL tensor is itself; of another
 * the kernel gets a REAL copy, which it closes by wide_free() or, to round it
 * into `t`, wide_store(). In no ledger, neither as memory nor as traffic: an
 * accelerator widens in registers, only this machine's BLAS cannot. */
Tensor wide_of(Tensor t);
Tensor wide_for(Tensor t);
void wide_free(Tensor *wide, Tensor t);
void wide_store(Tensor *wide, Tensor t);
#endif
