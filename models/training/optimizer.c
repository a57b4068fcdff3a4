/* optimizer.c - the update rules, as PyTorch defines them. */
#include "models/training/optimizer.h"
#include "models/machine/tensor_rows.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

int optimizer_states(OptimizerKind kind)
{
    static const int states[] = {[OPTIMIZER_SGD] = 0,   [OPTIMIZER_MOMENTUM] = 1, [OPTIMIZER_ADAM] = 2,
                                 [OPTIMIZER_ADAMW] = 2, [OPTIMIZER_RMSPROP] = 1,  [OPTIMIZER_ADAGRAD] = 1};
    return states[kind];
}

const char *optimizer_state_name(OptimizerKind kind, int state)
{
    static const char *const names[][2] = {[OPTIMIZER_SGD] = {NULL, NULL},
                                           [OPTIMIZER_MOMENTUM] = {"momentum_v", NULL},
                                           [OPTIMIZER_ADAM] = {"adam_m", "adam_v"},
                                           [OPTIMIZER_ADAMW] = {"adam_m", "adam_v"},
                                           [OPTIMIZER_RMSPROP] = {"rmsprop_v", NULL},
                                           [OPTIMIZER_ADAGRAD] = {"adagrad_v", NULL}};
    return names[kind][state];
}

/* What the rules below multiply by. */
typedef struct Factors {
    real rate;
    real scale;        /* of the gradient */
    real decay;        /* of the parameter, added to the gradient */
    real shrink;       /* of the parameter, taken off it first: AdamW's decay */
    real keep, take;   /* of the running value, and of what joins it: (mu, 1), (beta1, 1 - beta1), ... */
    real keep2, take2; /* of Adam's second */
    real root;         /* of the square root */
    real epsilon;
} Factors;

VECTORISED static void sgd(real *restrict x, const real *restrict g, int64_t n, Factors f)
{
    for (int64_t i = 0; i < n; i++) x[i] -= f.rate * (f.scale * g[i] + f.decay * x[i]);
}

/* v = mu v + g; x -= rate v (Sutskever et al. 2013, PyTorch's form; v starts at zero) */
VECTORISED static void momentum(real *restrict x, const real *restrict g, real *restrict v, int64_t n,
                                Factors f)
{
    for (int64_t i = 0; i < n; i++) {
        v[i] = f.keep * v[i] + (f.scale * g[i] + f.decay * x[i]);
        x[i] -= f.rate * v[i];
    }
}

/* Kingma & Ba 1412.6980, algorithm 1, with decay in the gradient (Adam) or taken off the parameter first (AdamW) */
INLINED void adam_values(real *restrict x, const real *restrict g, real *restrict m, real *restrict v,
                         int64_t n, const Factors *f)
{
    for (int64_t i = 0; i < n; i++) {
        real d = f->scale * g[i] + f->decay * x[i];
        x[i] -= f->shrink * x[i];
        m[i] = f->keep * m[i] + f->take * d;
        v[i] = f->keep2 * v[i] + f->take2 * d * d;
        x[i] -= f->rate * m[i] / (real_sqrt(v[i]) * f->root + f->epsilon);
    }
}

VECTORISED static void adam(real *restrict x, const real *restrict g, real *restrict m, real *restrict v,
                            int64_t n, Factors f)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __builtin_prefetch(x + i + FETCHED_AHEAD, 1);
        __builtin_prefetch(g + i + FETCHED_AHEAD);
        __builtin_prefetch(m + i + FETCHED_AHEAD, 1);
        __builtin_prefetch(v + i + FETCHED_AHEAD, 1);
        adam_values(x + i, g + i, m + i, v + i, LANES, &f);
    }
    adam_values(x + i, g + i, m + i, v + i, n - i, &f);
}

/* AdaGrad (Duchi et al. 2011): v = v + d^2; RMSProp (Hinton 2012): a running mean instead of the sum */
VECTORISED static void adaptive(real *restrict x, const real *restrict g, real *restrict v, int64_t n,
                                Factors f)
{
    for (int64_t i = 0; i < n; i++) {
        real d = f.scale * g[i] + f.decay * x[i];
        v[i] = f.keep * v[i] + f.take * d * d;
        x[i] -= f.rate * d / (real_sqrt(v[i]) + f.epsilon);
    }
}

static Factors factors_of(const OptimizerConfig *c, OptimizerStep s)
{
    Factors f = {.rate = (real)s.learning_rate,
                 .scale = (real)s.scale,
                 .decay = s.decay ? (real)c->weight_decay : 0,
                 .keep = 1,
                 .take = 1,
                 .epsilon = (real)c->epsilon};
    switch ((OptimizerKind)c->kind) {
    case OPTIMIZER_SGD:
    case OPTIMIZER_ADAGRAD: break;
    case OPTIMIZER_MOMENTUM: f.keep = (real)c->momentum; break;
    case OPTIMIZER_RMSPROP:
        f.keep = (real)c->alpha;
        f.take = (real)(1 - c->alpha);
        break;
    case OPTIMIZER_ADAMW: f.shrink = f.rate * f.decay; f.decay = 0; /* fall through */
    case OPTIMIZER_ADAM: /* corrected, for moments that started at zero */
        f.rate = (real)(s.learning_rate / (1 - pow(c->beta1, (double)s.step)));
        f.root = (real)(1 / sqrt(1 - pow(c->beta2, (double)s.step)));
        f.keep = (real)c->beta1;
        f.take = 1 - f.keep;
        f.keep2 = (real)c->beta2;
        f.take2 = 1 - f.keep2;
        break;
    }
    return f;
}

static real *at(Tensor t, int64_t place)
{
    return reals(t) + place;
}

Work optimizer_work(const OptimizerConfig *config, Tensor parameters, Tensor gradients, const Tensor *state)
{
    int64_t n = parameters.count;
    int states = optimizer_states((OptimizerKind)config->kind);
    bool mixed = state[OPTIMIZER_MASTER].device; /* it is read and written, the parameters written */
    Tensor whole = mixed ? state[OPTIMIZER_MASTER] : parameters;
    double bytes = tensor_traffic(whole, (2 + 2 * states) * n) + tensor_traffic(gradients, n) +
                   (mixed ? tensor_traffic(parameters, n) : 0);
    return work_through(WORK_OPTIMIZER, whole, 1, 14.0 * (double)n, bytes);
}

/* The kernel's tensors. */
enum { PARAMETERS, GRADIENTS, WHOLE, STATE, TENSORS = STATE + 2 };

typedef struct Update {
    OptimizerKind kind;
    Factors factors;
    int states;
    bool mixed; /* `whole` is not the parameters, which are rounded from it */
} Update;

static void update_values(void *context, const Tensor *t, int64_t first, int64_t n)
{
    (void)first;
    const Update *u = context;
    Factors f = u->factors;
    Tensor gradients = t[GRADIENTS];
    real wide[TENSOR_PIECE]; /* a piece of 16-bit gradients */
    for (int64_t i = 0, count; i < n; i += count) {
        count = tensor_piece(n - i);
        if (is_half(gradients.dtype)) {
            tensor_fetch(gradients, i);
            tensor_read(gradients, i, count, wide);
        }
        const real *g = is_half(gradients.dtype) ? wide : at(gradients, i);
        real *x = at(t[WHOLE], i), *m = u->states > 0 ? at(t[STATE], i) : NULL,
             *v = u->states > 1 ? at(t[STATE + 1], i) : NULL;
        switch (u->kind) {
        case OPTIMIZER_SGD: sgd(x, g, count, f); break;
        case OPTIMIZER_MOMENTUM: momentum(x, g, m, count, f); break;
        case OPTIMIZER_ADAM:
        case OPTIMIZER_ADAMW: adam(x, g, m, v, count, f); break;
        case OPTIMIZER_RMSPROP:
        case OPTIMIZER_ADAGRAD: adaptive(x, g, m, count, f); break;
        }
        if (u->mixed) tensor_write(t[PARAMETERS], i, count, x);
    }
}

void optimizer_update(const OptimizerConfig *config, OptimizerStep step, Tensor parameters, Tensor gradients,
                      const Tensor *state)
{
    if (!device_kernel(parameters.device, optimizer_work(config, parameters, gradients, state))) return;
    OptimizerKind kind = (OptimizerKind)config->kind;
    Update update = {.kind = kind,
                     .factors = factors_of(config, step),
                     .states = optimizer_states(kind),
                     .mixed = state[OPTIMIZER_MASTER].device};
    RowsOf t[TENSORS] = {[PARAMETERS] = {parameters, 1},
                         [GRADIENTS] = {gradients, 1},
                         [WHOLE] = {update.mixed ? state[OPTIMIZER_MASTER] : parameters, 1}};
    for (int i = 0; i < update.states; i++) t[STATE + i] = (RowsOf){state[i], 1};
    tensor_rows_divide(parameters.count, t, TENSORS, update_values, &update);
}
