/* probe.c - tensors of known numbers, and slopes. */
#include "tests/support/probe.h"
#include "models/machine/tensor_values.h"

/* The five-point central difference has an error of h^4 f'''''/30 from its
 * form and of about eps |f| / h from rounding; h balances the two. */
#ifdef SIM_DOUBLE
static const double PROBE_STEP = 1e-3;
#else
static const double PROBE_STEP = 0.03;
#endif

Tensor noise(Device *device, int64_t count, uint64_t which, double deviation)
{
    Tensor t = tensor_new(device, MEM_PARAMETERS, REAL, count);
    for (int64_t i = 0; i < count; i++)
        reals(t)[i] = (real)(deviation * random_normal(42, STREAM_WEIGHTS, which, (uint64_t)i));
    return t;
}

Tensor constant(Device *device, int64_t count, double value)
{
    Tensor t = tensor_new(device, MEM_PARAMETERS, REAL, count);
    for (int64_t i = 0; i < count; i++) reals(t)[i] = (real)value;
    return t;
}

Tensor converted(Device *device, DType dtype, Tensor from)
{
    Tensor t = tensor_new(device, MEM_PARAMETERS, dtype, from.count);
    tensor_convert(t, from);
    return t;
}

void give_back(Tensor *t, int count)
{
    for (int i = 0; i < count; i++) tensor_free(&t[i]);
}

double *doubles(int64_t count)
{
    return calloc((size_t)count, sizeof(double));
}

Tensor some_tokens(Device *device, int64_t count, uint64_t which, int64_t vocab)
{
    Tensor t = tensor_new(device, MEM_ACTIVATIONS, INT32, count);
    for (int64_t i = 0; i < count; i++)
        ints(t)[i] = (int32_t)random_below(42, STREAM_TEXT_ORDER, which, (uint64_t)i, (uint64_t)vocab);
    return t;
}

double weighted(Tensor weights, Tensor y)
{
    double sum = 0;
    for (int64_t i = 0; i < y.count; i++) sum += (double)reals(weights)[i] * (double)reals(y)[i];
    return sum;
}

static double slope(double (*f)(void *context), void *context, real *x)
{
    real at = *x;
    double value[5], place[5];
    for (int k = -2; k <= 2; k++) {
        *x = (real)((double)at + k * PROBE_STEP);
        place[k + 2] = (double)*x; /* what was stored, not what was asked for */
        value[k + 2] = k ? f(context) : 0;
    }
    *x = at;
    double near = (value[3] - value[1]) / (place[3] - place[1]),
           far = (value[4] - value[0]) / (place[4] - place[0]);
    return (4 * near - far) / 3;
}

double gradient_error(double (*f)(void *context), void *context, Tensor x, Tensor dx, double before)
{
    double largest = 0, worst = 0;
    int64_t stride = x.count / 150 + 1;
    for (int64_t i = 0; i < x.count; i += stride) {
        double numeric = slope(f, context, &reals(x)[i]),
               apart = fabs((double)reals(dx)[i] - before - numeric);
        largest = fmax(largest, fabs(numeric));
        if (!(apart <= worst)) worst = apart;
    }
    return worst / largest;
}

double distance(Tensor a, const double *b)
{
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < a.count; i++) {
        double apart = fabs((double)reals(a)[i] - b[i]);
        largest = fmax(largest, fabs(b[i]));
        if (!(apart <= worst)) worst = apart;
    }
    return worst / largest;
}
