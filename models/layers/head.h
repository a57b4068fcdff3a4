/* head.h - a GPT's last layer: norm, logits and cross-entropy. The vocabulary is cut over the region's ranks by
 * columns, and no rank ever has all logits (Shoeybi et al. 1909.08053, section 3). */
#ifndef MODELS_LAYERS_HEAD_H
#define MODELS_LAYERS_HEAD_H
#include "models/layers/gpt_parameters.h"

typedef struct HeadSaved {
    Tensor x, norm; /* (B, T', C): its input, and normed */
    /* (B, T, vocab_cut) REAL; backward's first half makes the logits' gradient of them, as factor of products in the
     * model's type */
    Tensor probabilities;
    Tensor dnorms; /* (2, C) REAL: of the norm's gain and bias, from that half to the second */
} HeadSaved;

/* Takes over x (B, T', C). The sum over B T positions of -log p(next token), in nats. */
double head_forward(const Gpt *gpt, LayerTensors w, Tensor tokens, Tensor x, HeadSaved *saved);
/* Of scale * that sum: a new dx (B, T', C). */
Tensor head_backward_input(const Gpt *gpt, LayerTensors w, Tensor tokens, double scale, HeadSaved *saved);
/* Adds to the gradients d and frees saved. */
void head_backward_weights(const Gpt *gpt, LayerTensors d, HeadSaved *saved);
/* Both at once, the same bits. */
Tensor head_backward(const Gpt *gpt, LayerTensors w, LayerTensors d, Tensor tokens, double scale,
                     HeadSaved *saved);
#endif
