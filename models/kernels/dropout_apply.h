/* dropout_apply.h - a mask laid over reals, for the inside of a kernel: without a report to the device. */
#ifndef MODELS_KERNELS_DROPOUT_APPLY_H
#define MODELS_KERNELS_DROPOUT_APPLY_H
#include <stdint.h>
#include "models/machine/real.h"

/* y = x * mask * scale, the scale being dropout_scale()'s; y may be x. */
void dropout_apply(double scale, const real *x, const uint8_t *mask, real *y, int64_t n);
#endif
