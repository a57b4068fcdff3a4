/* scales.h - what a step's gradients are multiplied by: the learning rate, and fp16's loss scale. */
#ifndef SIM_RUN_SCALES_H
#define SIM_RUN_SCALES_H
#include "sim/config/config.h"

/* The rate after so many updates: linear warm-up from 1/warmup, then constant, or a cosine to a tenth at the last
 * of train.steps. Steps that are skipped hold it. */
double learning_rate_at(const Config *config, int64_t updates);

/* fp16's loss scale never falls below this: what overflows there is a gradient of 65504 x 2^24, or one that is
 * infinite at any scale. */
#define LOSS_SCALE_LEAST 0x1p-24
/* The scale after a step; `fine`: how many in a row have not been skipped since it changed. Dynamic loss scaling
 * (Micikevicius et al. 1710.03740, section 3.2). As PyTorch's GradScaler does it, the scale stops where it would leave a
 * float. */
double loss_scale_after(const Config *config, double scale, bool skipped, int64_t *fine);
#endif
