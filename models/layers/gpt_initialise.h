/* gpt_initialise.h - the weights that training begins with (GPT-2's: Radford et al. 2019, section 2.3). */
#ifndef MODELS_LAYERS_GPT_INITIALISE_H
#define MODELS_LAYERS_GPT_INITIALISE_H
#include "models/layers/gpt_parameters.h"

/* Fills `to` with elements offset.. of the unit as initialised from `seed`:
 * normal(0, 0.02), residual projections by 1/sqrt(2 L) less, norms 1, biases 0.
 * A function of the element's place alone, so any rank fills any range. */
void gpt_initialise(const Gpt *gpt, int unit, int64_t offset, int64_t seed, Tensor to);
#endif
