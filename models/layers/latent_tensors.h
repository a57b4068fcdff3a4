/* latent_tensors.h - latent attention's table (branch_latent.h): matrices down to latents, which every rank has whole,
 * and up from them, which are cut by heads. */
#ifndef MODELS_LAYERS_LATENT_TENSORS_H
#define MODELS_LAYERS_LATENT_TENSORS_H
#include "models/layers/attention_core.h"

/* Queries come of the input (Q) or of a latent (Q_DOWN, Q_NORM, Q_UP): the tensors of the other are none. A bias
 * follows its weight. */
enum {
    LATENT_Q = NORM_TENSORS,
    LATENT_Q_DOWN = LATENT_Q + 2,
    LATENT_Q_NORM = LATENT_Q_DOWN + 2,
    LATENT_Q_UP,
    LATENT_KV_DOWN = LATENT_Q_UP + 2,
    LATENT_KV_NORM = LATENT_KV_DOWN + 2,
    LATENT_KV_UP,
    LATENT_OUT = LATENT_KV_UP + 2,
    LATENT_TENSORS = LATENT_OUT + 2
};

extern const BranchTensor latent_tensors[LATENT_TENSORS];
#endif
