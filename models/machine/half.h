/* half.h - numbers of 16 bits: bfloat16 and IEEE 754's binary16, to and from reals.
 *
 * Rounds to nearest, ties to even; what is too large becomes infinite, NaN a
 * quiet NaN with its upper bits, and numbers below the normal ones are exact.
 * The bits do not depend on the machine, nor on where a range is cut. */
#ifndef MODELS_MACHINE_HALF_H
#define MODELS_MACHINE_HALF_H
#include "models/machine/dtype.h"
#include "models/machine/real.h"

/* format: BF16 or FP16. As vector code, in hardware where there is an instruction for it. */
void half_widen(DType format, const uint16_t *restrict from, real *restrict to, int64_t n);
void half_round(DType format, const real *restrict from, uint16_t *restrict to, int64_t n);
/* Rows of n values that lie side by side, into rows that begin `apart` from one to the next. */
void half_round_rows(DType format, const real *restrict from, uint16_t *restrict to, int64_t rows, int64_t n,
                     int64_t apart);

/* One number, by integer operations alone: what the above must agree with. */
real half_value(DType format, uint16_t half);
uint16_t half_nearest(DType format, real x);
#endif
