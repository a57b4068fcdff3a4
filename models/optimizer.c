/* optimizer.c - the update rules, as PyTorch defines them. */
#include "models/optimizer.h"
#include "models/vector.h"

int optimizer_states(OptimizerKind kind)
{
    static const int states[] = {
        [OPTIMIZER_SGD] = 0, [OPTIMIZER_MOMENTUM] = 1, [OPTIMIZER_ADAM] = 2, [OPTIMIZER_ADAMW] = 2};
    return states[kind];
}

VECTORISED static void sgd(real *restrict x, const real *restrict g, int64_t n, real rate, real scale,
                           real decay)
{
    for (int64_t i = 0; i < n; i++) x[i] -= rate * (scale * g[i] + decay * x[i]);
}

/* v = mu v + g; x -= rate v (Sutskever et al. 2013, PyTorch's form; v starts at zero) */
VECTORISED static void momentum(real *restrict x, const real *restrict g, real *restrict v, int64_t n,
                                real rate, real mu, real scale, real decay)
{
    for (int64_t i = 0; i < n; i++) {
        v[i] = mu * v[i] + (scale * g[i] + decay * x[i]);
        x[i] -= rate * v[i];
    }
}

/* Kingma & Ba 1412.6980, algorithm 1, with `l2` added to the gradient (Adam) or
 * `shrink` taken off the parameter first (AdamW) */
VECTORISED static void adam(real *restrict x, const real *restrict g, real *restrict m, real *restrict v,
                            int64_t n, real scale, real l2, real shrink, real beta1, real beta2,
                            real step_size, real root_correction, real epsilon)
{
    for (int64_t i = 0; i < n; i++) {
        real d = scale * g[i] + l2 * x[i];
        x[i] -= shrink * x[i];
        m[i] = beta1 * m[i] + (1 - beta1) * d;
        v[i] = beta2 * v[i] + (1 - beta2) * d * d;
        x[i] -= step_size * m[i] / (real_sqrt(v[i]) * root_correction + epsilon);
    }
}

void optimizer_update(const OptimizerConfig *config, Tensor parameters, Tensor gradients,
                      const Tensor state[2], double learning_rate, double scale, bool decay, int64_t step)
{
    int64_t n = parameters.count;
    int states = optimizer_states(config->kind);
    if (!device_kernel(parameters.device, 14.0 * (double)n, (double)((3 + 2 * states) * n) * sizeof(real)))
        return;
    real *x = reals(parameters), weight_decay = decay ? (real)config->weight_decay : 0;
    const real *g = reals(gradients);
    real rate = (real)learning_rate;

    if (config->kind == OPTIMIZER_SGD) {
        sgd(x, g, n, rate, (real)scale, weight_decay);
    } else if (config->kind == OPTIMIZER_MOMENTUM) {
        momentum(x, g, reals(state[0]), n, rate, (real)config->momentum, (real)scale, weight_decay);
    } else {
        bool decoupled = config->kind == OPTIMIZER_ADAMW;
        double correction1 = 1 - pow(config->beta1, (double)step),
               correction2 = 1 - pow(config->beta2, (double)step);
        adam(x, g, reals(state[0]), reals(state[1]), n, (real)scale, decoupled ? 0 : weight_decay,
             decoupled ? rate * weight_decay : 0, (real)config->beta1, (real)config->beta2,
             (real)(learning_rate / correction1), (real)(1 / sqrt(correction2)), (real)config->epsilon);
    }
}
