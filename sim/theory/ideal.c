/* ideal.c - how long actions take where all that counts is the schedule. */
#include "sim/theory/theory.h"

double theory_again(const Config *config)
{
    const GptShape *shape = &config->model.shape;
    double s = (double)shape->sequence, h = (double)shape->hidden, f = (double)shape->ffn;
    if (config->train.recompute == RECOMPUTE_NONE) return 0;
    if (config->train.recompute == RECOMPUTE_FULL) return 1;
    double widths = (double)qkv_width(shape, 1) + h + (double)inner_width(shape) + f;
    return shape->attention == ATTENTION_FLASH ? 0 : s / (widths + 2 * s);
}

Ideal theory_ideal(const Config *config)
{
    double again = theory_again(config);
    return (Ideal){.forward = 1, .backward = 2 + again, .input = 1 + again, .weight = 1};
}
