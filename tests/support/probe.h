/* probe.h - random tensors, and gradients held against finite differences. */
#ifndef TESTS_SUPPORT_PROBE_H
#define TESTS_SUPPORT_PROBE_H
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include "models/machine/random.h"
#include "models/machine/tensor.h"

#ifdef SIM_DOUBLE
static const double GRADIENT_TOLERANCE = 1e-9, VALUE_TOLERANCE = 1e-13;
#else
static const double GRADIENT_TOLERANCE = 1e-3, VALUE_TOLERANCE = 2e-6;
#endif

/* Normal numbers that depend on (which, index) alone. */
Tensor noise(Device *device, int64_t count, uint64_t which, double deviation);
Tensor constant(Device *device, int64_t count, double value);
/* The same values as near as the type has them. */
Tensor converted(Device *device, DType dtype, Tensor from);
/* Tokens below `vocab`, with repeats. */
Tensor some_tokens(Device *device, int64_t count, uint64_t which, int64_t vocab);
/* Frees so many tensors. */
void give_back(Tensor *t, int count);
/* Zeros; the caller frees them. */
double *doubles(int64_t count);

/* sum(weights * y): a number that feels every element of y. */
double weighted(Tensor weights, Tensor y);
/* The largest difference between f's slope in x and dx - `before` (what dx held
 * before it was added to), relative to the largest slope. Long tensors are
 * probed at some 150 places. NaN counts as a difference. */
double gradient_error(double (*f)(void *context), void *context, Tensor x, Tensor dx, double before);
/* The largest |a - b| relative to the largest |b|. */
double distance(Tensor a, const double *b);

#define assert_below(value, limit)                                                          \
    do {                                                                                    \
        double is = (value), below = (limit);                                               \
        if (!(is <= below)) print_error("%s is %.3g, more than %.3g\n", #value, is, below); \
        assert_true(is <= below);                                                           \
    } while (0)
#define assert_gradient(f, context, x, dx, before) \
    assert_below(gradient_error(f, context, x, dx, before), GRADIENT_TOLERANCE)
#endif
