/* dtype.h - the types of the numbers that tensors store. */
#ifndef MODELS_MACHINE_DTYPE_H
#define MODELS_MACHINE_DTYPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kernels compute in reals (real.h). BF16 and FP16 are for storage: a kernel widens what
 * it opens and rounds what it stores. */
typedef enum { REAL, INT32, BF16, FP16, UINT8 } DType;

static inline bool is_half(DType dtype)
{
    return dtype == BF16 || dtype == FP16;
}
size_t dtype_bytes(DType dtype);
#endif
