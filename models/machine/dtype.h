/* dtype.h - the types numbers have: what kernels compute in, and what tensors store. */
#ifndef MODELS_MACHINE_DTYPE_H
#define MODELS_MACHINE_DTYPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef SIM_DOUBLE
typedef double real;
#define REAL_NAME "fp64"
#else
typedef float real;
#define REAL_NAME "fp32"
#endif

/* Kernels compute in reals. BF16 and FP16 are for storage: a kernel widens what
 * it opens and rounds what it stores. */
typedef enum { REAL, INT32, BF16, FP16, UINT8 } DType;

static inline bool is_half(DType dtype)
{
    return dtype == BF16 || dtype == FP16;
}
static inline size_t dtype_bytes(DType dtype)
{
    static const size_t bytes[] = {
        [REAL] = sizeof(real), [INT32] = sizeof(int32_t), [BF16] = 2, [FP16] = 2, [UINT8] = 1};
    return bytes[dtype];
}
#endif
