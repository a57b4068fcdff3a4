/* activate.c - which of the activations. */
#include "models/layers/activate.h"
#include "models/kernels/kernels.h"

/* Of n rows; where there are none, as of experts that nobody chose, any will do. */
static int64_t width_of(Tensor x, int64_t n)
{
    return n ? x.count / n : 1;
}

void activate(const GptShape *shape, Tensor x, Tensor y, int64_t n)
{
    switch ((ActivationKind)shape->activation) {
    case ACTIVATION_GELU: gelu_forward_slope(x, y); break;
    case ACTIVATION_RELU: relu_forward(x, y); break;
    case ACTIVATION_SILU: silu_forward_slope(x, y); break;
    case ACTIVATION_SWIGLU: swiglu_forward_slope(x, y, n, width_of(y, n)); break;
    }
}

void activate_backward(const GptShape *shape, Tensor kept, Tensor dy, Tensor dx, int64_t n)
{
    switch ((ActivationKind)shape->activation) {
    case ACTIVATION_GELU: gelu_backward_slope(kept, dy, dx); break;
    case ACTIVATION_RELU: relu_backward(kept, dy, dx); break;
    case ACTIVATION_SILU: silu_backward_slope(kept, dy, dx); break;
    case ACTIVATION_SWIGLU: swiglu_backward_slope(kept, dy, dx, n, width_of(dy, n)); break;
    }
}
