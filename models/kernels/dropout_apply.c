/* dropout_apply.c - one pass, as vector code. */
#include "models/kernels/dropout_apply.h"
#include "models/machine/vector.h"

VECTORISED void dropout_apply(double scale, const real *x, const uint8_t *mask, real *y, int64_t n)
{
    real kept = (real)scale;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * ((real)mask[i] * kept);
}
