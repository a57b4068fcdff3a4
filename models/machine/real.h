/* real.h - what kernels compute in. Apart from the types that tensors store: what includes this is compiled for each
 * precision, all else once. */
#ifndef MODELS_MACHINE_REAL_H
#define MODELS_MACHINE_REAL_H

#ifdef SIM_DOUBLE
typedef double real;
#define REAL_NAME "fp64"
#else
typedef float real;
#define REAL_NAME "fp32"
#endif
#endif
