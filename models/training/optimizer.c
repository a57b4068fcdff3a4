/* optimizer.c - the update rules, as PyTorch defines them. */
#include "models/training/optimizer.h"
#include "models/machine/vector.h"

int optimizer_states(OptimizerKind kind)
{
    static const int states[] = {[OPTIMIZER_SGD] = 0,   [OPTIMIZER_MOMENTUM] = 1, [OPTIMIZER_ADAM] = 2,
                                 [OPTIMIZER_ADAMW] = 2, [OPTIMIZER_RMSPROP] = 1,  [OPTIMIZER_ADAGRAD] = 1};
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

/* AdaGrad (Duchi et al. 2011): v = v + d^2; RMSProp (Hinton 2012): a running mean instead of the sum */
VECTORISED static void adaptive(real *restrict x, const real *restrict g, real *restrict v, int64_t n,
                                real rate, real keep, real take, real scale, real decay, real epsilon)
{
    for (int64_t i = 0; i < n; i++) {
        real d = scale * g[i] + decay * x[i];
        v[i] = keep * v[i] + take * d * d;
        x[i] -= rate * d / (real_sqrt(v[i]) + epsilon);
    }
}

typedef struct Step {
    const OptimizerConfig *config;
    double learning_rate, correction1, correction2; /* Adam's, for moments that started at zero */
    real scale, decay;
} Step;

static void update(const Step *s, real *x, const real *g, real *first, real *second, int64_t n)
{
    const OptimizerConfig *c = s->config;
    real rate = (real)s->learning_rate;
    bool decoupled = c->kind == OPTIMIZER_ADAMW, mean = c->kind == OPTIMIZER_RMSPROP;
    switch ((OptimizerKind)c->kind) {
    case OPTIMIZER_SGD: sgd(x, g, n, rate, s->scale, s->decay); break;
    case OPTIMIZER_MOMENTUM: momentum(x, g, first, n, rate, (real)c->momentum, s->scale, s->decay); break;
    case OPTIMIZER_ADAM:
    case OPTIMIZER_ADAMW:
        adam(x, g, first, second, n, s->scale, decoupled ? 0 : s->decay, decoupled ? rate * s->decay : 0,
             (real)c->beta1, (real)c->beta2, (real)(s->learning_rate / s->correction1),
             (real)(1 / sqrt(s->correction2)), (real)c->epsilon);
        break;
    case OPTIMIZER_RMSPROP:
    case OPTIMIZER_ADAGRAD:
        adaptive(x, g, first, n, rate, mean ? (real)c->alpha : 1, mean ? (real)(1 - c->alpha) : 1, s->scale,
                 s->decay, (real)c->epsilon);
        break;
    }
}

static real *at(Tensor t, int64_t place)
{
    return reals(t) + place;
}

void optimizer_update(const OptimizerConfig *config, Tensor parameters, Tensor gradients, const Tensor *state,
                      double learning_rate, double scale, bool decay, int64_t step)
{
    int64_t n = parameters.count;
    int states = optimizer_states((OptimizerKind)config->kind);
    bool mixed = state[OPTIMIZER_MASTER].device; /* it is read and written, the parameters written */
    Tensor x = mixed ? state[OPTIMIZER_MASTER] : parameters;
    double bytes = tensor_traffic(x, (2 + 2 * states) * n) + tensor_traffic(gradients, n) +
                   (mixed ? tensor_traffic(parameters, n) : 0);
    if (!device_kernel(parameters.device, 14.0 * (double)n, bytes)) return;

    Step s = {.config = config,
              .learning_rate = learning_rate,
              .correction1 = 1 - pow(config->beta1, (double)step),
              .correction2 = 1 - pow(config->beta2, (double)step),
              .scale = (real)scale,
              .decay = decay ? (real)config->weight_decay : 0};
    real wide[TENSOR_PIECE]; /* a piece of 16-bit gradients */
    for (int64_t i = 0, count; i < n; i += count) {
        count = tensor_piece(n - i);
        if (is_half(gradients.dtype)) tensor_read(gradients, i, count, wide);
        update(&s, at(x, i), is_half(gradients.dtype) ? wide : at(gradients, i),
               states > 0 ? at(state[0], i) : NULL, states > 1 ? at(state[1], i) : NULL, count);
        if (mixed) tensor_write(parameters, i, count, at(x, i));
    }
}
