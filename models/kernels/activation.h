/* activation.h - what activations have in common: x s(u), with s the sigmoid, and a report. */
#ifndef MODELS_KERNELS_ACTIVATION_H
#define MODELS_KERNELS_ACTIVATION_H
#include "models/machine/inlined.h"
#include "models/machine/real.h"
#include "models/machine/tensor.h"

/* The derivative of x s(u): s + x s (1 - s) du/dx. Of SiLU u is x. */
INLINED real slope(real x, real s, real du)
{
    return s + x * s * (1 - s) * du;
}

/* So many operations for each value of the result, and of its gradient. */
static inline Work activation_work(Tensor x, Tensor y, double flops)
{
    return work_through(WORK_ACTIVATION, y, 1, flops * (double)y.count,
                        (double)(tensor_bytes(x) + tensor_bytes(y)));
}

static inline Work activation_work_backward(Tensor x, Tensor dy, Tensor dx, double flops)
{
    return work_backward(work_through(WORK_ACTIVATION, dy, 1, flops * (double)dy.count,
                                      (double)(tensor_bytes(x) + tensor_bytes(dy) + tensor_bytes(dx))));
}
#endif
