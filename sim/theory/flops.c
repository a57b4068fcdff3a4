/* flops.c - operations of a step as papers count them: the numerators of MFU and HFU. */
#include <math.h>
#include "models/layers/gpt_count.h"
#include "sim/theory/theory.h"

/* What the equations are of: an MLP of 4 h without a gate, as many heads of keys and values as of queries. */
static bool is_gpt(const GptShape *shape)
{
    return shape->ffn == 4 * shape->hidden && shape->kv_heads == shape->heads && !is_gated(shape) &&
           !is_latent(shape) && shape->experts.count == 0;
}

/* 72 B L s h^2 (1 + scores s/h + V/(12 h L)). */
static double korthikanti(const GptShape *shape, double samples, double scores)
{
    double B = samples, L = (double)shape->layers, s = (double)shape->sequence, h = (double)shape->hidden,
           V = (double)shape->vocab;
    if (!is_gpt(shape)) return (double)NAN;
    return 72 * B * L * s * h * h * (1 + scores * s / h + V / (12 * h * L));
}

double theory_flops_model(const GptShape *shape, double samples)
{
    return korthikanti(shape, samples, 1.0 / 6);
}

double theory_flops_selective(const GptShape *shape, double samples)
{
    return korthikanti(shape, samples, 1.0 / 3);
}

double theory_flops_parameters(const GptShape *shape, double samples)
{
    double N = (double)gpt_multiplied_parameter_count(shape), L = (double)shape->layers,
           widths = (double)(shape->heads * (key_width(shape) + value_width(shape))),
           s = (double)shape->sequence;
    return samples * s * (6 * N + 6 * L * widths * s);
}
