/* activate.h - what stands between the two linear layers of an MLP, or of an expert. */
#ifndef MODELS_LAYERS_ACTIVATE_H
#define MODELS_LAYERS_ACTIVATE_H
#include "models/layers/gpt_shape.h"
#include "models/machine/tensor.h"

/* y (n, F) from x (n, F), or where it is gated (n, 2F); which is kept, for backward alone, and may be changed. */
void activate(const GptShape *shape, Tensor x, Tensor y, int64_t n);
/* dx like what was kept; without a gate it may be dy. */
void activate_backward(const GptShape *shape, Tensor kept, Tensor dy, Tensor dx, int64_t n);
#endif
