/* ideal.c - how long actions take where all that counts is the schedule. */
#include "sim/theory/attention.h"
#include "sim/theory/share.h"
#include "sim/theory/theory.h"

/* In forwards. */
static double again(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    double s = (double)shape->sequence, h = (double)shape->hidden, a = (double)shape->heads;
    if (config->train.recompute == RECOMPUTE_NONE) return 0;
    if (config->train.recompute == RECOMPUTE_FULL) return 1;
    if (shape->attention == ATTENTION_FLASH) return 0;
    double sparse = (double)layers_with_experts(shape, 1, shape->layers) / (double)shape->layers;
    double met = theory_experts_width(shape, (double)(shape->experts.top_k + shape->experts.shared));
    /* of MLP or experts the mean of all layers */
    double mlp = (1 - sparse) * (double)(inner_width(shape) + shape->ffn) + sparse * met;
    double matrices = theory_attention_parameters(shape, 1).matrices + h * mlp;
    double keys = s * a * (double)key_width(shape), values = s * a * (double)value_width(shape);
    return keys / (matrices + keys + values);
}

static bool given(const Config *config)
{
    return config->hardware.profile == PROFILE_GIVEN;
}

double theory_again(const Config *config)
{
    return again(config) * (given(config) ? 1e-3 * config->hardware.forward_ms : 1);
}

Ideal theory_ideal(const Config *config)
{
    double F = 1, I = 1, W = 1, more = theory_again(config);
    if (given(config)) {
        F = 1e-3 * config->hardware.forward_ms;
        I = 1e-3 * config->hardware.input_ms;
        W = 1e-3 * config->hardware.weight_ms;
    }
    return (Ideal){.forward = F, .backward = I + W + more, .input = I + more, .weight = W};
}
