/* scales.c - the schedule of the one, and what overflows and what does not make of the other. */
#include "sim/run/scales.h"
#include <float.h>
#include <math.h>

double learning_rate_at(const Config *config, int64_t updates)
{
    double rate = config->train.learning_rate;
    int64_t warmup = config->train.warmup, last = config->train.steps - 1;
    if (updates < warmup) return rate * (double)(updates + 1) / (double)warmup;
    if (config->train.decay == DECAY_CONSTANT || last <= warmup) return rate;
    double progress = (double)(updates - warmup) / (double)(last - warmup);
    return rate * (0.1 + 0.45 * (1 + cos(3.14159265358979323846 * progress)));
}

double loss_scale_after(const Config *config, double scale, bool skipped, int64_t *fine)
{
    if (config->train.precision != PRECISION_FP16) return scale;
    if (!skipped && ++*fine < config->train.loss_scale_interval) return scale;
    *fine = 0;
    if (skipped) return fmax(scale * config->train.loss_scale_backoff, LOSS_SCALE_LEAST);
    return 2 * scale <= FLT_MAX ? 2 * scale : scale;
}
